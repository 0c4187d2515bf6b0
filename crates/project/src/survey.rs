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
    /// Whether Hex and Rebar have to be installed: a dependency is fetched from somewhere, or not built by Mix.
    pub needs_hex: bool,
    /// The directories of path dependencies, which are not fetched.
    pub path_dependency_directories: Vec<Utf8PathBuf>,
    /// Names of its aliases.
    pub aliases: Vec<Atom>,
    /// Dependencies that are not there, or not as they should be.
    pub unusable: Vec<UnusableDependency>,
    /// Whether the configuration at build time has an endpoint listen.
    pub serves: bool,
    /// Options of the project whose paths lead out of it: `config_path` …
    pub options_outside_project: Vec<Atom>,
    /// What each release is made of besides code.
    pub release_files: Vec<ReleaseSources>,
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
    /// Names of its aliases, when it is one of an umbrella's.
    pub aliases: Vec<Atom>,
}

/// A dependency that cannot be compiled as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableDependency {
    /// Its name.
    pub name: String,
    /// What Mix says about it.
    pub reason: String,
}

/// Files of the project that a release is made of, whether they are there or not. Paths are relative to the project, or
/// absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseSources {
    /// The directory of its templates.
    pub templates: String,
    /// Directories that are copied into it, besides `overlays` among the templates.
    pub overlays: Vec<String>,
    /// Its runtime configuration; none where an option of the release says that it has none.
    pub runtime: Option<String>,
    /// Whether an option of the release names the runtime configuration.
    pub runtime_is_named: bool,
    /// Why Elixir cannot parse the runtime configuration; none where it can, or there is no such file.
    pub runtime_problem: Option<String>,
}

impl Survey {
    pub(crate) fn from_fields(fields: Fields<'_>) -> Result<Self, Malformed> {
        let application = |fields: Fields<'_>| {
            Ok::<_, Malformed>(SurveyedApplication {
                name: fields.text("name")?,
                path: fields.text("path")?,
                module: fields.text("module")?,
                has_repositories: fields.boolean("has_repositories")?,
                aliases: fields.atoms("aliases")?,
            })
        };
        let unusable = |fields: Fields<'_>| {
            Ok::<_, Malformed>(UnusableDependency {
                name: fields.text("name")?,
                reason: fields.text("reason")?,
            })
        };
        let sources = |fields: Fields<'_>| {
            Ok::<_, Malformed>(ReleaseSources {
                templates: fields.text("templates")?,
                overlays: fields.texts("overlays")?,
                runtime: fields.optional_text("runtime")?,
                runtime_is_named: fields.boolean("runtime_named")?,
                runtime_problem: fields.optional_text("runtime_problem")?,
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
            needs_hex: fields.boolean("needs_hex")?,
            path_dependency_directories: fields.paths("path_dependency_directories")?,
            aliases: fields.atoms("aliases")?,
            unusable: fields.maps("unusable")?.into_iter().map(unusable).collect::<Result<_, _>>()?,
            serves: fields.boolean("serves")?,
            options_outside_project: fields.atoms("options_outside_project")?,
            release_files: fields
                .maps("release_files")?
                .into_iter()
                .map(sources)
                .collect::<Result<_, _>>()?,
            elixir_version: fields.text("elixir_version")?,
            otp_release: fields.text("otp_release")?,
        })
    }
}
