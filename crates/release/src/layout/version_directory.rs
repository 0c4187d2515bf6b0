//! `releases/VSN`: boot scripts, configuration, and what the launcher reads before it starts the runtime.

use std::collections::BTreeSet;

use beam::BeamFile;
use etf::Atom;
use etf::text::Style;
use tree::{Content, Node, TreePath};

use super::Layout;
use crate::boot::BootScript;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::sys_config::sys_config;
use crate::templates;

/// Which modules a start uses, one in a line; `beamship profile-boot` writes it.
pub const PROFILE: &str = "boot.profile";

/// The boot script of a fast start.
const FAST: &str = "start_fast.boot";

impl Layout<'_> {
    pub(super) fn version_directory(&mut self, graph: &Graph) -> Result<(), ReleaseError> {
        let spec = self.spec;
        let otp_release = spec.toolchain.otp_release;
        for (name, list) in graph.boot_lists() {
            let boot = BootScript::make(spec, graph, list)?;
            if name == "start" {
                let release_file = self.version_path(&format!("{}.rel", spec.name));
                self.bytes(&release_file, 0o644, consultable(&boot.release, otp_release))?;
            }
            let boot = boot.with_cookie_from_environment();
            self.bytes(
                &self.version_path(&format!("{name}.script")),
                0o644,
                consultable(&boot.script, otp_release),
            )?;
            self.bytes(&self.version_path(&format!("{name}.boot")), 0o644, boot.boot_file(otp_release)?)?;
            if name == "start"
                && let Some(used) = self.profile(graph)?
                && let Some(fast) = boot.fast(&used)
            {
                self.bytes(&self.version_path(FAST), 0o644, fast.boot_file(otp_release)?)?;
            }
        }
        self.bytes(&self.version_path("sys.config"), 0o644, sys_config(spec, graph)?.into_bytes())?;
        self.template("vm.args")?;
        self.template("remote.vm.args")?;
        if spec.unix_executables {
            self.template("env.sh")?;
        }
        if spec.windows_command.is_some() {
            self.template("env.bat")?;
        }
        if let Some(file) = &spec.runtime.file {
            let node = Node::File { mode: 0o644, content: Content::Copy(file.clone()) };
            self.tree.add(TreePath::new(self.version_path("runtime.exs"))?, node)?;
        }
        Ok(())
    }

    /// The modules that a recorded start has used, when one was recorded. Those with native code are left to the code
    /// server, which alone can load them.
    fn profile(&self, graph: &Graph) -> Result<Option<BTreeSet<Atom>>, ReleaseError> {
        let Some(bytes) = self.source.read(&self.spec.templates.join(PROFILE))? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let named: BTreeSet<Atom> = lines.filter(|line| line.chars().count() <= 255).map(Atom::new).collect();
        let mut used = BTreeSet::new();
        for application in graph.applications.values() {
            for module in application.modules.iter().filter(|module| named.contains(*module)) {
                let file = application.directory.join("ebin").join(format!("{module}.beam"));
                // What cannot be read is reported where it is copied.
                let bytes = self.source.read(&file)?.unwrap_or_default();
                let atoms = BeamFile::parse(&bytes).and_then(|file| file.atoms()).unwrap_or_default();
                if !atoms.iter().any(|atom| atom == "load_nif") {
                    used.insert(module.clone());
                }
            }
        }
        Ok(Some(used))
    }

    /// The project's rendered template, or the default.
    fn template(&mut self, name: &str) -> Result<(), ReleaseError> {
        let bytes = match self.spec.rendered_templates.get(name) {
            Some(rendered) => rendered.clone(),
            None => templates::default_text(name, &self.spec.name).into_bytes(),
        };
        self.bytes(&self.version_path(name), 0o644, bytes)
    }
}

/// `%% coding: utf-8`, the term, a full stop: what `file:consult/1` reads.
fn consultable(term: &etf::Term, otp_release: u32) -> Vec<u8> {
    let text = etf::text::pretty_with(term, &Style::for_otp(otp_release));
    format!("%% coding: utf-8\n{text}.\n").into_bytes()
}
