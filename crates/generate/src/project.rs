//! A project, as far as generated files depend on it.

use std::collections::BTreeSet;

/// A project, as its `mix.exs`, its configuration and its directories describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Name of its release.
    pub release: String,
    /// Whether the release has to be named when it is built, because there are several.
    pub has_several_releases: bool,
    /// Its applications: one, or those of the umbrella.
    pub applications: Vec<OwnApplication>,
    /// Whether it is an umbrella.
    pub is_umbrella: bool,
    /// Names of all dependencies.
    pub dependencies: BTreeSet<String>,
    /// Whether one of them comes from Hex, or has to be built with rebar.
    pub has_hex: bool,
    /// Directories with dependencies inside of the project, relative to it, those of an umbrella left out.
    pub path_dependencies: Vec<String>,
    /// Dependencies outside of the project, which no Dockerfile in it can reach.
    pub outside_dependencies: Vec<String>,
    /// Options of mix.exs that lead out of the project (`config_path` …), where no Dockerfile in it can reach either.
    pub outside_options: Vec<String>,
    /// Names of its aliases.
    pub aliases: BTreeSet<String>,
    /// Version of Elixir.
    pub elixir: String,
    /// Major version of OTP.
    pub otp: String,
    /// Where both versions come from: `.tool-versions`, or the running toolchain.
    pub versions_from: String,
    /// Files and directories that are there, relative: of those that generated files refer to.
    pub present: BTreeSet<String>,
    /// The text of `config/runtime.exs`; none where there is no such file.
    pub runtime_exs: Option<String>,
}

/// An application of the project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnApplication {
    /// Its name.
    pub name: String,
    /// Its directory relative to the project; empty for the project itself.
    pub path: String,
    /// The name of its modules: `Shop`.
    pub module: String,
    /// Whether `:ecto_repos` is configured for it.
    pub has_repositories: bool,
    /// Names of its aliases, when it is one of an umbrella's.
    pub aliases: BTreeSet<String>,
}

/// Node packages of the assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Npm {
    /// Their directory.
    pub path: String,
    /// Whether `package-lock.json` is there.
    pub has_lock: bool,
}

impl Project {
    /// Whether it has this dependency.
    pub(crate) fn depends_on(&self, name: &str) -> bool {
        self.dependencies.contains(name)
    }

    /// Whether something is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.present.contains(path)
    }

    /// Whether it is a Phoenix project.
    pub(crate) fn has_phoenix(&self) -> bool {
        self.depends_on("phoenix")
    }

    /// Whether it keeps data by Ecto: then release tasks migrate it.
    pub(crate) fn has_ecto(&self) -> bool {
        self.depends_on("ecto_sql")
    }

    /// Whether there is a `bin/migrate`, generated or of the project's own.
    pub(crate) fn has_migrate(&self) -> bool {
        self.has_ecto() || self.has("rel/overlays/bin/migrate")
    }

    /// Whether there is a `bin/server`, generated or of the project's own.
    pub(crate) fn has_server(&self) -> bool {
        self.has_phoenix() || self.has("rel/overlays/bin/server")
    }

    /// The applications with repositories; the only one, or the first, where no configuration says.
    pub(crate) fn with_repositories(&self) -> Vec<&OwnApplication> {
        let with: Vec<_> =
            self.applications.iter().filter(|application| application.has_repositories).collect();
        if with.is_empty() { self.applications.iter().take(1).collect() } else { with }
    }

    /// A path in an application's directory.
    pub(crate) fn path_in(application: &OwnApplication, path: &str) -> String {
        if application.path.is_empty() { path.to_owned() } else { format!("{}/{path}", application.path) }
    }

    /// The Node packages of its assets.
    pub(crate) fn npm(&self) -> Option<Npm> {
        let directories = self.applications.iter().map(|application| Self::path_in(application, "assets"));
        directories.chain([String::new()]).find_map(|path| {
            let file = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            let is_there = self.has(&file("package.json"));
            let npm = || Npm {
                has_lock: self.has(&file("package-lock.json")),
                path: if path.is_empty() { ".".to_owned() } else { path.clone() },
            };
            is_there.then(npm)
        })
    }
}
