//! The dynamic loaders that a release asks for.
//!
//! Each program names its own, and nothing says that they agree: a port from Nix, or one for musl, may lie beside a
//! virtual machine for Debian. What has no loader of its own is loaded by the virtual machine's.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use crate::check::Survey;
use crate::loader::{Loader, System};
use crate::{AbiError, Elf, Finding, Machine};

/// The loader of the virtual machine, and those of other programs.
pub(crate) struct Loaders<'a> {
    main: Loader<'a>,
    others: BTreeMap<Utf8PathBuf, Loader<'a>>,
}

impl<'a> Loaders<'a> {
    /// Those of all programs for this architecture.
    pub(crate) fn of(system: System<'a>, machine: Machine, survey: &Survey) -> Result<Self, AbiError> {
        let main = Loader::new(system, machine, survey.interpreter.as_deref())?;
        let mut others = BTreeMap::new();
        for (_, elf) in survey.usable(machine) {
            if let Some(interpreter) = &elf.interpreter
                && survey.interpreter.as_ref() != Some(interpreter)
                && !others.contains_key(interpreter)
            {
                others.insert(interpreter.clone(), Loader::new(system, machine, Some(interpreter))?);
            }
        }
        Ok(Self { main, others })
    }

    /// The virtual machine's.
    pub(crate) fn main(&self) -> &Loader<'a> {
        &self.main
    }

    /// The one that loads this file.
    pub(crate) fn of_file(&self, elf: &Elf) -> &Loader<'a> {
        elf.interpreter.as_ref().and_then(|interpreter| self.others.get(interpreter)).unwrap_or(&self.main)
    }
}

/// The finding about a program whose loader the system lacks.
pub(crate) fn missing_interpreter(
    file: &camino::Utf8Path,
    elf: &Elf,
    loader: &Loader<'_>,
) -> Option<Finding> {
    let interpreter = elf.interpreter.as_ref().filter(|_| !loader.is_there())?;
    Some(Finding::Interpreter { file: file.to_owned(), interpreter: interpreter.clone() })
}
