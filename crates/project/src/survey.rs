//! What a project consists of, as files for its deployment depend on it.

use camino::Utf8PathBuf;
use etf::Atom;

use crate::fields::{Fields, Malformed};

/// A project, looked at without being compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Its releases, the default one first; its application where it defines none.
    pub releases: Vec<String>,
    /// Its application, or those of the umbrella.
    pub applications: Vec<SurveyedApplication>,
    /// Whether it is an umbrella.
    pub is_umbrella: bool,
    /// All dependencies.
    pub dependencies: Vec<Atom>,
    /// Whether one of them has to be fetched, or is not built by Mix.
    pub is_fetched: bool,
    /// The directories of those that are on this machine anyway.
    pub directories: Vec<Utf8PathBuf>,
    /// Names of its aliases.
    pub aliases: Vec<Atom>,
    /// Version of Elixir.
    pub elixir_version: String,
    /// Major version of OTP.
    pub otp_release: String,
}

/// An application of the project itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyedApplication {
    /// Its name.
    pub name: String,
    /// Where it is in the project; empty for the project itself.
    pub path: String,
    /// What its modules begin with.
    pub module: String,
    /// Whether it has Ecto repositories.
    pub has_repositories: bool,
}

impl Survey {
    pub(crate) fn from_fields(fields: Fields<'_>) -> Result<Self, Malformed> {
        let application = |fields: Fields<'_>| {
            Ok::<_, Malformed>(SurveyedApplication {
                name: fields.text("name")?,
                path: fields.text("path")?,
                module: fields.text("module")?,
                has_repositories: fields.boolean("has_repositories")?,
            })
        };
        Ok(Self {
            releases: fields.texts("releases")?,
            applications: fields
                .maps("applications")?
                .into_iter()
                .map(application)
                .collect::<Result<_, _>>()?,
            is_umbrella: fields.boolean("umbrella")?,
            dependencies: fields.atoms("dependencies")?,
            is_fetched: fields.boolean("fetched")?,
            directories: fields.paths("directories")?,
            aliases: fields.atoms("aliases")?,
            elixir_version: fields.text("elixir_version")?,
            otp_release: fields.text("otp_release")?,
        })
    }
}
