//! The parts that can be asked for, and the files of each.

use minijinja::{Value, context};

use crate::docker::{self, Builder};
use crate::project::Project;
use crate::template::{File, TemplateError};

const EXECUTABLE: u32 = 0o755;
const PLAIN: u32 = 0o644;

const DOCKERFILE: &str = "Dockerfile";
const DOCKERIGNORE: &str = ".dockerignore";

/// A group of files with one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Release tasks and the commands `server` and `migrate`.
    Release,
    /// A Dockerfile.
    Docker,
    /// A command that migrates and starts.
    Entrypoint,
    /// `fly.toml`.
    Fly,
    /// A unit of systemd.
    Systemd,
    /// Manifests for Kubernetes.
    Kubernetes,
}

/// How files are generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether release tasks have a start of their own with a flag for the application.
    pub minimal: bool,
    /// What builds the release in a Dockerfile.
    pub builder: Builder,
}

/// The parts of a project where none is named: its release tasks, and a Dockerfile.
pub fn default_parts(project: &Project) -> Vec<Part> {
    let mut parts = Vec::new();
    if project.has_phoenix() || project.has_ecto() {
        parts.push(Part::Release);
    }
    parts.push(Part::Docker);
    parts
}

/// The files of these parts.
///
/// # Errors
///
/// Never for a project whose release has a name.
pub fn files(project: &Project, parts: &[Part], options: Options) -> Result<Vec<File>, TemplateError> {
    let makes_rel = parts.iter().any(|part| matches!(part, Part::Release | Part::Entrypoint));
    let values = values(project, &options);
    let mut files = Vec::new();
    let for_docker = docker::values(project, &options, makes_rel);
    let mut add = |path: &str, mode: u32, template: &str| -> Result<(), TemplateError> {
        let values = if matches!(path, DOCKERFILE | DOCKERIGNORE) { &for_docker } else { &values };
        files.push(File::render(path, mode, template, values)?);
        Ok(())
    };
    for part in parts {
        match part {
            Part::Release => {
                if project.has_phoenix() {
                    add("rel/overlays/bin/server", EXECUTABLE, include_str!("templates/server"))?;
                    add("rel/overlays/bin/server.bat", EXECUTABLE, include_str!("templates/server.bat"))?;
                }
                if project.has_ecto() {
                    add("rel/overlays/bin/migrate", EXECUTABLE, include_str!("templates/migrate"))?;
                    add("rel/overlays/bin/migrate.bat", EXECUTABLE, include_str!("templates/migrate.bat"))?;
                    if let Some(first) = project.with_repositories().first() {
                        let path = Project::path_in(first, &format!("lib/{}/release.ex", first.name));
                        add(&path, PLAIN, include_str!("templates/release.ex"))?;
                    }
                }
            }
            Part::Docker => {
                add(DOCKERFILE, PLAIN, include_str!("templates/Dockerfile"))?;
                add(DOCKERIGNORE, PLAIN, include_str!("templates/dockerignore"))?;
            }
            Part::Entrypoint => {
                add("rel/overlays/bin/entrypoint", EXECUTABLE, include_str!("templates/entrypoint"))?;
            }
            Part::Fly => {
                add("fly.toml", PLAIN, include_str!("templates/fly.toml"))?;
                if project.depends_on("dns_cluster") || project.depends_on("libcluster") {
                    add("rel/env.sh.eex", PLAIN, include_str!("templates/env.sh.eex"))?;
                }
            }
            Part::Systemd => {
                let path = format!("deploy/{}.service", project.release);
                add(&path, PLAIN, include_str!("templates/unit.service"))?;
            }
            Part::Kubernetes => {
                add("deploy/kubernetes.yaml", PLAIN, include_str!("templates/kubernetes.yaml"))?;
            }
        }
    }
    Ok(files)
}

fn values(project: &Project, options: &Options) -> Value {
    let with_repositories = project.with_repositories();
    let first = with_repositories.first();
    let module = first.map(|application| application.module.as_str()).unwrap_or_default();
    let label = project.release.replace('_', "-");
    context! {
        name => project.release.clone(),
        module => module.to_owned(),
        tasks => context! {
            module => format!("{module}.Release"),
            applications => with_repositories.iter().map(|application| application.name.clone()).collect::<Vec<_>>(),
        },
        minimal => options.minimal,
        load => if options.minimal { "start_app" } else { "load_app" },
        has_phoenix => project.has_phoenix(),
        has_ecto => project.has_ecto(),
        has_migrate => project.has_migrate(),
        has_server => project.has_server(),
        has_clustering => project.depends_on("dns_cluster"),
        host_name => label.clone(),
        label => label.clone(),
        image => format!("registry.example.com/{label}:latest"),
        port => 4000,
    }
}
