//! `beamship profile-boot`: a trial start that records which modules it uses.
//!
//! The release is started in interactive mode, in which nothing is loaded that is not called. Once it is ready, the running
//! system is asked what it has loaded, and stopped. The start has the environment of this command (`DATABASE_URL`,
//! `SECRET_KEY_BASE` …), but a node name, a cookie and a `RELEASE_TMP` of its own, so that it is not mistaken for a system that
//! is running.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use contract::{FAST_BOOT_FILE, Mode};
use etf::Term;
use release::PROFILE;

use super::trial::{Started, Trial};
use crate::arguments::{GlobalArguments, ProfileBootArguments};
use crate::generated_files::{NewFile, WriteOptions, write_all};
use crate::printer::{Printer, count};
use crate::{project_directory, release_directory};

/// Records a profile.
pub(crate) fn run(
    arguments: &ProfileBootArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let project = project_directory::find_mix_project()?;
    let directory =
        release_directory::find(arguments.built.release.as_deref(), arguments.built.name.as_deref())?;
    let (name, version) = release_directory::identity(&directory)?;
    let trial = Trial::new(directory.join("bin").join(&name), "profile-boot")?;
    let fast = directory.join("releases").join(version).join(FAST_BOOT_FILE);
    let script = match fs_err::read(&fast) {
        Ok(boot) => Some(
            release::recording_boot_script(&boot)
                .with_context(|| format!("`{fast}` is not a boot script"))?,
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let phase = printer.phase("start");
    let modules = used_modules(&trial, arguments, script.as_deref())?;
    phase.finish(&format!("{} modules are used", count(modules.len())));
    let mut text = "# The modules that a start uses; `beamship profile-boot` records them.\n".to_owned();
    for module in &modules {
        text.push_str(module);
        text.push('\n');
    }
    let file = NewFile { path: format!("rel/{PROFILE}"), mode: None, text };
    let write_options =
        WriteOptions { force: true, dry_run: false, json: global.json, shows_difference: false };
    write_all(&project, &[file], write_options, printer)?;
    printer.say("\nThe next `beamship build` makes a release that starts with these.");
    Ok(())
}

/// Starts the system with a boot script, or with its usual one, and asks which modules it has loaded.
fn used_modules(
    trial: &Trial,
    arguments: &ProfileBootArguments,
    script: Option<&[u8]>,
) -> anyhow::Result<BTreeSet<String>> {
    let mut started = trial.start(Mode::Interactive, script)?;
    let result = loaded_modules(trial, arguments, &mut started);
    trial.stop(started);
    result.map_err(|error| trial.failure(&error))
}

/// Asks a system which modules it has loaded, once it is ready and has been exercised.
fn loaded_modules(
    trial: &Trial,
    arguments: &ProfileBootArguments,
    started: &mut Started,
) -> anyhow::Result<BTreeSet<String>> {
    let deadline = started.begin + Duration::from_secs(arguments.wait.into());
    trial.wait_until_ready(started, deadline)?;
    if let Some(exercise) = &arguments.exercise {
        let status = trial.run(Command::new("/bin/sh").args(["-c", exercise]).stdout(Stdio::null()));
        let status = status.with_context(|| format!("cannot run `{exercise}`"))?;
        anyhow::ensure!(status.success(), "`{exercise}` failed with {status}");
    }
    // Not an expression: the system would load all that evaluates it.
    let answer = trial.succeed(&["rpc", "--mfa", "code", "all_loaded"])?;
    let modules = from_files(&answer).context("cannot read which modules the trial start has loaded")?;
    anyhow::ensure!(!modules.is_empty(), "the trial start has loaded no module");
    Ok(modules)
}

/// Names of the modules that were loaded from files, out of what `code:all_loaded/0` returns: `{Module, File}`, and
/// `{Module, preloaded}` of those that are part of the runtime.
fn from_files(answer: &str) -> anyhow::Result<BTreeSet<String>> {
    let terms = etf::text::consult(format!("{answer}.").as_bytes())?;
    let loaded = terms.first().and_then(Term::as_list).context("it is not a list")?;
    let from_file = |entry: &Term| match entry.as_tuple() {
        Some([module, file]) if file.as_atom().is_none() => Some(module.as_atom()?.to_string()),
        _ => None,
    };
    Ok(loaded.iter().filter_map(from_file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_the_runtime_itself_are_left_out() {
        let answer =
            "[{'Elixir.Demo',\"/demo/Elixir.Demo.beam\"},\n {init,preloaded},{lists,\"/lists.beam\"}]\n";
        let modules: Vec<String> = from_files(answer).unwrap().into_iter().collect();
        assert_eq!(modules, ["Elixir.Demo", "lists"]);
        assert!(from_files("ok").is_err());
        assert!(from_files("[").is_err());
    }
}
