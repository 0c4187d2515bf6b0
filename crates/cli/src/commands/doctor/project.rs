//! The project: whether it loads, and what a release of it will lack.

use std::collections::BTreeSet;

use ::project::{Bridge, BridgeError, BridgeOptions, ReleaseRequest, ReleaseSources, Survey};
use camino::{Utf8Path, Utf8PathBuf};
use diagnosis::runtime_configuration::{Need, variables};
use diagnosis::{Finding, Findings, Severity};
use release::{PROFILE, TEMPLATES};

use super::{finding, profile};
use crate::commands::generate;
use crate::hinted_error::HintedError;
use crate::{cache_directory, program, project_directory, release_alias};

/// How much of the output of a project that does not load is shown, in lines.
const SHOWN_LINES: usize = 6;

/// Checks the project; returns what Mix says about it, where it can be asked.
///
/// # Errors
///
/// When the directory that the user has named cannot be used.
pub(super) fn check(
    has_elixir: bool,
    is_release_named: bool,
    findings: &mut Findings,
) -> anyhow::Result<Option<Survey>> {
    let directory = project_directory::find()?;
    if !directory.join("mix.exs").is_file() {
        // Somebody who names a release need not be in a project.
        if !is_release_named {
            findings.push(Finding::error(
                "project",
                format!("there is no mix.exs in `{directory}`"),
                "run this in the directory of a Mix project, or name it with -C",
            ));
        }
        return Ok(None);
    }
    if !has_elixir {
        findings.push(Finding::warning(
            "project",
            "it was not loaded: there is no Elixir",
            "install Elixir first; what follows is what can be said without",
        ));
        files(&directory, &[default_sources()], findings);
        return Ok(None);
    }
    let (survey, build) = match ask(&directory, findings) {
        Ok(answers) => answers,
        Err(error) => {
            findings.push(failed(&error));
            files(&directory, &[default_sources()], findings);
            return Ok(None);
        }
    };
    dependencies(&directory, &survey, findings);
    files(&directory, &survey.release_files, findings);
    let templates: BTreeSet<&str> = survey.release_files.iter().map(|it| it.templates.as_str()).collect();
    let own: Vec<&str> = survey.applications.iter().map(|it| it.name.as_str()).collect();
    profile::check(&directory, templates.into_iter(), &build, &own, findings);
    phoenix(&directory, &survey, findings);
    Ok(Some(survey))
}

/// Starts the one virtual machine that loads the project; returns what Mix says about it, and where it compiles to.
fn ask(directory: &Utf8Path, findings: &mut Findings) -> Result<(Survey, Utf8PathBuf), BridgeError> {
    let mut bridge = Bridge::start(&BridgeOptions::new(directory.to_owned(), cache_directory::find()))?;
    let environment = bridge.information().mix_env.clone();
    let build = bridge.information().build_path.clone();
    let survey = bridge.survey()?.value;
    findings.push(Finding::ok("project", format!("{directory} loads, MIX_ENV={environment}")));
    if release_alias::is_among(survey.aliases.iter().map(etf::Atom::as_str)) {
        findings.push(Finding::warning(
            "project",
            release_alias::WARNING,
            "call what it does from `steps:` of the release",
        ));
    }
    // A project that defines none has one all the same, which cannot be asked for by name; an umbrella has none, and says so.
    let names: Vec<Option<&String>> =
        if survey.releases.len() <= 1 { vec![None] } else { survey.releases.iter().map(Some).collect() };
    for name in names {
        let request = ReleaseRequest { name: name.cloned(), run_steps: false, ..ReleaseRequest::default() };
        match bridge.locate_release(&request) {
            Ok(located) => {
                let located = located.value;
                let message = format!("{} {} goes to {}", located.name, located.version, located.path);
                findings.push(Finding::ok("releases", message));
            }
            Err(BridgeError::Refused { message, .. }) => {
                findings.push(Finding::error("releases", message, "correct `releases:` in mix.exs"));
            }
            // It may call what has to be compiled first, and nothing is compiled here.
            Err(BridgeError::Failed { message, .. }) => findings.push(Finding::warning(
                "releases",
                format!("the options of {} cannot be read: {message}", name.map_or("the release", String::as_str)),
                "`beamship build` compiles the project first: if it fails too, correct `releases:` in mix.exs",
            )),
            Err(error) => return Err(error),
        }
    }
    bridge.stop()?;
    Ok((survey, build))
}

