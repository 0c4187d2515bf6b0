//! The command line of the virtual machine: the one that Mix's script (`Mix.Tasks.Release`), Elixir's script
//! (`bin/elixir`) and the `erl` script make together, without any of them. `ELIXIR_CLI_DRY_RUN=1 bin/NAME start` of a
//! Mix release prints what they make.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::Path;

use contract::Mode;

use crate::configuration::Configuration;
use crate::distribution::Distribution;
use crate::environment::{Environment, env_var};
use crate::exposure::Exposure;
use crate::failure::Failure;
use crate::program::Program;
use crate::release::Release;
use crate::schedulers;

/// Everything that the command line depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandLine<'a> {
    /// The release.
    pub(crate) release: &'a Release,
    /// Its variables.
    pub(crate) environment: &'a Environment,
    /// What the system is configured with. What only talks to a running one has none.
    pub(crate) configuration: Option<&'a Configuration>,
    /// What runs.
    pub(crate) program: &'a Program,
    /// The node's name.
    pub(crate) distribution: &'a Distribution,
    /// The cookie that is visible to all users of the machine.
    pub(crate) cookie: Option<&'a str>,
    /// Who can reach the node.
    pub(crate) exposure: &'a Exposure,
    /// The boot script, without `.boot`.
    pub(crate) boot: &'a Path,
    /// When the system's code is loaded.
    pub(crate) mode: Option<Mode>,
}

impl CommandLine<'_> {
    /// Its arguments in order.
    pub(crate) fn arguments(&self) -> Result<Vec<OsString>, Failure> {
        let mut arguments = Arguments::default();
        self.elixir(&mut arguments)?;
        self.system(&mut arguments);
        self.node(&mut arguments);
        self.files(&mut arguments);
        self.program(&mut arguments);
        Ok(arguments.0)
    }

    /// What Elixir's own script says.
    fn elixir(&self, arguments: &mut Arguments) -> Result<(), Failure> {
        // Before Elixir 1.15 its options came before everything, and IEx had a start-up module of its own.
        let is_old = self.release.elixir < (1, 15);
        let options = env_var("ELIXIR_ERL_OPTIONS").unwrap_or_default();
        let options = options
            .to_str()
            .ok_or_else(|| Failure::new("the variable ELIXIR_ERL_OPTIONS is not valid UTF-8"))?;
        if !is_old {
            arguments.push("-noshell");
        }
        arguments.words(options);
        if self.release.elixir < (1, 19) && wants_colour() {
            arguments.words("-elixir ansi_enabled true");
        }
        arguments.words(match (self.program.is_iex(), is_old) {
            (true, true) => "-noshell -user Elixir.IEx.CLI",
            (true, false) => "-user elixir",
            (false, true) => "-noshell -s elixir start_cli",
            (false, false) => "-s elixir start_cli",
        });
        Ok(())
    }

    /// How the system runs.
    fn system(&self, arguments: &mut Arguments) {
        if let Some(mode) = self.mode {
            let reboots = self.configuration.is_some_and(|configuration| configuration.reboots);
            arguments.push(if reboots { "-elixir" } else { "-mode" });
            if reboots {
                arguments.push("config_provider_reboot_mode");
            }
            arguments.push(mode.flag());
        }
        if *self.program == Program::Start {
            // The terminal's interrupt is ours to answer, with a graceful stop.
            arguments.push("+Bi");
        }
        if self.program.is_system()
            && let Some(online) = schedulers::argument(self.environment)
        {
            arguments.push("+S");
            arguments.push(online);
        }
    }

    /// Who it is for other nodes.
    fn node(&self, arguments: &mut Arguments) {
        if self.program.is_control() {
            arguments.push("-hidden");
        }
        if let Some(cookie) = self.cookie {
            arguments.push("-setcookie");
            arguments.push(cookie);
        }
        arguments.all(self.distribution.arguments());
        arguments.all(self.exposure.arguments());
    }

    /// What it reads.
    fn files(&self, arguments: &mut Arguments) {
        if let Some(configuration) = self.configuration {
            arguments.push("-config");
            arguments.push(&configuration.path);
        }
        arguments.push("-boot");
        arguments.push(self.boot);
        arguments.push("-boot_var");
        arguments.push("RELEASE_LIB");
        arguments.push(self.release.root.join("lib"));
        arguments.push("-args_file");
        arguments.push(self.environment.get(self.program.arguments_variable()));
    }

    /// What Elixir does when it runs.
    fn program(&self, arguments: &mut Arguments) {
        arguments.push("-extra");
        match self.program {
            Program::Start => arguments.push("--no-halt"),
            Program::StartIex => arguments.words("--no-halt +iex"),
            Program::Eval(given) => {
                let mut given = given.iter();
                arguments.push("--eval");
                arguments.push(given.next().map_or(OsStr::new(""), OsString::as_os_str));
                arguments.push("--");
                arguments.all(given);
            }
            Program::Rpc { node, expression } => {
                arguments.push("--rpc-eval");
                arguments.push(node);
                arguments.push(expression);
            }
            Program::Remote { node } => {
                arguments.words("--no-halt +iex --remsh");
                arguments.push(node);
            }
        }
    }
}

/// The arguments so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn push(&mut self, argument: impl Into<OsString>) {
        self.0.push(argument.into());
    }

    fn words(&mut self, text: &str) {
        self.all(text.split_ascii_whitespace());
    }

    fn all(&mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) {
        self.0.extend(arguments.into_iter().map(Into::into));
    }
}

fn wants_colour() -> bool {
    env_var("NO_COLOR").is_none() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}
