//! One application: what its resource file (`.app`) says.
//!
//! The keys and their checks are those of `systools_make:parse_application/4`; a resource file that passes here is one
//! that OTP accepts in a release.

use camino::{Utf8Path, Utf8PathBuf};
use etf::{Atom, Term};

use crate::error::ReleaseError;
use crate::source::FileSource;

/// Which library an application was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationOrigin {
    /// That of OTP. Such an application belongs to the runtime, and is not copied when the release uses the target's.
    Otp,
    /// The build directory of the project, or the installation of Elixir.
    Project,
}

/// An application on the build machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    /// Its name.
    pub name: Atom,
    /// The directory that holds `ebin`.
    pub directory: Utf8PathBuf,
    /// Which library it was found in.
    pub origin: ApplicationOrigin,
    /// `vsn`.
    pub version: String,
    /// `description`.
    pub description: Term,
    /// `id`.
    pub id: Term,
    /// `modules`, in the order of the file.
    pub modules: Vec<Atom>,
    /// `registered`.
    pub registered: Vec<Atom>,
    /// `applications`: what must run before it.
    pub applications: Vec<Atom>,
    /// `optional_applications`: those of `applications` that may be absent.
    pub optional_applications: Vec<Atom>,
    /// `included_applications`.
    pub included_applications: Vec<Atom>,
    /// `env`.
    pub env: Term,
    /// `maxT`.
    pub max_time: Term,
    /// `maxP`.
    pub max_processes: Term,
    /// `start_phases`, when there are any.
    pub start_phases: Option<Term>,
    /// `mod`: the callback module and its argument, when it has one.
    pub callback: Option<Term>,
    /// `compile_env`, which Mix adds: configuration that was read at compile time.
    pub compile_env: Vec<Term>,
    /// The whole term of the file.
    pub resource: Term,
}

impl Application {
    /// Reads `ebin/NAME.app` below a directory. `otp_release` decides whether repeated entries are an error, as they
    /// are for OTP 27 and newer.
    ///
    /// # Errors
    ///
    /// When the file is missing, is not an Erlang term, or lacks what OTP demands.
    pub fn read(
        name: &Atom,
        directory: &Utf8Path,
        origin: ApplicationOrigin,
        otp_release: u32,
        source: &dyn FileSource,
    ) -> Result<Self, ReleaseError> {
        let path = directory.join("ebin").join(format!("{name}.app"));
        let Some(bytes) = source.read(&path)? else {
            return Err(ReleaseError::MissingResourceFile { application: name.clone(), path });
        };
        let terms = etf::text::consult(&bytes).map_err(|error| ReleaseError::UnreadableResourceFile {
            application: name.clone(),
            path: path.clone(),
            error,
        })?;
        Self::from_terms(name, directory, origin, otp_release, terms)
            .map_err(|reason| ReleaseError::BadResourceFile { application: name.clone(), path, reason })
    }

    fn from_terms(
        name: &Atom,
        directory: &Utf8Path,
        origin: ApplicationOrigin,
        otp_release: u32,
        mut terms: Vec<Term>,
    ) -> Result<Self, String> {
        let found = terms.len();
        let (Some(resource), true) = (terms.pop(), found == 1) else {
            return Err(format!("it holds {found} terms instead of one"));
        };
        let properties = match resource.as_tuple() {
            Some([tag, actual, properties @ Term::List(_)]) if tag.is_atom("application") => {
                if !actual.is_atom(name.as_str()) {
                    return Err(format!("it describes {}", etf::text::plain(actual)));
                }
                Properties { list: properties, otp_release }
            }
            _ => return Err("it holds something else than `{application, Name, Properties}`".to_owned()),
        };
        Ok(Self {
            name: name.clone(),
            directory: directory.to_owned(),
            origin,
            version: properties.text("vsn")?,
            description: properties.string("description", None)?,
            id: properties.string("id", Some(Term::nil()))?,
            modules: properties.required_atoms("modules")?,
            registered: properties.required_atoms("registered")?,
            applications: properties.required_atoms("applications")?,
            optional_applications: properties.atoms("optional_applications")?.unwrap_or_default(),
            included_applications: properties.atoms("included_applications")?.unwrap_or_default(),
            env: properties.pairs("env")?.unwrap_or_else(Term::nil),
            max_time: properties.limit("maxT")?,
            max_processes: properties.limit("maxP")?,
            start_phases: properties.pairs("start_phases")?,
            callback: properties.callback()?,
            compile_env: properties
                .list
                .property("compile_env")
                .and_then(Term::as_list)
                .map(<[Term]>::to_vec)
                .unwrap_or_default(),
            resource,
        })
    }

