//! What can be wrong with a release, in words that name the application, the file and the remedy.

use camino::Utf8PathBuf;
use etf::Atom;

use crate::mode::Mode;
use crate::source::SourceError;

/// Why no release can be made of a [`crate::ReleaseSpec`].
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// An application is neither a dependency nor part of OTP or Elixir.
    #[error(
        "cannot find the application `{application}`{}\nhint: {}",
        parent.as_ref().map(|parent| format!(", which `{parent}` needs")).unwrap_or_default(),
        find_hint(application, parent.as_ref())
    )]
    ApplicationNotFound {
        /// The application.
        application: Atom,
        /// The application that lists it; none when the release itself does.
        parent: Option<Atom>,
    },

    /// A resource file is not there.
    #[error(
        "cannot find `{path}`, the resource file of the application `{application}`\nhint: compile the application again: `mix deps.compile {application} --force` (a dependency) or `mix compile --force`"
    )]
    MissingResourceFile {
        /// The application.
        application: Atom,
        /// Where the file should be.
        path: Utf8PathBuf,
    },

    /// A resource file is not an Erlang term.
    #[error(
        "cannot read `{path}`: {error}\nhint: the file is damaged; remove it and compile the application `{application}` again"
    )]
    UnreadableResourceFile {
        /// The application.
        application: Atom,
        /// The file.
        path: Utf8PathBuf,
        /// Where and why.
        error: etf::text::SyntaxError,
    },

    /// A resource file holds something else than it should.
    #[error("`{path}` is not a usable resource file of the application `{application}`: {reason}")]
    BadResourceFile {
        /// The application.
        application: Atom,
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: String,
    },

    /// An application is listed both as included and as a regular one.
    #[error(
        "`{application}` is listed both as a regular application and as an included application\nhint: remove it from `applications`/`extra_applications` or from `included_applications`"
    )]
    RegularAndIncluded {
        /// The application.
        application: Atom,
    },

    /// The release lists an application with a mode that does not exist.
    #[error("unknown mode `{mode}` for the application `{application}`\nhint: the modes are {}", modes())]
    UnknownMode {
        /// The application.
        application: Atom,
        /// What stands where a mode should.
        mode: Atom,
    },

    /// A started application needs one that is not part of the boot.
    #[error(
        "the application `{application}` is listed in the release boot, but it depends on `{dependency}`, which is not\nhint: add `{dependency}` to `applications:` of the release"
    )]
    DependencyNotListed {
        /// The application.
        application: Atom,
        /// What it needs.
        dependency: Atom,
    },

    /// A started application needs one that is not started.
    #[error(
        "the application `{application}` has mode `{mode}` but it depends on `{dependency}`, which is set to `{dependency_mode}`: the release would not boot\nhint: start `{dependency}` too, set every application that depends on it to `load` or `none`, or list `{application}` in `skip_mode_validation_for`"
    )]
    DependencyNotStarted {
        /// The application.
        application: Atom,
        /// Its mode.
        mode: Mode,
        /// What it needs.
        dependency: Atom,
        /// The mode of that.
        dependency_mode: Mode,
    },

    /// `kernel` or `stdlib` is missing or not permanent.
    #[error("the application `{application}` must be part of the release with mode `permanent`, not {found}")]
    MandatoryApplication {
        /// `kernel` or `stdlib`.
        application: &'static str,
        /// What was found.
        found: String,
    },

    /// A name is registered by two applications.
    #[error(
        "the applications `{first}` and `{second}` both register the name `{name}`: only one of them could start\nhint: see `registered` in their .app files"
    )]
    DuplicateRegisteredName {
        /// The name.
        name: Atom,
        /// An application.
        first: Atom,
        /// Another one.
        second: Atom,
    },

    /// An application is included by two others.
    #[error(
        "the application `{application}` is included by both `{first}` and `{second}`: an application can be included once only"
    )]
    DuplicateInclusion {
        /// The application.
        application: Atom,
        /// An application that includes it.
        first: Atom,
        /// Another one.
        second: Atom,
    },

    /// A module is in two applications.
    #[error(
        "the module `{module}` is in both `{first}` and `{second}`: which one would run is a matter of luck\n  {first_path}\n  {second_path}\nhint: rename the module in one of them, or remove one of the two applications"
    )]
    DuplicateModule {
        /// The module.
        module: Atom,
        /// An application.
        first: Atom,
        /// Its directory.
        first_path: Utf8PathBuf,
        /// Another one.
        second: Atom,
        /// Its directory.
        second_path: Utf8PathBuf,
    },

    /// Applications depend on each other in a circle.
    #[error(
        "these applications depend on each other in a circle, so none of them can start first: {}",
        names(applications)
    )]
    CircularDependency {
        /// Their names.
        applications: Vec<Atom>,
    },

    /// A module that the resource file lists has no file.
    #[error(
        "cannot find `{path}`: the module `{module}` is listed in {application}.app, so a start in embedded mode would fail\nhint: compile the application again: `mix deps.compile {application} --force` (a dependency) or `mix compile --force`"
    )]
    MissingModule {
        /// The application.
        application: Atom,
        /// The module.
        module: Atom,
        /// Where its file should be.
        path: Utf8PathBuf,
    },

    /// A configured value cannot be written to a file.
    #[error(
        "cannot write sys.config: the value of `{key}` for the application `{application}` holds {kind}, which cannot be read back from a file\nhint: set it when the system starts, in config/runtime.exs or in the application's start callback"
    )]
    UnwritableConfiguration {
        /// The application.
        application: String,
        /// The key.
        key: String,
        /// What it holds: `a process identifier`, …
        kind: &'static str,
    },

    /// The configuration is not a list of applications with keyword lists.
    #[error("cannot write sys.config: {reason}")]
    MalformedConfiguration {
        /// What is wrong.
        reason: String,
    },

    /// A directory contains itself through a link.
    #[error(
        "cannot copy `{path}`: it is a link to a directory that contains it, so the copy would never end\nhint: remove the link"
    )]
    LinkLoop {
        /// The link.
        path: Utf8PathBuf,
    },

    /// A link that leads nowhere.
    #[error(
        "cannot copy `{path}`: it is a link to `{target}`, which does not exist or leads in a circle\nhint: remove the link or put its target back"
    )]
    DanglingLink {
        /// The link.
        path: Utf8PathBuf,
        /// What it points to.
        target: String,
    },

    /// A file that is neither regular nor a directory.
    #[error(
        "cannot copy `{path}`: it is neither a file nor a directory (a device, socket or pipe)\nhint: remove it"
    )]
    SpecialFile {
        /// It.
        path: Utf8PathBuf,
    },

    /// An overlay directory that is not there.
    #[error(
        "cannot find the overlay directory `{path}`\nhint: create it, or remove it from `overlays:` of the release"
    )]
    MissingOverlay {
        /// It.
        path: Utf8PathBuf,
    },

    /// ERTS is not where it should be.
    #[error(
        "cannot find `{path}`, the runtime system that the release should include\nhint: check `include_erts:` of the release"
    )]
    MissingErts {
        /// Where it should be.
        path: Utf8PathBuf,
    },

    /// The build machine could not be looked at.
    #[error(transparent)]
    Source(#[from] SourceError),

    /// Two things want to stand at one path.
    #[error(
        "cannot lay out the release: {0}\nhint: an overlay cannot replace a directory by a file or a file by a directory"
    )]
    Conflict(#[from] tree::Conflict),

    /// A name that cannot be a path of a release.
    #[error("cannot lay out the release: {0}")]
    Path(#[from] tree::PathError),

    /// A boot script that cannot be encoded.
    #[error("cannot write the boot script: {0}")]
    Encode(#[from] etf::EncodeError),
}

fn modes() -> String {
    Mode::ALL.map(|mode| format!("`{mode}`")).join(", ")
}

fn names(applications: &[Atom]) -> String {
    applications.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Distributions split OTP; the likeliest reason for a missing OTP application is a missing package.
fn find_hint(application: &Atom, parent: Option<&Atom>) -> String {
    // What nobody lists is what the release is of.
    let own = if parent.is_none() {
        "if the project has not been compiled, `beamship build` does that; "
    } else {
        ""
    };
    format!(
        "{own}if it is a dependency, run `mix deps.get` and compile; if it is part of OTP, install its package (Debian: `erlang-{}`)",
        application.as_str().replace('_', "-")
    )
}
