//! `lib/APP-VSN`: code and files of the applications, as `Mix.Release.copy_app/2` and `copy_ebin/3` choose them.

use std::collections::HashSet;

use camino::Utf8Path;
use etf::Term;
use etf::text::Style;
use tree::{Content, Node, TreePath};

use super::Layout;
use super::collect::{Found, Links, collect, normal_mode};
use crate::application::Application;
use crate::error::ReleaseError;
use crate::source::FileKind;
use crate::spec::Strip;
use crate::version::ElixirVersion;

impl Layout<'_> {
    /// `ebin`, `priv` and `include` of an application. One of OTP is left to the runtime when that is not included.
    pub(super) fn application(&mut self, application: &Application) -> Result<(), ReleaseError> {
        if application.is_of_otp() && self.spec.toolchain.erts.source.is_none() {
            return Ok(());
        }
        let target = format!("lib/{}", application.directory_name());
        self.tree.add(TreePath::new(target.clone())?, Node::Directory { mode: 0o755 })?;
        let ebin = application.directory.join("ebin");
        let found = collect(self.source, &ebin, Links::Follow)?.unwrap_or_default();
        all_modules_present(application, &ebin, &found)?;
        let resource = format!("{}.app", application.name);
        for file in found {
            let path = format!("{target}/ebin/{}", file.relative);
            if file.relative == resource {
                self.bytes(
                    &path,
                    0o644,
                    resource_text(&application.resource, self.spec.toolchain.otp_release).into_bytes(),
                )?;
            } else {
                self.found(&path, file)?;
            }
        }
        let directories: &[&str] =
            if ElixirVersion::parse(&self.spec.toolchain.elixir_version).at_least(1, 16) {
                &["include", "priv"]
            } else {
                &["priv"]
            };
        for directory in directories {
            self.directory(&application.directory.join(directory), &format!("{target}/{directory}"))?;
        }
        Ok(())
    }

    /// The consolidated protocols.
    pub(super) fn consolidated(&mut self) -> Result<(), ReleaseError> {
        match &self.spec.consolidated {
            Some(directory) => self.directory(&directory.clone(), &self.version_path("consolidated")),
            None => Ok(()),
        }
    }

    /// A whole directory, links followed; nothing when it does not exist.
    fn directory(&mut self, directory: &Utf8Path, target: &str) -> Result<(), ReleaseError> {
        let Some(found) = collect(self.source, directory, Links::Follow)? else { return Ok(()) };
        self.tree.add(TreePath::new(target)?, Node::Directory { mode: 0o755 })?;
        for file in found {
            self.found(&format!("{target}/{}", file.relative), file)?;
        }
        Ok(())
    }

    fn found(&mut self, path: &str, file: Found) -> Result<(), ReleaseError> {
        let node = match (file.entry.kind, &self.spec.strip) {
            (FileKind::Directory, _) => Node::Directory { mode: 0o755 },
            (_, Strip::Chunks { chunks, compress }) if is_beam(path) => {
                let options = beam::StripOptions { chunks: chunks.clone().into(), compress: *compress };
                Node::File { mode: 0o644, content: Content::StrippedBeam(file.path, options) }
            }
            _ => Node::File { mode: normal_mode(file.entry.mode), content: Content::Copy(file.path) },
        };
        Ok(self.tree.add(TreePath::new(path)?, node)?)
    }
}

/// Only what stands in `ebin` or among the consolidated protocols is code; in `priv` a `.beam` is a file like others.
fn is_beam(path: &str) -> bool {
    let mut components = path.rsplit('/');
    let is_beam = components.next().is_some_and(|name| name.ends_with(".beam"));
    is_beam
        && components.next().is_some_and(|directory| directory == "ebin" || directory == "consolidated")
        && !path.contains("/priv/")
}

/// The text of a resource file: comments and layout of the original are gone, so that equal terms give equal bytes.
fn resource_text(resource: &Term, otp_release: u32) -> String {
    let text = etf::text::pretty_with(resource, &Style::for_otp(otp_release));
    if text.is_ascii() { format!("{text}.\n") } else { format!("%% coding: utf-8\n{text}.\n") }
}

fn all_modules_present(
    application: &Application,
    ebin: &Utf8Path,
    found: &[Found],
) -> Result<(), ReleaseError> {
    let names: HashSet<&str> = found.iter().map(|file| file.relative.as_str()).collect();
    for module in &application.modules {
        let file = format!("{module}.beam");
        if !names.contains(file.as_str()) {
            return Err(ReleaseError::MissingModule {
                application: application.name.clone(),
                module: module.clone(),
                path: ebin.join(file),
            });
        }
    }
    Ok(())
}