    /// Whether it is one of OTP's own.
    pub fn is_of_otp(&self) -> bool {
        self.origin == ApplicationOrigin::Otp
    }

    /// `NAME-VSN`, the name of its directory in a release.
    pub fn directory_name(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// The property list of a resource file, with the checks of `systools_make:check_item/2`.
struct Properties<'term> {
    list: &'term Term,
    otp_release: u32,
}

impl Properties<'_> {
    fn string(&self, key: &str, default: Option<Term>) -> Result<Term, String> {
        match self.list.property(key) {
            Some(value @ Term::List(_)) if value.to_text().is_some() => Ok(value.clone()),
            Some(other) => Err(bad(key, "a string", other)),
            None => default.ok_or_else(|| missing(key)),
        }
    }

    fn text(&self, key: &str) -> Result<String, String> {
        self.string(key, None)?.to_text().ok_or_else(|| missing(key))
    }

    fn required_atoms(&self, key: &str) -> Result<Vec<Atom>, String> {
        self.atoms(key)?.ok_or_else(|| missing(key))
    }

    fn atoms(&self, key: &str) -> Result<Option<Vec<Atom>>, String> {
        let Some(value) = self.list.property(key) else { return Ok(None) };
        let atoms: Vec<Atom> = value
            .as_list()
            .and_then(|elements| elements.iter().map(|element| element.as_atom().cloned()).collect())
            .ok_or_else(|| bad(key, "a list of atoms", value))?;
        if self.otp_release >= 27 {
            let mut seen = std::collections::HashSet::new();
            if let Some(repeated) = atoms.iter().find(|atom| !seen.insert(*atom)) {
                return Err(format!(
                    "`{key}` lists `{repeated}` twice, which OTP {} does not accept",
                    self.otp_release
                ));
            }
        }
        Ok(Some(atoms))
    }

    fn pairs(&self, key: &str) -> Result<Option<Term>, String> {
        match self.list.property(key) {
            None => Ok(None),
            Some(value) if key == "start_phases" && value.is_atom("undefined") => Ok(None),
            Some(value) => {
                let is_pair = |element: &Term| matches!(element.as_tuple(), Some([Term::Atom(_), _]));
                match value.as_list() {
                    Some(elements) if elements.iter().all(is_pair) => Ok(Some(value.clone())),
                    _ => Err(bad(key, "a list of pairs that start with an atom", value)),
                }
            }
        }
    }

    fn limit(&self, key: &str) -> Result<Term, String> {
        match self.list.property(key) {
            None => Ok(Term::atom("infinity")),
            Some(value) if value.is_atom("infinity") || value.as_integer().is_some_and(|limit| limit > 0) => {
                Ok(value.clone())
            }
            Some(other) => Err(bad(key, "a positive integer or `infinity`", other)),
        }
    }

    fn callback(&self) -> Result<Option<Term>, String> {
        match self.list.property("mod") {
            None => Ok(None),
            Some(value) => match value {
                Term::List(elements) if elements.is_empty() => Ok(None),
                Term::Tuple(elements) if matches!(elements.as_slice(), [Term::Atom(_), _]) => {
                    Ok(Some(value.clone()))
                }
                other => Err(bad("mod", "`{Module, Argument}`", other)),
            },
        }
    }
}

fn missing(key: &str) -> String {
    format!("the parameter `{key}` is missing")
}

fn bad(key: &str, expected: &str, found: &Term) -> String {
    let mut text = etf::text::plain(found);
    if text.chars().count() > 60 {
        text = text.chars().take(60).chain(['…']).collect();
    }
    format!("the parameter `{key}` should be {expected}, not `{text}`")
}
