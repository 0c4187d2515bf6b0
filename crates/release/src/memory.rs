//! A build machine in memory, for tests.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use etf::{Atom, Term};

use crate::source::{FileKind, FileSource, SourceEntry, SourceError};
use crate::spec::{Boot, Erts, ReleaseSpec, RuntimeConfiguration, Strip, Toolchain};

/// Files by path; directories exist because of what is in them.
#[derive(Default)]
pub(crate) struct Memory {
    files: BTreeMap<Utf8PathBuf, (Vec<u8>, FileKind, u32, Option<String>)>,
}

impl Memory {
    /// OTP with the least that a release needs, and Elixir.
    pub(crate) fn with_otp() -> Self {
        let mut memory = Self::default();
        memory.application("/otp/lib/kernel-9.0", "kernel", "9.0", &[], "");
        memory.application("/otp/lib/stdlib-5.0", "stdlib", "5.0", &["kernel"], "");
        memory.application("/otp/lib/sasl-4.0", "sasl", "4.0", &["kernel", "stdlib"], "");
        memory.application("/otp/lib/compiler-8.0", "compiler", "8.0", &["kernel", "stdlib"], "");
        memory.application("/elixir/lib/elixir", "elixir", "1.18.3", &["kernel", "stdlib", "compiler"], "");
        memory.application("/elixir/lib/iex", "iex", "1.18.3", &["kernel", "stdlib", "elixir"], "");
        memory.file("/otp/erts-14.0/bin/erlexec", "", 0o755);
        memory.file("/otp/erts-14.0/bin/erl", "replaced", 0o755);
        memory
    }

    /// An application with one module, named as itself.
    pub(crate) fn application(
        &mut self,
        directory: &str,
        name: &str,
        version: &str,
        needed: &[&str],
        extra: &str,
    ) {
        let text = format!(
            "{{application, {name}, [{{description, \"{name}\"}}, {{vsn, \"{version}\"}}, {{modules, ['{name}_module']}}, \
             {{registered, []}}, {{applications, [{}]}}{extra}]}}.",
            needed.join(", ")
        );
        self.file(&format!("{directory}/ebin/{name}.app"), &text, 0o644);
        self.file(&format!("{directory}/ebin/{name}_module.beam"), "", 0o644);
    }

    pub(crate) fn file(&mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) {
        self.files.insert(path.into(), (content.as_ref().to_vec(), FileKind::File, mode, None));
    }

    pub(crate) fn link(&mut self, path: &str, target: &str, kind: FileKind) {
        self.files.insert(path.into(), (Vec::new(), kind, 0o777, Some(target.to_owned())));
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.files.remove(Utf8Path::new(path));
    }
}

impl FileSource for Memory {
    fn read(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.get(path).map(|(bytes, ..)| bytes.clone()))
    }

    fn entries(&self, directory: &Utf8Path) -> Result<Option<Vec<SourceEntry>>, SourceError> {
        let mut entries: BTreeMap<String, SourceEntry> = BTreeMap::new();
        for (path, (_, kind, mode, link)) in &self.files {
            let Ok(below) = path.strip_prefix(directory) else { continue };
            let mut components = below.components();
            let Some(name) = components.next().map(|component| component.as_str().to_owned()) else {
                continue;
            };
            let entry = if components.next().is_some() {
                SourceEntry { name: name.clone(), kind: FileKind::Directory, mode: 0o755, link: None }
            } else {
                SourceEntry { name: name.clone(), kind: *kind, mode: *mode, link: link.clone() }
            };
            entries.insert(name, entry);
        }
        Ok((!entries.is_empty()).then(|| entries.into_values().collect()))
    }

    fn canonical(&self, path: &Utf8Path) -> Utf8PathBuf {
        let mut resolved = Utf8PathBuf::new();
        for component in path.components() {
            resolved.push(component);
            if let Some((_, _, _, Some(target))) = self.files.get(&resolved) {
                resolved = resolved.parent().unwrap_or(Utf8Path::new("/")).join(target);
            }
        }
        resolved
    }
}

/// The spec of a plain project `demo`, on Elixir 1.18 and OTP 26, whose code is in `/build/lib/demo`.
pub(crate) fn spec() -> ReleaseSpec {
    let directories =
        [("elixir", "/elixir/lib/elixir"), ("iex", "/elixir/lib/iex"), ("demo", "/build/lib/demo")];
    ReleaseSpec {
        name: "demo".to_owned(),
        version: "0.1.0".to_owned(),
        path: "/build/rel/demo".into(),
        project_directory: "/project".into(),
        mix_env: "prod".to_owned(),
        mix_target: "host".to_owned(),
        project_application: Some(Atom::new("demo")),
        applications: Vec::new(),
        boot_scripts: None,
        dependencies: Vec::new(),
        application_directories: directories
            .into_iter()
            .map(|(name, directory)| (Atom::new(name), directory.into()))
            .collect(),
        consolidated: None,
        toolchain: Toolchain {
            elixir_version: "1.18.3".to_owned(),
            elixir_bin: None,
            otp_release: 26,
            otp_lib: "/otp/lib".into(),
            erts: Erts { version: "14.0".to_owned(), source: Some("/otp/erts-14.0".into()) },
        },
        strip: Strip::Keep,
        configuration: Term::nil(),
        runtime: RuntimeConfiguration {
            file: None,
            compiled: None,
            providers: Vec::new(),
            reboot: false,
            prune: false,
            start_distribution: false,
            validate_compile_env: true,
        },
        cookie: None,
        unix_executables: true,
        windows_command: None,
        templates: "/project/rel".into(),
        rendered_templates: BTreeMap::new(),
        overlays: Vec::new(),
        skip_mode_validation_for: Vec::new(),
        boot: Boot::Fast,
    }
}

/// The machine of [`spec`]: OTP, Elixir, and the project's application, which needs the given ones.
pub(crate) fn machine(needed: &[&str]) -> Memory {
    let mut memory = Memory::with_otp();
    let mut all = vec!["kernel", "stdlib", "elixir"];
    all.extend(needed);
    memory.application("/build/lib/demo", "demo", "0.1.0", &all, "");
    memory
}
