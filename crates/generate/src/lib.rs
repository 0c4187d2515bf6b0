//! The files that a project needs to be deployed, as text.
//!
//! What is known about a project ([`Project`]) goes in, files with their paths and modes come out ([`files`]): release tasks,
//! overlay scripts, a Dockerfile, `fly.toml`, a systemd unit, Kubernetes manifests. Nothing is read or written here. The
//! texts are templates in `templates/`, one for each file; what is put into them is decided in one place for each part.

mod docker;
mod instruction;
mod notices;
mod part;
mod project;
mod template;
mod tool_versions;

pub use docker::Builder;
pub use notices::{Notice, notices};
pub use part::{Options, Part, default_parts, files};
pub use project::{Npm, OwnApplication, Project};
pub use template::{File, TemplateError};
