//! The release that this executable belongs to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use contract::{START_ERL_DATA, StartErlData};
use etf::Term;

use crate::environment::Environment;
use crate::failure::Failure;

/// A release on disk, as far as its command has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// `RELEASE_ROOT`: the directory that holds `bin`, links resolved.
    pub(crate) root: PathBuf,
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Version of ERTS.
    pub(crate) erts_version: String,
    /// Major and minor version of Elixir.
    pub(crate) elixir: (u32, u32),
}

impl Release {
    /// Finds the release around this executable, through any number of links. `RELEASE_VSN` chooses another version
    /// than the current one.
    pub(crate) fn find() -> Result<Self, Failure> {
        let executable = executable()?;
        let root = executable
            .parent()
            .and_then(Path::parent)
            .ok_or_else(|| {
                Failure::new(format!("`{}` is not in the `bin` of a release", executable.display()))
            })?
            .to_owned();
        let data_path = root.join(START_ERL_DATA);
        let data = std::fs::read_to_string(&data_path).map_err(|error| {
            Failure::cannot("read", data_path.display(), error)
                .hint("this executable works only as `bin/NAME` of a whole release")
        })?;
        let data = StartErlData::parse(&data)
            .ok_or_else(|| Failure::new(format!("`{}` holds no versions", data_path.display())))?;
        let version = std::env::var("RELEASE_VSN").ok().filter(|version| !version.is_empty());
        let version = version.unwrap_or(data.version);
        let mut release =
            Self { name: String::new(), elixir: (0, 0), erts_version: data.erts_version, version, root };
        release.read_resource(&executable)?;
        Ok(release)
    }

    /// `releases/VSN`.
    pub(crate) fn version_directory(&self) -> PathBuf {
        self.root.join("releases").join(&self.version)
    }

    /// Whether it has a script for a fast start.
    pub(crate) fn has_fast_start(&self) -> bool {
        self.version_directory().join(contract::FAST_BOOT_FILE).is_file()
    }

    /// The `bin` of ERTS; none when the release uses the runtime of the machine.
    pub(crate) fn erts_bin(&self) -> Option<PathBuf> {
        let directory = self.root.join(format!("erts-{}", self.erts_version)).join("bin");
        directory.is_dir().then_some(directory)
    }

    /// The applications without which the system, started with `RELEASE_BOOT_SCRIPT`, is not complete. None are known
    /// for a boot script that has no resource file.
    pub(crate) fn permanent_applications(&self, environment: &Environment) -> Result<Vec<String>, Failure> {
        let boot = environment.text("RELEASE_BOOT_SCRIPT")?;
        let name = if boot == "start" { &self.name } else { boot };
        let path = self.version_directory().join(format!("{name}.rel"));
        let Ok(bytes) = std::fs::read(&path) else { return Ok(Vec::new()) };
        let terms =
            etf::text::consult(&bytes).map_err(|error| Failure::cannot("read", path.display(), error))?;
        let applications = terms.first().and_then(Term::as_tuple).and_then(|fields| fields.get(3)?.as_list());
        let permanent = applications.unwrap_or_default().iter().filter_map(|application| {
            match application.as_tuple()? {
                [name, _] | [name, _, Term::List(_)] => Some(name),
                [name, _, mode, ..] if mode.is_atom("permanent") => Some(name),
                _ => None,
            }
        });
        Ok(permanent.filter_map(Term::as_atom).map(ToString::to_string).collect())
    }

    /// Name and applications from `NAME.rel`, the only file of its kind in `releases/VSN`.
    fn read_resource(&mut self, executable: &Path) -> Result<(), Failure> {
        let directory = self.version_directory();
        let entries = std::fs::read_dir(&directory).map_err(|error| {
            Failure::cannot("read the release directory", directory.display(), error).hint(format!(
                "is there a version `{}` of this release? RELEASE_VSN chooses it",
                self.version
            ))
        })?;
        let names: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        let Some(resource) = contract::resource_file(names.iter().map(String::as_str)) else {
            // A hand-made release: its command is named as it is.
            self.name =
                executable.file_name().map(OsString::from).unwrap_or_default().to_string_lossy().into_owned();
            return Ok(());
        };
        let resource = directory.join(resource);
        let bytes =
            std::fs::read(&resource).map_err(|error| Failure::cannot("read", resource.display(), error))?;
        let terms =
            etf::text::consult(&bytes).map_err(|error| Failure::cannot("read", resource.display(), error))?;
        let malformed = || Failure::new(format!("`{}` is not a release resource file", resource.display()));
        let (name, elixir) = terms.first().and_then(name_and_elixir).ok_or_else(malformed)?;
        self.name = name;
        self.elixir = elixir;
        Ok(())
    }
}

/// From `{release, {Name, Vsn}, Erts, [{elixir, Vsn, Mode}, …]}`.
fn name_and_elixir(term: &Term) -> Option<(String, (u32, u32))> {
    let [_, Term::Tuple(name), _, Term::List(applications)] = term.as_tuple()? else { return None };
    let version = applications.iter().find_map(|application| match application.as_tuple() {
        Some([name, version, ..]) if name.is_atom("elixir") => version.to_text(),
        _ => None,
    });
    let version = version.unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let elixir = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    Some((name.first()?.to_text()?, elixir))
}

/// The real path of this executable. `/proc` may be missing in small containers: then `argv[0]` tells.
pub(crate) fn executable() -> Result<PathBuf, Failure> {
    if let Ok(path) = std::fs::read_link("/proc/self/exe") {
        return Ok(path);
    }
    let given = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    let found = if given.components().count() > 1 {
        Some(given.clone())
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|directory| directory.join(&given)).find(|path| path.is_file())
    };
    found
        .and_then(|path| std::fs::canonicalize(path).ok())
        .ok_or_else(|| Failure::new(format!("cannot find out where `{}` is", given.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_names_the_release_and_elixir() {
        let text = r#"{release,{"demo","1.0"},{erts,"15.2"},[{kernel,"10.2",permanent},{elixir,"1.18.3",permanent}]}."#;
        let term = etf::text::consult(text.as_bytes()).unwrap().remove(0);
        assert_eq!(name_and_elixir(&term), Some(("demo".to_owned(), (1, 18))));
    }

    #[test]
    fn something_else_is_no_resource() {
        for text in ["release.", "{release,demo,x,[]}.", "{release,{},x,[]}."] {
            let term = etf::text::consult(text.as_bytes()).unwrap().remove(0);
            assert_eq!(name_and_elixir(&term), None, "{text}");
        }
    }
}
