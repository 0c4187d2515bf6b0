//! The bridge to a Mix project.
//!
//! A Mix project is code: its `mix.exs`, its configuration, its tasks. Only Elixir can say what they mean. So one Elixir
//! virtual machine is started in the project's directory, loads the project as `mix` would, and answers requests over a
//! Unix socket: fetch the dependencies, compile, build the assets, describe a release. Starting it costs as much as
//! starting `mix`, so it is done once; everything that needs no Elixir is done elsewhere.
//!
//! ```no_run
//! use beamship_project::{Bridge, BridgeOptions, CompileOptions, ReleaseRequest};
//!
//! # fn main() -> Result<(), beamship_project::BridgeError> {
//! let mut bridge = Bridge::start(&BridgeOptions::new(".", None))?;
//! bridge.fetch_dependencies()?;
//! bridge.compile(&CompileOptions::default())?;
//! let release = bridge.describe_release(&ReleaseRequest::default())?;
//! println!("{} {}", release.value.spec.name, release.value.spec.version);
//! bridge.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! What Mix prints is collected by phase ([`Output`]) and can be followed live ([`BridgeOptions::sink`]). Packets are
//! external terms with four bytes of length before them; a request is `{Marker, Name, Argument}`, an answer
//! `{ok, Map}`, `{failed, Message}` (Mix has printed the reason) or `{refused, Message}` (nothing is printed).

mod bridge;
mod description;
mod error;
mod fields;
mod options;
mod output;
mod process_tree;
mod request;
mod source;
mod survey;
mod temporary_directory;
mod virtual_machine;

pub use bridge::{Bridge, Dependencies, LocalApplication, LocalSources, Outcome, ProjectInformation};
pub use description::{BuildInputs, NextStep, Notice, ReleaseDescription, ReleaseLocation, Step};
pub use error::{BridgeError, Phase};
pub use options::BridgeOptions;
pub use output::{Output, Sink, Stream};
pub use process_tree::kill_with_descendants;
pub use request::{CompileOptions, ReleaseRequest};
pub use survey::{ReleaseSources, Survey, SurveyedApplication, UnusableDependency};

/// Removes what starts of Elixir have left in the temporary directory that were killed. Each start does that too; this is for
/// who starts none. What cannot be removed only takes space.
pub fn remove_abandoned_directories() {
    temporary_directory::remove_abandoned(&temporary_directory::TemporaryDirectory::place());
}
