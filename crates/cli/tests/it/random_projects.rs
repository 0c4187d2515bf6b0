//! Random projects, released by Mix and by this program: both refuse, or the releases are the same but for what
//! docs/differences.md says.
//!
//! `BEAMSHIP_RANDOM_PROJECTS` says how many projects of 20 releases each there are (5), `BEAMSHIP_RANDOM_SEED` which.

use std::fmt::Write as _;

use beamship::machine_files::MachineFiles;
use camino::{Utf8Path, Utf8PathBuf};
use contract::MANIFEST;
use project::{Bridge, BridgeOptions, CompileOptions, ReleaseRequest};
use release::{Materials, Plan};
use tree::TreePath;
use tree::directory::{self, DirectoryOptions};

use crate::differences::undocumented;
use crate::sandbox::{Sandbox, succeed};

const RELEASES: usize = 20;

#[test]
fn random_projects_are_released_as_mix_does_it() {
    let number = |name: &str, default: usize| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
    };
    let projects = number("BEAMSHIP_RANDOM_PROJECTS", 5);
    let seed = number("BEAMSHIP_RANDOM_SEED", 2026);
    let sandbox = Sandbox::new();
    let root = sandbox.join("projects");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/random_projects.exs");
    let mut elixir = sandbox.command("elixir");
    elixir.arg(script).arg(&root);
    for argument in [seed, projects, RELEASES] {
        elixir.arg(argument.to_string());
    }
    succeed(&mut elixir);

    let (mut released, mut refused, mut report) = (0, 0, String::new());
    for project in 1..=projects {
        let directory = root.join(project.to_string());
        let mut bridge = start(&sandbox, &directory);
        for index in 1..=RELEASES {
            let name = format!("r{index}");
            let of_mix = directory.join("of-mix").join(&name);
            let result = release(&mut bridge, &directory, &name);
            let mix_refused = std::fs::read_to_string(format!("{of_mix}.refused"));
            match (result, mix_refused) {
                (Err(_), Ok(_)) => refused += 1,
                (Err(ours), Err(_)) => {
                    let _ = writeln!(report, "{project}/{name}: Mix releases it, we say: {ours}");
                }
                (Ok(_), Ok(theirs)) => {
                    let _ = writeln!(report, "{project}/{name}: we release it, Mix says: {theirs}");
                }
                (Ok((ours, rendered)), Err(_)) => {
                    released += 1;
                    for difference in undocumented(&of_mix, &ours, &name, &rendered) {
                        let _ = writeln!(report, "{project}/{name}: {difference}");
                    }
                }
            }
        }
        bridge.stop().unwrap();
    }
    println!("{released} releases are the same, {refused} are refused by both");
    assert!(report.is_empty(), "seed {seed}, in {root}:\n{report}");
    // A generator that only makes nonsense would prove nothing, nor would one that never does.
    assert!(released * 2 > refused, "only {released} of {} make a release", projects * RELEASES);
    assert!(refused > 0 || projects < 5, "none is refused");
}

fn start(sandbox: &Sandbox, directory: &Utf8Path) -> Bridge {
    let mut options = BridgeOptions::new(directory, Some(sandbox.join("cache/beamship")));
    for (name, value) in [("HOME", sandbox.join("home")), ("MIX_HOME", sandbox.join("home/.mix"))] {
        options.environment.push((name.into(), value.into()));
    }
    options.environment.push(("MIX_ENV".into(), "prod".into()));
    let mut bridge = Bridge::start(&options).unwrap();
    bridge.compile(&CompileOptions::default()).unwrap();
    bridge
}

/// A release, and the names of its files that come from templates.
fn release(
    bridge: &mut Bridge,
    directory: &Utf8Path,
    name: &str,
) -> Result<(Utf8PathBuf, Vec<String>), String> {
    let path = directory.join("of-beamship").join(name);
    let request = ReleaseRequest {
        name: Some(name.to_owned()),
        path: Some(path.clone()),
        overwrite: Some(true),
        ..ReleaseRequest::default()
    };
    let spec = bridge.describe_release(&request).map_err(|error| error.to_string())?.value.spec;
    let materials = Materials {
        launcher: env!("CARGO_BIN_EXE_beamship-launcher").into(),
        cookie: b"cookie".to_vec(),
        additional: Vec::new(),
    };
    let plan = Plan::make(&spec, &materials, &MachineFiles).map_err(|error| error.to_string())?;
    let options =
        DirectoryOptions { manifest: TreePath::new(MANIFEST).ok(), made_by_steps: false, earlier: None };
    directory::write(&plan.tree, &path, &options, &()).map_err(|error| error.to_string())?;
    Ok((path, spec.rendered_templates.into_keys().collect()))
}
