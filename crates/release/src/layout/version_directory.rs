//! `releases/VSN`: boot scripts, configuration, and what the launcher reads before it starts the runtime.

use etf::text::Style;
use tree::{Content, Node, TreePath};

use super::Layout;
use super::start_modules::StartModules;
use crate::boot::BootScript;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::sys_config::sys_config;
use crate::templates;

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

    /// The boot script of a fast start, which loads these modules first.
    pub(super) fn fast_start(&mut self, graph: &Graph, modules: StartModules) -> Result<(), ReleaseError> {
        self.warnings.extend(modules.warning);
        let boot = BootScript::make(self.spec, graph, &graph.start)?.with_cookie_from_environment();
        if let Some(fast) = boot.fast(&modules.used, &self.spec.runtime) {
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