/// A project that does not load. Where the virtual machine has ended before it could say why, its output is shown.
fn failed(error: &BridgeError) -> Finding {
    let printed = error.output().map(::project::Output::text).unwrap_or_default();
    let lines: Vec<&str> = printed.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let is_reason = |line: &&str| line.contains("** (") || line.contains("error:");
    let mut found = HintedError::parse(&error.to_string()).into_finding("project", Severity::Error);
    if let BridgeError::Exited { .. } = error
        && let Some(first) = lines.iter().position(is_reason).or(lines.len().checked_sub(SHOWN_LINES))
    {
        found.message =
            format!("it does not load:\n{}", lines[first..lines.len().min(first + SHOWN_LINES)].join("\n"));
    }
    if found.message.contains("Could not find an SCM") {
        found.remedy = Some(
            "`mix local.hex` installs Hex, which knows it; `beamship build` does so by itself".to_owned(),
        );
    }
    found
        .remedy
        .get_or_insert_with(|| "`MIX_ENV=prod mix deps` shows the same: correct it there first".to_owned());
    found
}

/// What a release is made of by default, where `mix.exs` could not be asked.
fn default_sources() -> ReleaseSources {
    ReleaseSources {
        templates: "rel".to_owned(),
        overlays: Vec::new(),
        runtime: Some("config/runtime.exs".to_owned()),
        runtime_is_named: false,
        runtime_problem: None,
    }
}

fn dependencies(directory: &Utf8Path, survey: &Survey, findings: &mut Findings) {
    for dependency in &survey.unusable {
        findings.push(Finding::error(
            "dependencies",
            format!("{}: {}", dependency.name, dependency.reason.trim()),
            "`beamship build` fetches what can be fetched, as `mix deps.get` does; a path has to be right in mix.exs",
        ));
    }
    if survey.unusable.is_empty() {
        let message = match survey.dependencies.len() {
            0 => "none".to_owned(),
            count => format!("{count}, all there"),
        };
        findings.push(Finding::ok("dependencies", message));
    }
    if survey.needs_hex && !directory.join("mix.lock").is_file() {
        findings.push(Finding::warning(
            "lock",
            "there is no mix.lock: the next build may get other versions of the dependencies",
            "`mix deps.get` writes it; commit it",
        ));
    }
    if survey.dependencies.iter().any(|name| *name == "elixir_make") {
        let missing: Vec<&str> =
            ["make", "cc"].into_iter().filter(|tool| program::find(tool).is_none()).collect();
        findings.push(if missing.is_empty() {
            Finding::ok("compiler", "make and cc are there, for dependencies with native code")
        } else {
            Finding::warning(
                "compiler",
                format!(
                    "a dependency may have to compile native code, and there is no {}",
                    missing.join(" and no ")
                ),
                "install make and a C compiler (Debian: build-essential)",
            )
        });
    }
}

fn files(directory: &Utf8Path, releases: &[ReleaseSources], findings: &mut Findings) {
    let mut seen: Vec<&ReleaseSources> = Vec::new();
    for sources in releases {
        if !seen.iter().any(|other| other.runtime == sources.runtime) {
            findings.push(runtime_configuration(directory, sources));
        }
        for overlay in &sources.overlays {
            if !directory.join(overlay).is_dir() {
                findings.push(Finding::error(
                    "overlays",
                    format!("the release option :overlays names `{overlay}`, which is not a directory"),
                    "correct it, or create the directory",
                ));
            }
        }
        if !seen.iter().any(|other| other.templates == sources.templates) {
            templates(directory, sources, releases, findings);
        }
        seen.push(sources);
    }
}

