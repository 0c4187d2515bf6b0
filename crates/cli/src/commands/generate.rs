//! `beamship gen`: the files that a project needs to be deployed.

use camino::{Utf8Path, Utf8PathBuf};
use generate::{Builder, Options, OwnApplication, Part, Project};
use project::{Bridge, BridgeOptions, Survey};

use crate::arguments::{DockerBuilder, GenerateArguments, GeneratedPart, GlobalArguments};
use crate::bridge_failure::explain;
use crate::generated_files::{NewFile, WriteOptions, write_all};
use crate::printer::Printer;
use crate::{cache_directory, project_directory};

/// What generated files refer to, in each application and in the project.
const REFERENCED: [&str; 14] = [
    "assets",
    "assets/package.json",
    "assets/package-lock.json",
    "package.json",
    "package-lock.json",
    "priv",
    "lib",
    "src",
    "include",
    "c_src",
    "config/config.exs",
    "config/prod.exs",
    "config/runtime.exs",
    "mix.lock",
];

/// The same, in the project alone.
const REFERENCED_IN_PROJECT: [&str; 3] = ["rel", "rel/overlays/bin/server", "rel/overlays/bin/migrate"];

/// Generates.
pub(crate) fn run(
    arguments: &GenerateArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let directory = project_directory::find_mix_project()?;
    let project = examine(&directory, printer)?;
    let mut parts: Vec<Part> = arguments.parts.iter().copied().map(part).collect();
    if parts.is_empty() {
        parts = generate::default_parts(&project);
    }
    parts.sort_unstable();
    parts.dedup();
    if parts.contains(&Part::Docker) && !project.outside_dependencies.is_empty() {
        let outside: Vec<String> =
            project.outside_dependencies.iter().map(|path| format!("`{path}`")).collect();
        printer.warn(&format!(
            "`docker build` does not reach dependencies outside of the project: {}\nhint: build with `beamship image`, or move them into the project",
            outside.join(", ")
        ));
    }
    if parts.contains(&Part::Docker) && !project.outside_options.is_empty() {
        printer.warn(&format!(
            "`docker build` does not reach what mix.exs names outside of the project: {}\nhint: run this in the directory of the umbrella, or build with `beamship image`",
            project.outside_options.join(", ")
        ));
    }
    if project.runtime_exs.is_none() {
        printer.say("  there is no config/runtime.exs: the release will be configured when it is built");
    }
    let builder = match arguments.builder {
        DockerBuilder::Mix => Builder::Mix,
        DockerBuilder::Beamship => Builder::Beamship,
    };
    let options = Options { minimal: arguments.minimal, builder };
    let files: Vec<NewFile> = generate::files(&project, &parts, options)?
        .into_iter()
        .map(|file| NewFile { path: file.path, mode: Some(file.mode), text: file.text })
        .collect();
    let has_tasks =
        files.iter().any(|file| file.path.ends_with("release.ex") || file.path.ends_with("bin/server"));
    if parts.contains(&Part::Release) && !has_tasks {
        printer.say("  release   nothing: the project has neither Phoenix nor Ecto");
    }
    let write_options = WriteOptions {
        force: arguments.force,
        dry_run: arguments.dry_run,
        json: global.json,
        shows_difference: true,
    };
    let result = write_all(&directory, &files, write_options, printer);
    for notice in generate::notices(&project) {
        let (message, snippet) = (notice.message, notice.indented_snippet());
        printer.warn(&format!("{message}. Add to config/runtime.exs:\n\n{snippet}"));
    }
    result
}

fn part(part: GeneratedPart) -> Part {
    match part {
        GeneratedPart::Release => Part::Release,
        GeneratedPart::Docker => Part::Docker,
        GeneratedPart::Entrypoint => Part::Entrypoint,
        GeneratedPart::Fly => Part::Fly,
        GeneratedPart::Systemd => Part::Systemd,
        GeneratedPart::K8s => Part::Kubernetes,
    }
}

/// Asks Mix about the project, and looks at its files.
fn examine(directory: &Utf8Path, printer: &Printer) -> anyhow::Result<Project> {
    let phase = printer.phase("project");
    let asked = Bridge::start(&BridgeOptions::new(directory.to_owned(), cache_directory::find())).and_then(
        |mut bridge| {
            let survey = bridge.survey()?;
            bridge.stop()?;
            Ok(survey)
        },
    );
    let survey = match asked {
        Ok(outcome) => {
            phase.finish(&format!(
                "Elixir {} on OTP {}",
                outcome.value.elixir_version, outcome.value.otp_release
            ));
            outcome.value
        }
        Err(error) => {
            drop(phase);
            return Err(explain(error, printer));
        }
    };
    project(directory, survey)
}

/// What is known about a project, as generated files need it.
pub(super) fn project(directory: &Utf8Path, survey: Survey) -> anyhow::Result<Project> {
    let own = |name: &str| survey.applications.iter().any(|application| application.name == name);
    let mut project = Project {
        release: survey.releases.first().cloned().unwrap_or_default(),
        has_several_releases: survey.releases.len() > 1,
        is_umbrella: survey.is_umbrella,
        dependencies: survey.dependencies.iter().map(ToString::to_string).filter(|name| !own(name)).collect(),
        has_hex: survey.needs_hex,
        aliases: survey.aliases.iter().map(ToString::to_string).collect(),
        outside_options: survey.options_outside_project.iter().map(ToString::to_string).collect(),
        elixir: survey.elixir_version,
        otp: survey.otp_release,
        versions_from: "the Elixir that generated this".to_owned(),
        ..Project::default()
    };
    if project.release.is_empty() {
        anyhow::bail!(
            "the umbrella defines no release\nhint: add `releases: [NAME: [applications: [APP: :permanent]]]` to `def project` of mix.exs"
        );
    }
    for application in survey.applications {
        project.applications.push(OwnApplication {
            name: application.name,
            path: application.path,
            module: application.module,
            has_repositories: application.has_repositories,
            aliases: application.aliases.iter().map(ToString::to_string).collect(),
        });
    }
    let mut wanted: Vec<String> =
        REFERENCED.iter().chain(&REFERENCED_IN_PROJECT).map(|path| (*path).to_owned()).collect();
    for application in project.applications.iter().filter(|application| !application.path.is_empty()) {
        wanted.extend(REFERENCED.iter().map(|path| format!("{}/{path}", application.path)));
    }
    project.present = wanted.into_iter().filter(|path| directory.join(path).exists()).collect();
    for dependency in survey.path_dependency_directories {
        let resolved: Utf8PathBuf = dependency.canonicalize_utf8().unwrap_or(dependency);
        match resolved.strip_prefix(directory) {
            // With its neighbours: it may read their files.
            Ok(inside) => {
                project.path_dependencies.extend(inside.components().next().map(|top| top.to_string()));
            }
            Err(_) => project.outside_dependencies.push(resolved.to_string()),
        }
    }
    project.path_dependencies.sort();
    project.path_dependencies.dedup();
    let runtime = directory.join("config/runtime.exs");
    if runtime.is_file() {
        project.runtime_exs = Some(fs_err::read_to_string(runtime)?);
    }
    let tools = directory.join(".tool-versions");
    if tools.is_file() {
        project.pin_versions(&fs_err::read_to_string(tools)?);
    }
    Ok(project)
}
