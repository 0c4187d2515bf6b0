//! `releases/VSN`: boot scripts, configuration, and what the launcher reads before it starts the runtime.

use etf::Atom;
use etf::text::Style;
use tree::{Content, Node, TreePath};

use super::Layout;
use super::start_modules::StartModules;
use crate::boot::BootScript;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::mode::Mode;
use crate::sys_config::sys_config;
use crate::templates;

impl Layout<'_> {
    /// Adds everything but the script of a fast start; gives the script of `start`, which that is made of.
    pub(super) fn version_directory(&mut self, graph: &Graph) -> Result<BootScript, ReleaseError> {
        let spec = self.spec;
        let start = self.boot_script(graph, "start", &graph.start)?;
        for (name, list) in graph.boot_lists().filter(|(name, _)| *name != "start") {
            self.boot_script(graph, name, list)?;
        }
        let release = consultable(&start.release, spec.toolchain.otp_release);
        self.bytes(&self.version_path(&format!("{}.rel", spec.name)), 0o644, release)?;
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
        Ok(start)
    }

    /// Adds the script of one way to boot, as text and in the form that the runtime reads.
    fn boot_script(
        &mut self,
        graph: &Graph,
        name: &str,
        list: &[(Atom, Mode)],
    ) -> Result<BootScript, ReleaseError> {
        let otp_release = self.spec.toolchain.otp_release;
        let boot = BootScript::make(self.spec, graph, list)?.with_cookie_from_environment();
        let text = consultable(&boot.script, otp_release);
        self.bytes(&self.version_path(&format!("{name}.script")), 0o644, text)?;
        self.bytes(&self.version_path(&format!("{name}.boot")), 0o644, boot.boot_file(otp_release)?)?;
        Ok(boot)
    }

    /// The boot script of a fast start, which loads these modules first, from that of `start`.
    pub(super) fn fast_start(
        &mut self,
        start: &BootScript,
        modules: StartModules,
    ) -> Result<(), ReleaseError> {
        self.warnings.extend(modules.warning);
        if let Some(fast) = start.fast(&modules.used, &self.spec.runtime) {
            let bytes = fast.boot_file(self.spec.toolchain.otp_release)?;
            self.bytes(&self.version_path(contract::FAST_BOOT_FILE), 0o644, bytes)?;
        }
        Ok(())
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
