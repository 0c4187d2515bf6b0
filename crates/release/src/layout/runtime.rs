//! `erts-VSN` and the scripts `elixir` and `iex`, as `Mix.Release.copy_erts/1` and `Mix.Tasks.Release` copy and edit them.

use camino::Utf8Path;
use tree::{Content, Node, TreePath};

use super::Layout;
use super::collect::{Links, collect, normal_mode};
use crate::error::ReleaseError;
use crate::source::FileKind;
use crate::version::ElixirVersion;

/// Starts the emulator of this very release, wherever that is. The launcher does the same without a shell; this is for
/// scripts that call `erl`.
const ERL: &str = r#"#!/bin/sh
# Starts the Erlang runtime system of this release, wherever the release was put.
SELF="$0"
if [ -L "$SELF" ]; then
  LINK="$(readlink "$SELF")"
  case "$LINK" in
    /*) SELF="$LINK" ;;
    *) SELF="$(dirname "$SELF")/$LINK" ;;
  esac
fi
BINDIR="$(cd "$(dirname "$SELF")" && pwd -P)"
ROOTDIR="${ERL_ROOTDIR:-"$(dirname "$(dirname "$BINDIR")")"}"
EMU=beam
PROGNAME="${0##*/}"
export BINDIR ROOTDIR EMU PROGNAME
exec "$BINDIR/erlexec" ${1+"$@"}
"#;

impl Layout<'_> {
    /// The executables of ERTS, when it is included, and Elixir's own scripts.
    pub(super) fn runtime(&mut self) -> Result<(), ReleaseError> {
        if let Some(source) = &self.spec.toolchain.erts.source {
            self.erts(&source.clone())?;
        }
        let Some(directory) = self.spec.toolchain.elixir_bin.clone() else { return Ok(()) };
        if self.spec.unix_executables {
            self.elixir_script(&directory, "elixir")?;
            self.elixir_script(&directory, "iex")?;
        }
        if self.spec.windows_command.is_some() {
            self.elixir_script(&directory, "elixir.bat")?;
            self.elixir_script(&directory, "iex.bat")?;
        }
        Ok(())
    }

    fn erts(&mut self, source: &Utf8Path) -> Result<(), ReleaseError> {
        let directory = source.join("bin");
        let target = format!("erts-{}/bin", self.spec.toolchain.erts.version);
        let found = collect(self.source, &directory, Links::Keep)?
            .ok_or(ReleaseError::MissingErts { path: directory })?;
        for file in found {
            if file.relative == "erl" || file.relative == "erl.ini" {
                continue;
            }
            let path = TreePath::new(format!("{target}/{}", file.relative))?;
            let node = match (file.entry.link, file.entry.kind) {
                // A link that stays in its directory means the same in the release; any other would leave it.
                (Some(link), _) if !link.contains('/') => Node::Link { target: link },
                (_, FileKind::Directory) => Node::Directory { mode: 0o755 },
                _ => Node::File { mode: normal_mode(file.entry.mode), content: Content::Copy(file.path) },
            };
            self.tree.add(path, node)?;
        }
        self.bytes(&format!("{target}/erl"), 0o755, ERL.as_bytes().to_vec())
    }

    /// A script of the Elixir installation, changed so that it uses this release's runtime and code. Not every
    /// installation has it as a plain file.
    fn elixir_script(&mut self, directory: &Utf8Path, name: &str) -> Result<(), ReleaseError> {
        let Some(bytes) = self.source.read(&directory.join(name))? else { return Ok(()) };
        let bytes = match String::from_utf8(bytes) {
            Ok(text) if name == "elixir" => self.relocated(&text).into_bytes(),
            Ok(text) if name == "elixir.bat" => self.relocated_for_windows(&text).into_bytes(),
            Ok(text) => text.into_bytes(),
            Err(error) => error.into_bytes(),
        };
        let path = self.version_path(name);
        self.bytes(&path, 0o755, bytes)
    }

    fn relocated(&self, script: &str) -> String {
        let version = ElixirVersion::parse(&self.spec.toolchain.elixir_version);
        let mut text = if version.at_least(1, 15) {
            script.replace(
                " -elixir_root \"$SCRIPT_PATH\"/../lib -pa \"$SCRIPT_PATH\"/../lib/elixir/ebin ",
                " ",
            )
        } else {
            script.replace(" -pa \"$SCRIPT_PATH\"/../lib/*/ebin", "")
        };
        if self.spec.toolchain.erts.source.is_some() {
            let ours =
                format!("ERTS_BIN=\"$SCRIPT_PATH\"/../../erts-{}/bin/", self.spec.toolchain.erts.version);
            text = text.replace("ERTS_BIN=\"$ERTS_BIN\"", &ours);
        }
        text
    }

    /// The group of arguments that is taken out has been written in two ways; Mix knows the first one only.
    fn relocated_for_windows(&self, script: &str) -> String {
        let mut text = script.replace("goto expand_erl_libs", "goto run");
        for directory in ["!SCRIPT_PATH!..", "\"%SCRIPT_PATH%.."] {
            let end = if directory.starts_with('"') { "\"" } else { "" };
            let group =
                format!(" -elixir_root {directory}\\lib{end} -pa {directory}\\lib\\elixir\\ebin{end} ");
            text = text.replace(&group, " ");
        }
        if self.spec.toolchain.erts.source.is_some() {
            let ours = format!("ERTS_BIN=%~dp0\\..\\..\\erts-{}\\bin\\", self.spec.toolchain.erts.version);
            text = text.replace("ERTS_BIN=!ERTS_BIN!", &ours);
        }
        text
    }
}
