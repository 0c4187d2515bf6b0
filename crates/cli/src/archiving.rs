//! The tarball of a release: whether it is made, where, and with which times.

use camino::{Utf8Path, Utf8PathBuf};
use contract::{COOKIE, MANIFEST};
use project::{ReleaseDescription, Step};
use tree::archive::{self, ArchiveOptions, Compression};
use tree::directory::Published;
use tree::{Content, Node, Tree, TreePath, manifest_text};

use crate::arguments::ArchiveArguments;
use crate::modification_time::modification_time;
use crate::printer::{Printer, count, size};
use crate::report::{ArchiveReport, Report};

/// What is to be packed, and how.
pub(crate) struct Archiving {
    wanted: bool,
    made: bool,
    path: Utf8PathBuf,
    options: ArchiveOptions,
    with_cookie: bool,
}

impl Archiving {
    /// What the command line and the steps of the release ask for.
    ///
    /// # Errors
    ///
    /// When there is to be a tarball and `SOURCE_DATE_EPOCH` is not a number.
    pub(crate) fn new(description: &ReleaseDescription, arguments: ArchiveArguments) -> anyhow::Result<Self> {
        let ArchiveArguments { tar, zstd, no_cookie } = arguments;
        let wanted = tar || zstd || description.steps.contains(&Step::Tar);
        let (compression, suffix) =
            if zstd { (Compression::Zstd, "tar.zst") } else { (Compression::Gzip, "tar.gz") };
        let spec = &description.spec;
        let file = format!("{}-{}.{suffix}", spec.name, spec.version);
        // Asking git takes as long as a quarter of the assembly.
        let modified = if wanted { modification_time(&spec.project_directory)?.unwrap_or(0) } else { 0 };
        Ok(Self {
            wanted,
            made: false,
            path: description.archive_directory.join(file),
            // Whoever has the cookie controls the system.
            options: ArchiveOptions { modified, compression, mode: if no_cookie { 0o644 } else { 0o600 } },
            with_cookie: !no_cookie,
        })
    }

    /// Whether there is to be a tarball.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Whether it has been made.
    pub(crate) fn is_made(&self) -> bool {
        self.made
    }

    /// Says so when the cookie is to be left out of a tarball, and none is made.
    pub(crate) fn warn(&self, printer: &Printer) {
        if !self.wanted && !self.with_cookie {
            printer.warn(&format!(
                "--no-cookie is about the tarball, and none is made: the release has its cookie in `{COOKIE}`\nhint: --tar or --zstd makes one"
            ));
        }
    }

    /// Where it goes.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// A tarball in the directory of the release is not part of the release.
    pub(crate) fn exclude_from(&self, published: &Published<'_>) {
        published.exclude(&self.path);
    }

    /// Makes it from a release that has been written.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn pack(&mut self, tree: &Tree, printer: &Printer, report: &mut Report) -> anyhow::Result<()> {
        let phase = printer.phase("tar");
        let without;
        let tree = if self.with_cookie {
            tree
        } else {
            without = without_cookie(tree)?;
            &without
        };
        let archived = archive::write(tree, &self.path, &self.options, &phase)?;
        let name = self.path.file_name().unwrap_or_default();
        let text = format!("{name}, {} files, {}", count(archived.files), size(archived.bytes));
        report.phase("tar", phase.finish(&text));
        let other = self.path.with_extension(match self.options.compression {
            Compression::Zstd => "gz",
            Compression::Gzip => "zst",
        });
        // It is the user's: it may have been made for others. No warning, which would be said again when it is gone.
        if other.is_file() {
            let other = other.file_name().unwrap_or_default();
            printer.say(&format!("  {other} beside it is of an earlier build"));
        }
        report.archive = Some(ArchiveReport { path: self.path.to_string(), bytes: archived.bytes });
        self.made = true;
        Ok(())
    }
}

fn without_cookie(tree: &Tree) -> anyhow::Result<Tree> {
    let mut tree = tree.clone();
    tree.remove(&TreePath::new(COOKIE)?);
    let text = manifest_text(&tree);
    let content = Content::Bytes(text.into_bytes().into());
    tree.replace(TreePath::new(MANIFEST)?, Node::File { mode: 0o644, content })?;
    Ok(tree)
}
