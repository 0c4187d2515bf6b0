//! A release as the project describes it.

use camino::Utf8PathBuf;
use etf::{Atom, Term};
use release::{Boot, CompiledConfiguration, Erts, ReleaseSpec, RuntimeConfiguration, Strip, Toolchain};

use crate::fields::{Fields, Malformed};

/// A release as the project describes it: what it is made from, what is done to it, and what the user should know.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseDescription {
    /// What it is made from.
    pub spec: ReleaseSpec,
    /// The `steps` option. [`Step::Assemble`] is in it exactly once.
    pub steps: Vec<Step>,
    /// Directory of its tarball, absolute.
    pub archive_directory: Utf8PathBuf,
    /// The `overwrite` option.
    pub overwrite: bool,
    /// The `quiet` option.
    pub quiet: bool,
    /// The project's application, or those of the umbrella.
    pub own_applications: Vec<Atom>,
    /// What the user should know about the release's options.
    pub notices: Vec<Notice>,
    /// What all of this was read from.
    pub inputs: BuildInputs,
}

/// Where a release goes: what can be said before any of its steps runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseLocation {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its directory, absolute.
    pub path: Utf8PathBuf,
    /// The `overwrite` option.
    pub overwrite: bool,
    /// Whether there are functions among its steps.
    pub custom_steps: bool,
}

impl ReleaseLocation {
    pub(crate) fn from_fields(fields: Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            name: fields.text("name")?,
            version: fields.text("version")?,
            path: fields.path("path")?,
            overwrite: fields.boolean("overwrite")?,
            custom_steps: fields.boolean("custom_steps")?,
        })
    }
}

/// What comes next when the custom steps after `:assemble`, or after `:tar`, have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The tarball is to be made; then the steps go on.
    Tar,
    /// There is no further step.
    Done,
}

impl NextStep {
    pub(crate) fn from_fields(fields: Fields<'_>) -> Result<Self, Malformed> {
        let next = fields.term("next")?;
        match (next.is_atom("tar"), next.is_atom("done")) {
            (true, _) => Ok(Self::Tar),
            (_, true) => Ok(Self::Done),
            _ => Err(fields.malformed("next", "tar or done")),
        }
    }
}

/// A step of building a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Putting the release together.
    Assemble,
    /// Packing it into a tarball.
    Tar,
    /// A function of the project.
    Custom,
}

/// Something the user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Something works but should be changed.
    Warning(String),
    /// Something worth knowing; not shown with `--quiet`.
    Information(String),
}

/// What the build has read besides the files of its project, as far as the virtual machine can know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInputs {
    /// Variables of the environment.
    pub variables: Vec<String>,
    /// Whether it has asked for the whole environment.
    pub every_variable: bool,
    /// Files, absolute, whether they are there or not.
    pub files: Vec<Utf8PathBuf>,
    /// Directories of which the names of what is in them count, absolute, whether they are there or not.
    pub listings: Vec<Utf8PathBuf>,
    /// Directories with all that is in them, absolute.
    pub directories: Vec<Utf8PathBuf>,
    /// Directories that the build writes to.
    pub made: Vec<Utf8PathBuf>,
}

impl BuildInputs {
    fn from_fields(fields: Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            variables: fields.texts("variables")?,
            every_variable: fields.boolean("every_variable")?,
            files: fields.paths("files")?,
            listings: fields.paths("listings")?,
            directories: fields.paths("directories")?,
            made: fields.paths("made")?,
        })
    }
}

