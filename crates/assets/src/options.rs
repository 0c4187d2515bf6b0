//! How assets are digested.

use camino::Utf8PathBuf;

use crate::compression::Encoder;

/// What Phoenix compresses when the project does not say otherwise (`:phoenix, :gzippable_exts`).
pub const EXTENSIONS: [&str; 10] =
    [".js", ".map", ".css", ".txt", ".text", ".html", ".json", ".svg", ".eot", ".ttf"];

/// Settings of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether `?vsn=d` is added to URLs in stylesheets and modules. Plug sends what has it with the order to keep it
    /// for ever.
    pub version: bool,
    /// Whether references are found by reading the languages (modules, import maps, comments and strings); else by the
    /// regular expressions of Phoenix.
    pub languages: bool,
    /// Whether a file that names other files is digested with their digests in it; else as it was before.
    pub content_digests: bool,
    /// Whether files whose name holds a hash already (of esbuild, or in Vite's manifest) keep their name.
    pub hashed: bool,
    /// Whether entries of unchanged files keep their time; else they get that of this run.
    pub keep_times: bool,
    /// Compressed files that are not smaller are written too.
    pub even_if_larger: bool,
    /// What files are compressed with.
    pub encoders: Vec<Encoder>,
    /// Which files are compressed, by extension with its dot.
    pub extensions: Vec<String>,
    /// The time of new entries, in seconds since 1970.
    pub modified: u64,
    /// Where compressed content and the state of earlier runs is kept.
    pub cache: Option<Utf8PathBuf>,
}

impl Options {
    /// The settings that beamship uses unless it is told otherwise.
    #[must_use]
    pub fn usual(modified: u64) -> Self {
        Self {
            version: true,
            languages: true,
            content_digests: true,
            hashed: true,
            keep_times: true,
            even_if_larger: false,
            encoders: vec![Encoder::gzip(None)],
            extensions: EXTENSIONS.map(str::to_owned).to_vec(),
            modified,
            cache: None,
        }
    }

    /// Exactly what `mix phx.digest` does.
    #[must_use]
    pub fn compatible(self) -> Self {
        Self {
            languages: false,
            content_digests: false,
            hashed: false,
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
