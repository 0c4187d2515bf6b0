//! The `RELEASE_*` variables: where each value comes from, in the order of the script that `Mix.Tasks.Release` writes.
//!
//! What the caller or `env.sh` has set wins, an empty value counts as none, and `RELEASE_ROOT` and `RELEASE_COMMAND`
//! are always computed. The variables are handed to child processes explicitly; this process's own environment is not
//! changed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process;

use contract::{ENDS_WITH, Mode};

use crate::command::Command;
use crate::failure::Failure;
use crate::release::Release;
use crate::temporary_directory;

/// Set while a shell hands over to this executable: `env.sh` has been sourced.
pub(crate) const ENV_SH_SOURCED: &str = "BEAMSHIP_ENV_SH_SOURCED";

/// Set for the launcher that `run_erl` runs in the background.
pub(crate) const IN_BACKGROUND: &str = "BEAMSHIP_DAEMON";

/// Variables from one launcher to the next one. No other process gets them.
pub(crate) const BETWEEN_LAUNCHERS: [&str; 3] = [ENV_SH_SOURCED, IN_BACKGROUND, ENDS_WITH];

/// The variables that children of the launcher see in addition to the environment of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    variables: BTreeMap<&'static str, OsString>,
}

impl Environment {
    /// What is known before `env.sh` is read.
    pub(crate) fn before_env_sh(release: &Release, command: &str) -> Self {
        let mut environment = Self::default();
        environment.set("RELEASE_ROOT", release.root.clone());
        environment.fallback("RELEASE_NAME", || release.name.clone().into());
        environment.set("RELEASE_VSN", &release.version);
        // `env.sh` may change the arguments; the variable keeps what was typed.
        let typed = if is_sourced() { env_var("RELEASE_COMMAND") } else { None };
        environment.set("RELEASE_COMMAND", typed.unwrap_or_else(|| command.into()));
        environment.fallback("RELEASE_PROG", || {
            let program = std::env::args_os().next().unwrap_or_default();
            PathBuf::from(program).file_name().map(OsString::from).unwrap_or_default()
        });
        environment
    }

    /// The same, completed with the defaults that apply after `env.sh`.
    pub(crate) fn complete(mut self, release: &Release, command: Option<Command>) -> Self {
        let directory = release.version_directory();
        // A script of one's own is started as Mix starts it.
        let is_fast = release.has_fast_start() && env_var("RELEASE_BOOT_SCRIPT").is_none();
        self.fallback("RELEASE_MODE", || Mode::unset(is_fast).as_str().into());
        let name = self.get("RELEASE_NAME").to_owned();
        self.fallback("RELEASE_NODE", || name);
        let name = release.name.clone();
        self.fallback("RELEASE_TMP", || temporary_directory::find(&release.root, &name, command).into());
        self.fallback("RELEASE_VM_ARGS", || directory.join("vm.args").into());
        self.fallback("RELEASE_REMOTE_VM_ARGS", || directory.join("remote.vm.args").into());
        self.fallback("RELEASE_DISTRIBUTION", || "sname".into());
        self.fallback("RELEASE_BOOT_SCRIPT", || "start".into());
        self.fallback("RELEASE_BOOT_SCRIPT_CLEAN", || "start_clean".into());
        self
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.insert(name, value.into());
    }

    fn fallback(&mut self, name: &'static str, value: impl FnOnce() -> OsString) {
        let value = env_var(name).unwrap_or_else(value);
        self.variables.insert(name, value);
    }

    /// The value of a variable; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &OsStr {
        self.variables.get(name).map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// The value of a variable as text.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).to_str().ok_or_else(|| Failure::new(format!("the variable {name} is not valid UTF-8")))
    }

    /// The value of a variable as a path.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.get(name).into()
    }

    /// Hands the variables to a command, without those that are between launchers.
    pub(crate) fn apply(&self, command: &mut process::Command) {
        for name in BETWEEN_LAUNCHERS {
            command.env_remove(name);
        }
        command.envs(&self.variables);
    }
}

/// Whether `env.sh` has been sourced by the shell that became this process.
pub(crate) fn is_sourced() -> bool {
    std::env::var_os(ENV_SH_SOURCED).is_some()
}

/// The value of a variable of this process; none when it is empty.
pub(crate) fn env_var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