impl ReleaseDescription {
    pub(crate) fn from_term(term: &Term) -> Result<Self, Malformed> {
        let fields = Fields::new(term);
        let spec = ReleaseSpec {
            name: fields.text("name")?,
            version: fields.text("version")?,
            path: fields.path("path")?,
            project_directory: fields.path("project_directory")?,
            mix_env: fields.text("mix_env")?,
            mix_target: fields.text("mix_target")?,
            project_application: fields.optional_atom("project_application")?,
            applications: fields.atom_pairs("applications")?,
            boot_scripts: fields.optional_boot_scripts("boot_scripts")?,
            dependencies: fields.atoms("dependencies")?,
            application_directories: fields.paths_by_atom("application_directories")?,
            consolidated: fields.optional_path("consolidated")?,
            toolchain: Toolchain {
                elixir_version: fields.text("elixir_version")?,
                elixir_bin: fields.optional_path("elixir_bin")?,
                otp_release: fields.number("otp_release")?,
                otp_lib: fields.path("otp_lib")?,
                erts: Erts {
                    version: fields.text("erts_version")?,
                    source: fields.optional_path("erts_source")?,
                },
            },
            strip: strip(fields)?,
            configuration: fields.term("configuration")?.clone(),
            runtime: runtime(fields.map("runtime")?)?,
            cookie: fields.optional_text("cookie")?,
            unix_executables: fields.boolean("unix_executables")?,
            windows_command: fields.optional_text("windows_command")?,
            templates: fields.path("templates")?,
            rendered_templates: fields.bytes_by_text("rendered_templates")?,
            overlays: fields.paths("overlays")?,
            skip_mode_validation_for: fields.atoms("skip_mode_validation_for")?,
            boot: if fields.boolean("fast_boot")? { Boot::Fast } else { Boot::Embedded },
        };
        let steps = fields.atoms("steps")?;
        let notices = fields.labelled_texts("notices")?;
        Ok(Self {
            spec,
            steps: steps.iter().map(step).collect(),
            archive_directory: fields.path("archive_directory")?,
            overwrite: fields.boolean("overwrite")?,
            quiet: fields.boolean("quiet")?,
            own_applications: fields.atoms("own_applications")?,
            inputs: BuildInputs::from_fields(fields.map("inputs")?)?,
            notices: notices
                .into_iter()
                .map(
                    |(kind, text)| {
                        if kind == "warning" { Notice::Warning(text) } else { Notice::Information(text) }
                    },
                )
                .collect(),
        })
    }
}

fn step(name: &Atom) -> Step {
    match name.as_str() {
        "assemble" => Step::Assemble,
        "tar" => Step::Tar,
        _ => Step::Custom,
    }
}

fn strip(fields: Fields<'_>) -> Result<Strip, Malformed> {
    if fields.term("strip")?.is_atom("false") {
        return Ok(Strip::Keep);
    }
    let strip = fields.map("strip")?;
    let mut chunks = Vec::new();
    for chunk in strip.byte_strings("chunks")? {
        chunks.push(<[u8; 4]>::try_from(chunk).map_err(|_| strip.malformed("chunks", "chunk names"))?);
    }
    Ok(Strip::Chunks { chunks, compress: strip.boolean("compress")? })
}

/// `{Source, Beam}`, or nil.
fn compiled(runtime: Fields<'_>) -> Result<Option<CompiledConfiguration>, Malformed> {
    let term = runtime.term("compiled")?;
    match term.as_tuple() {
        Some([Term::Binary(source), Term::Binary(beam)]) => {
            Ok(Some(CompiledConfiguration { source: source.clone(), beam: beam.clone() }))
        }
        _ if term.is_atom("nil") => Ok(None),
        _ => Err(runtime.malformed("compiled", "a pair of binaries or nil")),
    }
}

fn runtime(runtime: Fields<'_>) -> Result<RuntimeConfiguration, Malformed> {
    Ok(RuntimeConfiguration {
        file: runtime.optional_path("file")?,
        compiled: compiled(runtime)?,
        providers: runtime.terms("providers")?,
        reboot: runtime.boolean("reboot")?,
        prune: runtime.boolean("prune")?,
        start_distribution: runtime.boolean("start_distribution")?,
        validate_compile_env: runtime.boolean("validate_compile_env")?,
    })
}
