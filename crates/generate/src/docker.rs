//! The values that the template of a Dockerfile needs.

use minijinja::{Value, context};

use crate::instruction;
use crate::part::Options;
use crate::project::{Npm, Project};

/// What builds the release inside of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Builder {
    /// Mix, as in Phoenix's Dockerfile.
    #[default]
    Mix,
    /// beamship.
    Beamship,
}

/// Versions of Debian that the official images of Erlang are made of, by OTP's.
fn debian(otp: &str) -> &'static str {
    match otp.parse::<u32>() {
        Ok(major) if major >= 28 => "trixie",
        _ => "bookworm",
    }
}

/// The arguments of `COPY` for something that goes to the same place in the image.
fn copied(path: &str) -> String {
    instruction::copy(&[path], path)
}

/// How the packages of Node are installed, before the assets are there that use them.
fn npm(npm: &Npm) -> Value {
    let file = |name: &str| format!("{}/{name}", npm.path);
    let mut files = vec![file("package.json")];
    if npm.has_lock {
        files.push(file("package-lock.json"));
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let install = if npm.has_lock { "ci" } else { "install" };
    context! {
        copied => instruction::copy(&files, &file("")),
        install => instruction::run(&["npm", "--prefix", &npm.path, install, "--no-audit", "--no-fund"]),
    }
}

/// The commands that run an alias: the project's own or, in an umbrella without it, that of each application. `mix do --app` knows
/// no aliases of applications, but the task `cmd`.
fn running(project: &Project, alias: &str) -> Vec<String> {
    if project.aliases.contains(alias) {
        return vec![format!("mix {alias}")];
    }
    let having = project.applications.iter().filter(|application| application.aliases.contains(alias));
    having.map(|application| format!("mix do --app {} cmd mix {alias}", application.name)).collect()
}

/// `makes_rel` is whether there will be a directory `rel` when all is generated.
pub(crate) fn values(project: &Project, options: &Options, makes_rel: bool) -> Value {
    let in_applications = |directory: &str| -> Vec<String> {
        let paths = project.applications.iter().map(|application| Project::path_in(application, directory));
        paths.filter(|path| project.has(path)).collect()
    };
    let application_paths: Vec<String> =
        project.applications.iter().map(|application| application.path.clone()).collect();
    // All of an umbrella's application is one directory, which also has its assets.
    let sources: Vec<String> = if project.is_umbrella {
        application_paths.clone()
    } else {
        ["priv", "lib", "src", "include", "c_src"]
            .into_iter()
            .filter(|path| project.has(path))
            .map(str::to_owned)
            .collect()
    };
    let assets = if project.is_umbrella { Vec::new() } else { in_applications("assets") };
    let compile_time_config: Vec<&str> =
        ["config/config.exs", "config/prod.exs"].into_iter().filter(|path| project.has(path)).collect();
    let has_assets = !in_applications("assets").is_empty();
    let mut before_dependencies: Vec<String> = Vec::new();
    if project.is_umbrella {
        before_dependencies.extend(application_paths.iter().map(|path| copied(&format!("{path}/mix.exs"))));
    }
    before_dependencies.extend(project.path_dependencies.iter().map(|path| copied(path)));
    let asset_roots: Vec<String> = project
        .applications
        .iter()
        .filter(|application| project.has(&Project::path_in(application, "assets")))
        .map(
            |application| {
                if application.path.is_empty() { String::new() } else { format!("{}/", application.path) }
            },
        )
        .collect();
    context! {
        elixir => project.elixir.clone(),
        otp_major => project.otp.clone(),
        versions_from => project.versions_from.clone(),
        debian => debian(&project.otp),
        builder => match options.builder { Builder::Mix => "mix", Builder::Beamship => "beamship" },
        beamship_version => env!("CARGO_PKG_VERSION"),
        needs_compiler => project.has_hex,
        has_hex => project.has_hex,
        has_lock => project.has("mix.lock"),
        has_dependencies => !project.dependencies.is_empty(),
        npm => project.npm().as_ref().map(npm),
        before_dependencies => before_dependencies,
        umbrella => if project.is_umbrella { application_paths } else { Vec::new() },
        compile_time_config => compile_time_config,
        assets_setup => if has_assets { running(project, "assets.setup") } else { Vec::new() },
        assets_deploy => running(project, "assets.deploy"),
        sources => sources.iter().map(|path| copied(path)).collect::<Vec<_>>(),
        assets => assets.iter().map(|path| copied(path)).collect::<Vec<_>>(),
        asset_roots => asset_roots,
        has_runtime_config => project.has("config/runtime.exs"),
        has_rel => project.has("rel") || makes_rel,
        release_argument => project.has_several_releases,
        name => project.release.clone(),
        has_server => project.has_server(),
        port => 4000,
        runner_packages => vec!["libstdc++6", "openssl", "libncurses6", "ca-certificates"],
    }
}
