//! What a virtual machine is started for: the system, an expression, or the control of a running system.

use std::ffi::OsString;

/// What runs in the virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The system, without a shell.
    Start,
    /// The system with IEx on the terminal.
    StartIex,
    /// One expression, with arguments.
    Eval(Vec<OsString>),
    /// One expression on a running node.
    Rpc {
        /// The node.
        node: String,
        /// The expression.
        expression: OsString,
    },
    /// IEx on a running node.
    Remote {
        /// The node.
        node: String,
    },
}

impl Program {
    /// Whether it only controls a running system.
    pub(crate) fn is_control(&self) -> bool {
        matches!(self, Self::Rpc { .. } | Self::Remote { .. })
    }

    pub(crate) fn is_iex(&self) -> bool {
        matches!(self, Self::StartIex | Self::Remote { .. })
    }

    /// The variable that names its boot script. A single expression loads code when it needs it.
    pub(crate) fn boot_variable(&self) -> &'static str {
        if self.is_system() { "RELEASE_BOOT_SCRIPT" } else { "RELEASE_BOOT_SCRIPT_CLEAN" }
    }

    /// Whether it is the system itself.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self, Self::Start | Self::StartIex)
    }

    /// The variable that names the file with its arguments for the virtual machine.
    pub(crate) fn arguments_variable(&self) -> &'static str {
        if self.is_control() { "RELEASE_REMOTE_VM_ARGS" } else { "RELEASE_VM_ARGS" }
    }
}
