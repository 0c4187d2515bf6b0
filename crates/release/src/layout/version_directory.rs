//! `releases/VSN`: boot scripts, configuration, and what the launcher reads before it starts the runtime.

use etf::text::Style;
use tree::{Content, Node, TreePath};

use super::Layout;
use crate::boot::BootScript;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::sys_config::sys_config;

const VM_ARGS: &str = "\
## Flags for the Erlang virtual machine, one or more per line: https://www.erlang.org/doc/man/erl.html
## The mode (-mode), the node's name (-name, -sname) and the cookie (-setcookie) are set by the release's own command:
## use RELEASE_MODE, RELEASE_NODE, RELEASE_DISTRIBUTION and RELEASE_COOKIE.

## Number of ports and sockets that may be open at the same time
##+Q 65536

## Collect garbage more often
##-env ERL_FULLSWEEP_AFTER 10
";

const ENV_SH: &str = "\
#!/bin/sh
# Sourced by the release's command before it does anything; sees the command's arguments.

# # Restart the system when it hangs or crashes
# case $RELEASE_COMMAND in
#   daemon*)
#     HEART_COMMAND=\"$RELEASE_ROOT/bin/$RELEASE_NAME $RELEASE_COMMAND\"
#     export HEART_COMMAND
#     export ELIXIR_ERL_OPTIONS=\"-heart\"
#     ;;
# esac

# # Load code when it is first used (interactive) instead of at start (embedded, the default)
# export RELEASE_MODE=interactive

# # Name of the node; a fully qualified one needs RELEASE_DISTRIBUTION=name
# export RELEASE_DISTRIBUTION=name
# export RELEASE_NODE=NAME@HOST
";

impl Layout<'_> {
    pub(super) fn version_directory(&mut self, graph: &Graph) -> Result<(), ReleaseError> {
        let spec = self.spec;
        let otp_release = spec.toolchain.otp_release;
        let start = BootScript::make(spec, graph, &graph.start)?;
        let release_file = self.version_path(&format!("{}.rel", spec.name));
        self.bytes(&release_file, 0o644, consultable(&start.release, otp_release))?;
        let clean = BootScript::make(spec, graph, &graph.start_clean)?;
        for (name, boot) in [("start", start), ("start_clean", clean)] {
            let boot = boot.with_cookie_from_environment();
            self.bytes(
                &self.version_path(&format!("{name}.script")),
                0o644,
                consultable(&boot.script, otp_release),
            )?;
            self.bytes(&self.version_path(&format!("{name}.boot")), 0o644, boot.boot_file(otp_release)?)?;
        }
        self.bytes(&self.version_path("sys.config"), 0o644, sys_config(spec, graph)?.into_bytes())?;
        self.template("vm.args", VM_ARGS)?;
        self.template("remote.vm.args", VM_ARGS)?;
        if spec.unix_executables {
            self.template("env.sh", ENV_SH)?;
        }
        if let Some(file) = &spec.runtime.file {
            let node = Node::File { mode: 0o644, content: Content::Copy(file.clone()) };
            self.tree.add(TreePath::new(self.version_path("runtime.exs"))?, node)?;
        }
        Ok(())
    }

    /// The project's rendered template, or the default.
    fn template(&mut self, name: &str, default: &str) -> Result<(), ReleaseError> {
        let bytes =
            self.spec.rendered_templates.get(name).cloned().unwrap_or_else(|| default.as_bytes().to_vec());
        self.bytes(&self.version_path(name), 0o644, bytes)
    }
}

/// `%% coding: utf-8`, the term, a full stop: what `file:consult/1` reads.
fn consultable(term: &etf::Term, otp_release: u32) -> Vec<u8> {
    let text = etf::text::pretty_with(term, &Style::for_otp(otp_release));
    format!("%% coding: utf-8\n{text}.\n").into_bytes()
}
