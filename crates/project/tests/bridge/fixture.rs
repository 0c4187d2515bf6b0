//! Small Mix projects in temporary directories, with a home of their own.

use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use project::{Bridge, BridgeError, BridgeOptions, CompileOptions, ReleaseDescription, ReleaseRequest};

pub(crate) struct Project {
    // Keeps the directory alive.
    _temporary: tempfile::TempDir,
    pub(crate) root: Utf8PathBuf,
    /// Where `mix.exs` is.
    pub(crate) directory: Utf8PathBuf,
}

impl Project {
    /// A directory without anything in it.
    pub(crate) fn empty() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        // macOS has its temporary directory behind a link.
        let root = Utf8PathBuf::from_path_buf(temporary.path().canonicalize().unwrap()).unwrap();
        let directory = root.join("project");
        fs_err::create_dir(&directory).unwrap();
        Self { _temporary: temporary, root, directory }
    }

    /// The application `demo`, with one module and these additional keys in `project/0`.
    pub(crate) fn plain(keys: &str) -> Self {
        Self::empty()
            .mix("demo", keys)
            .file("lib/demo.ex", "defmodule Demo do\n  def hello, do: :world\nend\n")
    }

    pub(crate) fn mix(self, name: &str, keys: &str) -> Self {
        let text = mix_exs(name, keys, "");
        self.file("mix.exs", &text)
    }

    /// Writes a file, below the project's directory.
    pub(crate) fn file(self, path: &str, content: &str) -> Self {
        write(&self.directory.join(path), content);
        self
    }

    pub(crate) fn options(&self) -> BridgeOptions {
        // One for all tests: the bridge is compiled once.
        let cache = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        let mut options = BridgeOptions::new(&self.directory, Some(cache));
        let home = self.root.join("home");
        for (name, value) in [
            ("HOME", home.as_str()),
            ("MIX_HOME", home.join("mix").as_str()),
            ("HEX_HOME", home.join("hex").as_str()),
            ("XDG_CACHE_HOME", home.join("cache").as_str()),
            ("MIX_ENV", ""),
            ("HEX_OFFLINE", "1"),
        ] {
            options.environment.push((name.into(), value.into()));
        }
        options
    }

    pub(crate) fn start(&self) -> Result<Bridge, BridgeError> {
        Bridge::start(&self.options())
    }

    /// Compiles the project and describes a release of it.
    pub(crate) fn describe(&self, request: &ReleaseRequest) -> Result<ReleaseDescription, BridgeError> {
        let mut bridge = self.start().unwrap_or_else(|error| panic!("{}", explain(&error)));
        if let Err(error) = bridge.compile(&CompileOptions::default()) {
            panic!("{}", explain(&error));
        }
        let description = bridge.describe_release(request)?;
        Ok(description.value)
    }

    /// As [`Project::describe`]: the only release, which has to be right.
    pub(crate) fn described(&self) -> ReleaseDescription {
        self.describe(&ReleaseRequest::default()).unwrap_or_else(|error| panic!("{}", explain(&error)))
    }

    /// The message with which the release is refused.
    pub(crate) fn refused(&self, request: &ReleaseRequest) -> String {
        match self.describe(request) {
            Err(error @ BridgeError::Refused { .. }) => {
                let printed = error.output().unwrap().text();
                assert!(!printed.contains(&error.to_string()), "it is printed twice: {printed}");
                error.to_string()
            }
            Err(error) => panic!("{}", explain(&error)),
            Ok(description) => panic!("it was accepted: {description:?}"),
        }
    }
}

pub(crate) fn mix_exs(name: &str, keys: &str, application: &str) -> String {
    let module = name.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect::<String>();
    format!(
        "defmodule {module}.MixProject do
  use Mix.Project
  def project, do: [app: :{name}, version: \"0.1.0\", {keys}]
  def application, do: [{application}]
end
"
    )
}

pub(crate) fn write(path: &Utf8Path, content: &str) {
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, content).unwrap();
}

/// The error with all that was printed, for failed tests.
pub(crate) fn explain(error: &BridgeError) -> String {
    let printed = error.output().map(project::Output::text).unwrap_or_default();
    format!("{error}\nprinted:\n{printed}")
}

/// How often `part` is in `text`.
pub(crate) fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

/// A sink that keeps what it gets.
pub(crate) fn keeping_sink() -> (project::Sink, Arc<Mutex<Vec<u8>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let copy = Arc::clone(&kept);
    (Arc::new(move |_, bytes: &[u8]| copy.lock().unwrap().extend_from_slice(bytes)), kept)
}
