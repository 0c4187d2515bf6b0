//! Boot scripts: what the runtime does, step by step, from an empty node to a running system.
//!
//! They are made exactly as OTP's `systools:make_script/2` makes them and as `Mix.Release.make_boot_script/4` completes them
//! afterwards, so that the `.boot` file is the same, byte for byte. The work has three parts: [`check`] refuses boot lists that
//! could not start, [`order`] sorts applications so that each comes after what it needs, and [`script`] writes the
//! instructions. [`cookie`] adds one that neither of the two writes.

mod check;
mod configuration;
mod cookie;
mod explain;
mod fast;
mod order;
mod script;
mod start_module;

use etf::{Atom, AtomEncoding, Term};

pub use self::explain::{InstrumentedBootScript, Step, StepKind, instrument_boot_script};
use crate::application::Application;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::mode::Mode;
use crate::spec::{ReleaseSpec, RuntimeConfiguration};

/// A boot list made ready: the release resource (`.rel`) and the script of one way to boot.
#[derive(Clone, Debug, PartialEq)]
pub struct BootScript {
    /// The term of the `.rel` file.
    pub release: Term,
    /// The term of the `.script` file, which is also that of the `.boot` file.
    pub script: Term,
}

/// An application in a boot list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Booted<'graph> {
    pub(crate) application: &'graph Application,
    pub(crate) mode: Mode,
    /// What must run before it; sorted and rewritten in [`order`].
    pub(crate) uses: Vec<Atom>,
    /// What it includes; sorted in [`order`].
    pub(crate) includes: Vec<Atom>,
}

impl BootScript {
    /// Checks and orders a boot list and writes its script.
    ///
    /// # Errors
    ///
    /// When the list could not boot: unknown or missing applications, modes that contradict each other, duplicate
    /// modules or registered names, circles.
    pub fn make(spec: &ReleaseSpec, graph: &Graph, list: &[(Atom, Mode)]) -> Result<Self, ReleaseError> {
        check::modes(spec, graph, list)?;
        let mut booted = Vec::with_capacity(list.len());
        for (name, mode) in list {
            let application = graph.applications.get(name).ok_or_else(|| {
                ReleaseError::ApplicationNotFound { application: name.clone(), parent: None }
            })?;
            booted.push(Booted {
                application,
                mode: *mode,
                uses: application.applications.clone(),
                includes: application.included_applications.clone(),
            });
        }
        let release = release_resource(spec, &booted);
        check::applications(&booted)?;
        let booted = order::order(booted)?;
        Ok(Self { release, script: script::script(spec, &booted) })
    }

    /// The same script with the instruction that sets the cookie from `RELEASE_COOKIE` as soon as kernel has started.
    #[must_use]
    pub fn with_cookie_from_environment(self) -> Self {
        Self { script: cookie::with_cookie_from_environment(self.script), ..self }
    }

    /// The script for a fast start, which loads these modules, the largest first, before everything else and the others
    /// afterwards, and takes the compiled form of `runtime.exs`; none when the script cannot be changed in this way.
    #[must_use]
    pub fn fast(&self, used: &[Atom], runtime: &RuntimeConfiguration) -> Option<Self> {
        Some(Self { release: self.release.clone(), script: fast::fast(&self.script, used, runtime)? })
    }

    /// The bytes of the `.boot` file: OTP 25 writes atoms in Latin-1, later ones in UTF-8.
    ///
    /// # Errors
    ///
    /// When the term cannot be encoded (an atom of more than 255 characters).
    pub fn boot_file(&self, otp_release: u32) -> Result<Vec<u8>, ReleaseError> {
        let atoms = if otp_release < 26 { AtomEncoding::Latin1 } else { AtomEncoding::Utf8 };
        Ok(etf::encode(&self.script, atoms)?)
    }
}

/// `{release, {Name, Vsn}, {erts, EVsn}, Applications}`, in the order of the boot list, the mode always written.
fn release_resource(spec: &ReleaseSpec, booted: &[Booted<'_>]) -> Term {
    let applications = booted
        .iter()
        .map(|item| {
            let mut elements = vec![
                Term::Atom(item.application.name.clone()),
                Term::string(&item.application.version),
                Term::Atom(item.mode.atom()),
            ];
            if !item.includes.is_empty() {
                elements.push(atoms(&item.includes));
            }
            Term::Tuple(elements)
        })
        .collect();
    Term::Tuple(vec![
        Term::atom("release"),
        Term::pair(Term::string(&spec.name), Term::string(&spec.version)),
        Term::pair(Term::atom("erts"), Term::string(&spec.toolchain.erts.version)),
        Term::List(applications),
    ])
}

/// The `.boot` file of a fast start that loads nothing but what is called, so that what is called can be recorded; none when the
/// given one is not the `.boot` file of a fast start.
#[must_use]
pub fn recording_boot_script(fast: &[u8]) -> Option<Vec<u8>> {
    let script = fast::without_modules(&etf::decode(fast).ok()?)?;
    // Every supported OTP reads UTF-8.
    etf::encode(&script, AtomEncoding::Utf8).ok()
}

pub(crate) fn atoms(names: &[Atom]) -> Term {
    Term::List(names.iter().cloned().map(Term::Atom).collect())
}
