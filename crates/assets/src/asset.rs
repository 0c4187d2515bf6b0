//! A file that is digested.

use data_encoding::HEXLOWER;
use md5::Digest as _;

use crate::cache::Key;
use crate::name;
use crate::naming::resolver;
use crate::options::{Options, ReferenceSyntax};
use crate::references::{self, Purpose, Reference};

/// A file of the input, as far as it has to be known before names are given.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its path in the input.
    pub(crate) logical: String,
    /// Bytes of it.
    pub(crate) size: u64,
    /// MD5 of its content.
    pub(crate) md5: String,
    /// SHA-512 of its content.
    pub(crate) sha512: Key,
    /// What it refers to and may be replaced.
    pub(crate) references: Vec<Reference>,
    /// Logical paths of the modules that a script imports, also one in which nothing is replaced.
    pub(crate) imports: Vec<String>,
    /// Its content, as long as a name in it may have to be replaced.
    pub(crate) content: Option<Vec<u8>>,
}

impl Asset {
    /// Looks at a file's content, which is not kept.
    pub(crate) fn new(logical: String, content: &[u8], options: &Options, keeps_name: bool) -> Self {
        let mut references = references_of(&logical, content, options.references);
        let imports = imports(&logical, content, &references, options);
        if keeps_name {
            references.clear();
        }
        Self {
            size: content.len() as u64,
            md5: md5_of(content),
            sha512: sha512_of(content),
            content: None,
            references,
            imports,
            logical,
        }
    }
}

fn imports(logical: &str, content: &[u8], references: &[Reference], options: &Options) -> Vec<String> {
    if !matches!(name::extension(logical), ".js" | ".mjs") {
        return Vec::new();
    }
    let resolver = resolver(logical, options);
    let modules = references.iter().filter(|reference| reference.purpose == Purpose::Module);
    let written = modules.filter_map(|module| std::str::from_utf8(&content[module.range.clone()]).ok());
    written.filter_map(|written| resolver.logical_path(Purpose::Module, written)).collect()
}

fn references_of(logical: &str, content: &[u8], syntax: ReferenceSyntax) -> Vec<Reference> {
    use ReferenceSyntax::{Parsed, Phoenix};
    match (name::extension(logical), syntax) {
        (".css", Parsed) => references::css::references(content),
        (".js" | ".mjs", Parsed) => references::javascript::references(content),
        (".map", Parsed) => references::source_map::references(content),
        (".html" | ".htm", Parsed) => references::import_map::references(content),
        (".css", Phoenix) => references::phoenix::css(content),
        (".js", Phoenix) => references::phoenix::javascript(content),
        (".map", Phoenix) => references::phoenix::source_map(content),
        _ => Vec::new(),
    }
}

/// MD5 in hexadecimal digits.
pub(crate) fn md5_of(content: &[u8]) -> String {
    HEXLOWER.encode(&md5::Md5::digest(content))
}

/// SHA-512.
pub(crate) fn sha512_of(content: &[u8]) -> Key {
    sha2::Sha512::digest(content).into()
}