fn runtime_configuration(directory: &Utf8Path, sources: &ReleaseSources) -> Finding {
    let check = "runtime_configuration";
    let Some(path) = &sources.runtime else {
        return Finding::ok(check, "there is to be none: `runtime_config_path: false`");
    };
    let whole = directory.join(path);
    let source = match fs_err::read(&whole) {
        Ok(source) => String::from_utf8_lossy(&source).into_owned(),
        Err(error) if whole.exists() => return finding(check, Severity::Error, &error.into()),
        Err(_) if sources.runtime_is_named => {
            return Finding::error(
                check,
                format!("the release option :runtime_config_path names `{path}`, which is not there"),
                "correct it, or create the file",
            );
        }
        Err(_) if whole.with_file_name("releases.exs").is_file() => {
            return Finding::warning(
                check,
                "config/releases.exs is deprecated",
                "rename it to config/runtime.exs",
            );
        }
        Err(_) => {
            return Finding::warning(
                check,
                format!(
                    "there is no {path}: the release has the configuration of the machine that builds it, secrets too"
                ),
                "create it, and read there from the environment what differs from machine to machine",
            );
        }
    };
    if let Some(problem) = &sources.runtime_problem {
        return Finding::error(
            check,
            format!("{path} is not Elixir, so the release will not start: {problem}"),
            "correct it",
        );
    }
    let all = variables(&source, "prod", &|_| false);
    let named = |needed: bool| {
        let names =
            all.iter().filter(|it| (it.need == Need::Certain) == needed).map(|it| it.names.join(" or "));
        names.collect::<Vec<_>>().join(", ")
    };
    let (needed, optional) = (named(true), named(false));
    let mut message = format!("{path} {}", if needed.is_empty() { "needs no variable" } else { "needs " });
    message.push_str(&needed);
    if !optional.is_empty() {
        message.push_str(&format!("; it also asks for {optional}"));
    }
    Finding::ok(check, message)
}

/// Files among the templates that nothing reads.
fn templates(
    directory: &Utf8Path,
    sources: &ReleaseSources,
    releases: &[ReleaseSources],
    findings: &mut Findings,
) {
    let check = "templates";
    let templates = directory.join(&sources.templates);
    let entries = match templates.read_dir_utf8() {
        Ok(entries) => entries,
        Err(_) if sources.templates == default_sources().templates => return,
        Err(error) => {
            let message =
                format!("the release option :rel_templates_path names `{}`: {error}", sources.templates);
            findings.push(Finding::error(check, message, "correct it, or create the directory"));
            return;
        }
    };
    let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_owned()).collect();
    names.sort();
    let is_overlay = |name: &str| {
        let path = templates.join(name);
        releases.iter().flat_map(|it| &it.overlays).any(|overlay| directory.join(overlay).starts_with(&path))
    };
    let is_known = |name: &str| {
        let is_template = TEMPLATES.iter().any(|template| template.file == name);
        is_template || [PROFILE, "overlays"].contains(&name) || name.starts_with('.') || is_overlay(name)
    };
    let (known, ignored): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| is_known(name));
    for name in &ignored {
        let path = format!("{}/{name}", sources.templates);
        let template = format!("{name}.eex");
        let remedy = if TEMPLATES.iter().any(|known| known.file == template) {
            format!("call it {template}")
        } else {
            format!(
                "files for the release belong into {}/overlays; `beamship init` writes the templates that are read",
                sources.templates
            )
        };
        findings.push(Finding::warning(check, format!("{path} is ignored: no release reads it"), remedy));
    }
    if ignored.is_empty() && !known.is_empty() {
        findings.push(Finding::ok(check, format!("in {}: {}", sources.templates, known.join(", "))));
    }
}

/// A Phoenix project whose release would not listen, or not be found.
fn phoenix(directory: &Utf8Path, survey: &Survey, findings: &mut Findings) {
    if !survey.dependencies.iter().any(|name| *name == "phoenix") {
        return;
    }
    let Ok(project) = generate::project(directory, survey.clone()) else { return };
    let text = project.runtime_exs.clone().unwrap_or_default();
    let serves = survey.serves || text.contains("server: true");
    let mut is_fine = true;
    for notice in ::generate::notices(&project) {
        let message = notice.message;
        let snippet = notice.indented_snippet().replace("\n\n", "\n");
        let remedy = format!("add to config/runtime.exs:\n{snippet}");
        match notice.variable {
            "PHX_SERVER" if serves => {}
            "PHX_SERVER" => {
                is_fine = false;
                let message = "no endpoint has `server: true`, and nothing asks for PHX_SERVER: the release does not listen";
                findings.push(Finding::warning("phoenix", message, remedy));
            }
            "PHX_HOST" => {
                is_fine = false;
                findings.push(Finding::warning("phoenix", message, remedy));
            }
            // Few projects need it.
            _ => findings.push(Finding { remedy: Some(remedy), ..Finding::detail("phoenix", message) }),
        }
    }
    if is_fine {
        let message = if text.contains("PHX_SERVER") {
            "the endpoint listens when PHX_SERVER is set; bin/server does that"
        } else {
            "the endpoint listens"
        };
        findings.push(Finding::ok("phoenix", message));
    }
}
