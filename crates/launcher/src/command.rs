//! The commands of a release: one table, from which come what `bin/NAME` accepts, what it runs, and its help.
//!
//! `beamship image` asks this table as well, for the commands that an image can be started with.

/// A command of `bin/NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The system in the foreground.
    Start,
    /// The same with IEx on the terminal.
    StartIex,
    /// The system in the background.
    Daemon,
    /// The same with IEx, for `to_erl`.
    DaemonIex,
    /// An expression in a virtual machine of its own.
    Eval,
    /// An expression, or a function, on the running system.
    Rpc,
    /// A console on the running system.
    Remote,
    /// The end of the running system.
    Stop,
    /// A new start of the running system.
    Restart,
    /// The running system's process.
    Pid,
    /// Whether the running system answers.
    Ping,
    /// Whether the running system is ready.
    Ready,
    /// The applications of the running system.
    Apps,
    /// Whether this machine is what the system needs.
    Doctor,
    /// The release's name and version.
    Version,
    /// The list of commands.
    Help,
}

/// Arguments that a command can have, and what it does with them.
type Usage = (&'static str, &'static str);

impl Command {
    /// All of them, in the order of the help. Its length is that of the enumeration, whose last one is `Help`.
    pub const ALL: [Self; Self::Help as usize + 1] = [
        Self::Start,
        Self::StartIex,
        Self::Daemon,
        Self::DaemonIex,
        Self::Eval,
        Self::Rpc,
        Self::Remote,
        Self::Stop,
        Self::Restart,
        Self::Pid,
        Self::Ping,
        Self::Ready,
        Self::Apps,
        Self::Doctor,
        Self::Version,
        Self::Help,
    ];

    /// The command of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// The command that was meant by a name that is none.
    pub(crate) fn meant(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| is_slip_of(name.as_bytes(), command.name().as_bytes()))
    }

    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        self.description().0
    }

    /// Whether it leaves the system in the background, where `run_erl` keeps what it prints.
    pub fn is_in_background(self) -> bool {
        matches!(self, Self::Daemon | Self::DaemonIex)
    }

    /// Whether it runs a system, or an expression, of its own here, which may have to be told secrets in a file.
    pub(crate) fn runs_here(self) -> bool {
        matches!(self, Self::Start | Self::StartIex | Self::Daemon | Self::DaemonIex | Self::Eval)
    }

    /// Whether anything may follow its name. Who asks for help in another way gets it.
    pub(crate) fn takes_arguments(self) -> bool {
        self == Self::Help || self.usages().iter().any(|(arguments, _)| !arguments.is_empty())
    }

    /// Each way to use it.
    pub(crate) fn usages(self) -> &'static [Usage] {
        self.description().1
    }

    /// The table.
    fn description(self) -> (&'static str, &'static [Usage]) {
        match self {
            Self::Start => ("start", &[("", "Starts the system")]),
            Self::StartIex => ("start_iex", &[("", "Starts the system with IEx attached")]),
            Self::Daemon => ("daemon", &[("", "Starts the system in the background")]),
            Self::DaemonIex => {
                ("daemon_iex", &[("", "Starts the system in the background with IEx attached")])
            }
            Self::Eval => (
                "eval",
                &[(
                    "EXPR [ARG…]",
                    "Evaluates an expression in a new virtual machine, without starting the system",
                )],
            ),
            Self::Rpc => (
                "rpc",
                &[
                    ("EXPR", "Evaluates an expression on the running system"),
                    (
                        "--mfa MODULE FUNCTION [TERM…]",
                        "Calls a function on the running system and prints its value",
                    ),
                ],
            ),
            Self::Remote => {
                ("remote", &[("[--vm]", "Opens a console on the running system; its input may be a script")])
            }
            Self::Stop => (
                "stop",
                &[("[--wait [SECONDS]]", "Stops the running system, and waits until its process is gone")],
            ),
            Self::Restart => ("restart", &[("", "Restarts the running system in its process")]),
            Self::Pid => ("pid", &[("", "Prints the number of the system's process")]),
            Self::Ping => ("ping", &[("", "Prints `pong` when the running system answers")]),
            Self::Ready => (
                "ready",
                &[("[--wait SECONDS]", "Succeeds when all applications of the release are started")],
            ),
            Self::Apps => ("apps", &[("[--json]", "Lists the applications that run")]),
            Self::Doctor => (
                "doctor",
                &[("[--json]", "Checks what the system needs from this machine, and who can reach it")],
            ),
            Self::Version => ("version", &[("", "Prints name and version of the release")]),
            Self::Help => ("help", &[("", "Prints this list")]),
        }
    }
}

/// Whether a text is another one with one character too many, missing or wrong, or with two that have changed places.
fn is_slip_of(mut typed: &[u8], mut name: &[u8]) -> bool {
    while let ([first, typed_rest @ ..], [other, name_rest @ ..]) = (typed, name)
        && first == other
    {
        (typed, name) = (typed_rest, name_rest);
    }
    while let ([typed_rest @ .., last], [name_rest @ .., other]) = (typed, name)
        && last == other
    {
        (typed, name) = (typed_rest, name_rest);
    }
    match (typed, name) {
        ([] | [_], [_]) | ([_], []) => true,
        ([first, second], [third, fourth]) => first == fourth && second == third,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name() {
        for (index, command) in Command::ALL.into_iter().enumerate() {
            assert_eq!(command as usize, index, "{command:?} stands elsewhere");
            assert_eq!(Command::named(command.name()), Some(command));
            assert!(!command.usages().is_empty(), "{command:?}");
        }
        for other in ["", "server", "rpc --mfa", "Starts", "--help"] {
            assert_eq!(Command::named(other), None, "{other}");
        }
    }

    #[test]
    fn a_slip_of_the_fingers_is_understood() {
        for (typed, meant) in [
            ("strat", Command::Start),
            ("startt", Command::Start),
            ("sart", Command::Start),
            ("top", Command::Stop),
            ("daemon-iex", Command::DaemonIex),
            ("piing", Command::Ping),
            ("Version", Command::Version),
        ] {
            assert_eq!(Command::meant(typed), Some(meant), "{typed}");
        }
        for other in ["", "p", "tsar", "console", "migrate", "strta1"] {
            assert_eq!(Command::meant(other), None, "{other}");
        }
    }

    #[test]
    fn arguments_are_those_of_the_usage() {
        let without: Vec<&str> = Command::ALL
            .into_iter()
            .filter(|command| !command.takes_arguments())
            .map(Command::name)
            .collect();
        assert_eq!(
            without,
            ["start", "start_iex", "daemon", "daemon_iex", "restart", "pid", "ping", "version"]
        );
    }
}
