//! How assets are digested.

use camino::Utf8PathBuf;

use crate::compression::Encoder;

/// What Phoenix compresses when the project does not say otherwise (`:phoenix, :gzippable_exts`).
pub const EXTENSIONS: [&str; 10] =
    [".js", ".map", ".css", ".txt", ".text", ".html", ".json", ".svg", ".eot", ".ttf"];

/// How references to other files are found and understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceSyntax {
    /// By reading the languages: modules, import maps, comments and strings, URLs with queries.
    Parsed,
    /// By the regular expressions of `Phoenix.Digester`, and exactly as it understands what they match.
    Phoenix,
}

/// Settings of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether `?vsn=d` is added to URLs in stylesheets and modules. `Plug.Static` tells browsers to keep for ever what is
    /// fetched with it.
    pub adds_vsn: bool,
    /// How references from one file to another are found.
    pub references: ReferenceSyntax,
    /// Whether a file that names other files is digested with their digests in it; else as it was before.
    pub content_digests: bool,
    /// Whether files that a bundler has named by their content (esbuild, or Vite in its manifest) keep their name.
    pub keeps_bundler_names: bool,
    /// Whether entries of unchanged files keep their time; else they get that of this run.
    pub keep_times: bool,
    /// Whether compressed files are written that are not smaller than the original.
    pub even_if_larger: bool,
    /// What files are compressed with.
    pub encoders: Vec<Encoder>,
    /// Which files are compressed, by extension with its dot.
    pub extensions: Vec<String>,
    /// The time of new entries, in seconds since 1970.
    pub modified: u64,
    /// Where compressed content and what is remembered of earlier runs are kept.
    pub cache: Option<Utf8PathBuf>,
}

impl Options {
    /// The settings that beamship uses unless it is told otherwise.
    #[must_use]
    pub fn usual(modified: u64) -> Self {
        Self {
            adds_vsn: true,
            references: ReferenceSyntax::Parsed,
            content_digests: true,
            keeps_bundler_names: true,
            keep_times: true,
            even_if_larger: false,
            encoders: vec![Encoder::gzip(None)],
            extensions: EXTENSIONS.map(str::to_owned).to_vec(),
            modified,
            cache: None,
        }
    }

    /// The settings that do exactly what `mix phx.digest` does.
    #[must_use]
    pub fn compatible(self) -> Self {
        Self {
            references: ReferenceSyntax::Phoenix,
            content_digests: false,
            keeps_bundler_names: false,
            keep_times: false,
            even_if_larger: true,
            ..self
        }
    }

    /// Whether a file is compressed.
    #[must_use]
    pub fn compresses(&self, path: &str) -> bool {
        let extension = crate::name::extension(path);
        self.extensions.iter().any(|known| known == extension)
    }
}
