//! What the bridge is asked for.

use camino::Utf8PathBuf;
use etf::Term;

/// Flags of `mix compile` that `mix release` hands on (see `mix help compile`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// `--force`: the project is compiled again, and so are its path dependencies, which Mix leaves as they are.
    pub force: bool,
    /// `--no-compile`: nothing is compiled, code paths are set up all the same.
    pub no_compile: bool,
    /// `--no-all-warnings`: warnings of what need not be compiled are not said again.
    pub no_all_warnings: bool,
    /// `--no-deps-check`: dependencies are taken as they are.
    pub no_deps_check: bool,
    /// `--no-archives-check`: it is not checked that the archives which `mix.exs` asks for are installed.
    pub no_archives_check: bool,
    /// `--no-elixir-version-check`: the `:elixir` requirement is not checked.
    pub no_elixir_version_check: bool,
}

impl CompileOptions {
    pub(crate) fn to_term(self) -> Term {
        let flags = [
            (self.force, "--force"),
            (self.no_compile, "--no-compile"),
            (self.no_all_warnings, "--no-all-warnings"),
            (self.no_deps_check, "--no-deps-check"),
            (self.no_archives_check, "--no-archives-check"),
            (self.no_elixir_version_check, "--no-elixir-version-check"),
        ];
        Term::List(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| Term::binary(flag)).collect())
    }
}

/// Which release is described, and what the command line says about it. What is set here wins over `mix.exs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// Name of the release; without one the project's only or default release is meant.
    pub name: Option<String>,
    /// Directory that the release goes to; relative to the project's directory.
    pub path: Option<Utf8PathBuf>,
    /// Version of the release.
    pub version: Option<String>,
    /// `--overwrite`; templates and custom steps see it.
    pub overwrite: Option<bool>,
    /// `--quiet`; templates and custom steps see it.
    pub quiet: Option<bool>,
    /// Whether the release is described as the custom steps before `:assemble` leave it. They may do anything, so they are
    /// not run when a release is only looked at.
    pub run_steps: bool,
}

impl ReleaseRequest {
    pub(crate) fn to_term(&self) -> Term {
        let text = |value: Option<&str>| value.map_or_else(|| Term::atom("nil"), Term::binary);
        let flag = |value: Option<bool>| value.map_or_else(|| Term::atom("nil"), Term::boolean);
        Term::Map(vec![
            (Term::atom("name"), text(self.name.as_deref())),
            (Term::atom("path"), text(self.path.as_ref().map(|path| path.as_str()))),
            (Term::atom("version"), text(self.version.as_deref())),
            (Term::atom("overwrite"), flag(self.overwrite)),
            (Term::atom("quiet"), flag(self.quiet)),
            (Term::atom("run_steps"), Term::boolean(self.run_steps)),
        ])
    }
}
