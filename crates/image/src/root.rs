//! The root file system of an image, read without unpacking it.
//!
//! Layers are decompressed into the cache, and their entries put above each other in memory: nothing of an image is ever
//! written under a name that the image has chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use abi::{AbiError, ReadSeek, RootEntry, SystemRoot};
use camino::{Utf8Path, Utf8PathBuf};
use tree::file::{Draft, create_directories};

use crate::cache::{PLAIN, is_usable};
use crate::digest::{Digest, Hashing};
use crate::document::media_type;
use crate::error::{At, ImageError};
use crate::image::Base;
use crate::layer::Layer;

/// What takes the entry of a lower layer away (OCI image specification, "Whiteouts").
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// The files of an image.
#[derive(Debug)]
pub struct ImageRoot {
    /// By absolute path.
    nodes: BTreeMap<Utf8PathBuf, Node>,
    /// The layers as plain tar files.
    files: Vec<Utf8PathBuf>,
}

#[derive(Clone, Debug)]
enum Node {
    Directory,
    File { layer: usize, position: u64, size: u64 },
    Link(Utf8PathBuf),
    Other,
}

impl ImageRoot {
    /// Reads the layers of an image.
    ///
    /// # Errors
    ///
    /// When a layer is damaged, or cannot be decompressed into the cache.
    pub fn new(base: &Base, cache: &Utf8Path) -> Result<Self, ImageError> {
        let mut root = Self { nodes: BTreeMap::from([("/".into(), Node::Directory)]), files: Vec::new() };
        for layer in &base.layers {
            let file = decompressed(layer, cache)?;
            root.files.push(file.clone());
            root.add_layer(&file)?;
        }
        Ok(root)
    }

    fn add_layer(&mut self, file: &Utf8Path) -> Result<(), ImageError> {
        let layer = self.files.len() - 1;
        let mut own = BTreeSet::new();
        let mut archive = tar::Archive::new(fs_err::File::open(file).at("read", file)?);
        for entry in archive.entries_with_seek().at("read", file)? {
            let entry = entry.at("read", file)?;
            let Some(path) = entry.path().ok().and_then(|path| absolute(path.to_str()?)) else { continue };
            let name = path.file_name().unwrap_or_default();
            let parent = self.real(path.parent().unwrap_or(Utf8Path::new("/")));
            if name == OPAQUE {
                own.insert(parent.clone());
                self.remove(&parent, &own);
                continue;
            }
            if let Some(removed) = name.strip_prefix(WHITEOUT) {
                self.remove(&parent.join(removed), &own);
                continue;
            }
            let path = parent.join(name);
            let target =
                || entry.link_name().ok().flatten().and_then(|target| target.to_str().map(Utf8PathBuf::from));
            let node = match entry.header().entry_type() {
                tar::EntryType::Directory => Node::Directory,
                tar::EntryType::Regular | tar::EntryType::Continuous => {
                    Node::File { layer, position: entry.raw_file_position(), size: entry.size() }
                }
                tar::EntryType::Symlink => target().map_or(Node::Other, Node::Link),
                tar::EntryType::Link => {
                    let other = target().and_then(|target| absolute(target.as_str()));
                    other
                        .and_then(|other| self.nodes.get(&self.placed(&other)).cloned())
                        .unwrap_or(Node::Other)
                }
                _ => Node::Other,
            };
            if !matches!(node, Node::Directory) {
                self.remove(&path, &BTreeSet::new());
            }
            for directory in parent.ancestors() {
                self.nodes.entry(directory.to_owned()).or_insert(Node::Directory);
                own.insert(directory.to_owned());
            }
            self.nodes.insert(path.clone(), node);
            own.insert(path);
        }
        Ok(())
    }

    /// Takes away what is at and below a path, but for what is to be kept. (A whiteout hides what lower layers have; what
    /// comes with it in its own layer stays, in whichever order.)
    fn remove(&mut self, path: &Utf8Path, kept: &BTreeSet<Utf8PathBuf>) {
        if let Some(Node::Directory) = self.nodes.get(path) {
            self.nodes.retain(|known, _| !known.starts_with(path) || kept.contains(known));
        } else if !kept.contains(path) {
            self.nodes.remove(path);
        }
    }

    /// A directory, its links followed as far as it is there: an entry `lib/x` of a layer lies in `usr/lib` when a layer
    /// below has made `lib` a link.
    fn real(&self, directory: &Utf8Path) -> Utf8PathBuf {
        for ancestor in directory.ancestors() {
            if let Ok(Some((real, RootEntry::Directory))) = abi::resolve(self, ancestor)
                && let Ok(rest) = directory.strip_prefix(ancestor)
            {
                return if rest.as_str().is_empty() { real } else { real.join(rest) };
            }
        }
        directory.to_owned()
    }

    /// Where an entry of this path lies.
    fn placed(&self, path: &Utf8Path) -> Utf8PathBuf {
        match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => self.real(parent).join(name),
            _ => path.to_owned(),
        }
    }
}

/// A path of an archive below `/`; none when it leads out.
fn absolute(path: &str) -> Option<Utf8PathBuf> {
    let mut result = Utf8PathBuf::from("/");
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => return None,
            name => result.push(name),
        }
    }
    Some(result)
}

/// The plain tar file of a layer, in the cache. One that is damaged is made again.
fn decompressed(layer: &Layer, cache: &Utf8Path) -> Result<Utf8PathBuf, ImageError> {
    let directory = cache.join(PLAIN);
    let path = directory.join(layer.diff_id.hex());
    let compressed = crate::image::open(layer)?;
    let most = largest(compressed.metadata().at("read", &layer.file)?.len());
    if is_usable(&path, &layer.diff_id, most) {
        return Ok(path);
    }
    create_directories(&directory).at("create the directory", &directory)?;
    let compressed = BufReader::new(compressed);
    let mut reader: Box<dyn Read> = match layer.descriptor.media_type.as_str() {
        media_type::LAYER_GZIP => Box::new(flate2::bufread::MultiGzDecoder::new(compressed)),
        media_type::LAYER_ZSTD => {
            Box::new(zstd::Decoder::with_buffer(compressed).at("decompress", &layer.file)?)
        }
        _ => Box::new(compressed),
    };
    let draft = Draft::create(&path).at("create", &path)?;
    let mut writer = Hashing::new(io::BufWriter::new(draft));
    copy_at_most(most, &mut reader, &mut writer).at("decompress", &layer.file)?;
    writer.flush().at("write", &path)?;
    let (writer, found, _) = writer.finish();
    check(&found, &layer.diff_id, &layer.file)?;
    let draft = writer.into_inner().map_err(io::IntoInnerError::into_error).at("write", &path)?;
    draft.publish(0o600).at("create", &path)?;
    Ok(path)
}

/// How many bytes a layer may have that was downloaded as so many. Files compress to a third or a tenth; zeros to a
/// ten-thousandth, and a layer of nothing else would fill the disk before its digest is known.
fn largest(compressed: u64) -> u64 {
    compressed.saturating_mul(256).max(1 << 30)
}

fn copy_at_most(most: u64, reader: &mut impl Read, writer: &mut impl Write) -> io::Result<()> {
    if io::copy(&mut reader.take(most.saturating_add(1)), writer)? > most {
        return Err(io::Error::other(format!(
            "it has more than {most} bytes, which no layer of its size has"
        )));
    }
    Ok(())
}

fn check(found: &Digest, expected: &Digest, file: &Utf8Path) -> Result<(), ImageError> {
    if found == expected {
        return Ok(());
    }
    Err(ImageError::WrongDigest {
        from: file.to_string(),
        expected: expected.to_string(),
        found: found.to_string(),
    })
}

impl SystemRoot for ImageRoot {
    fn entry(&self, path: &Utf8Path) -> Result<Option<RootEntry>, AbiError> {
        Ok(self.nodes.get(path).map(|node| match node {
            Node::Directory => RootEntry::Directory,
            Node::File { .. } => RootEntry::File,
            Node::Link(target) => RootEntry::Link(target.clone()),
            Node::Other => RootEntry::Other,
        }))
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadSeek>, AbiError> {
        let cannot = |error| AbiError::new("read", path, error);
        let Some(Node::File { layer, position, size }) = self.nodes.get(path) else {
            return Err(cannot(io::ErrorKind::NotFound.into()));
        };
        let file = self.files.get(*layer).ok_or_else(|| cannot(io::ErrorKind::NotFound.into()))?;
        let file = fs_err::File::open(file).map_err(cannot)?;
        Ok(Box::new(Section { file, start: *position, size: *size, at: 0 }))
    }

    fn names(&self, directory: &Utf8Path) -> Result<Vec<String>, AbiError> {
        let below =
            self.nodes.range(directory.to_owned()..).take_while(|(path, _)| path.starts_with(directory));
        let names = below
            .filter(|(path, _)| path.parent() == Some(directory))
            .filter_map(|(path, _)| path.file_name());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }
}

/// A part of a file, as a file of its own.
struct Section {
    file: fs_err::File,
    start: u64,
    size: u64,
    at: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.at);
        if left == 0 {
            return Ok(0);
        }
        self.file.seek(SeekFrom::Start(self.start.saturating_add(self.at)))?;
        let read = (&mut self.file).take(left).read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidInput);
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.checked_add_signed(by).ok_or_else(wrong)?,
            SeekFrom::Current(by) => self.at.checked_add_signed(by).ok_or_else(wrong)?,
        };
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(directory: &Utf8Path, name: &str, entries: &[(&str, char, &str)]) -> Layer {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(0);
            if matches!(kind, 'l' | 'h') {
                let link = if *kind == 'l' { tar::EntryType::Symlink } else { tar::EntryType::Link };
                header.set_entry_type(link);
                archive.append_link(&mut header, path, content).unwrap();
                continue;
            }
            let is_file = *kind == 'f';
            header.set_entry_type(if is_file { tar::EntryType::Regular } else { tar::EntryType::Directory });
            header.set_size(content.len() as u64);
            // `append_data` would refuse names that lead out.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        }
        let bytes = archive.into_inner().unwrap();
        let file = directory.join(name);
        fs_err::write(&file, &bytes).unwrap();
        Layer {
            descriptor: crate::document::Descriptor::of(media_type::LAYER, &bytes),
            diff_id: Digest::of(&bytes),
            title: name.to_owned(),
            file,
            origin: None,
        }
    }

    fn base(layers: Vec<Layer>) -> Base {
        let config = crate::document::ImageConfig {
            created: None,
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            variant: None,
            config: crate::document::Execution::default(),
            rootfs: crate::document::RootFs { kind: "layers".to_owned(), diff_ids: vec![] },
            history: vec![],
        };
        Base { name: "test".to_owned(), digest: Digest::of(b""), config, layers }
    }

    fn text(root: &ImageRoot, path: &str) -> Option<String> {
        let (path, _) = abi::resolve(root, path.into()).unwrap()?;
        let mut text = String::new();
        root.open(&path).ok()?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn a_layer_that_would_fill_the_disk_is_refused() {
        assert_eq!(largest(100), 1 << 30);
        assert_eq!(largest(1 << 24), 1 << 32);
        let mut written = Vec::new();
        copy_at_most(10, &mut io::repeat(0).take(10), &mut written).unwrap();
        assert_eq!(written, [0; 10]);
        let refused = copy_at_most(10, &mut io::repeat(0), &mut io::sink()).unwrap_err();
        assert_eq!(refused.to_string(), "it has more than 10 bytes, which no layer of its size has");
    }

    /// Names and targets as no honest program writes them.
    #[test]
    fn paths_that_lead_out_of_a_layer_stay_in_the_image() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        let outside = directory.join("outside");
        fs_err::create_dir(&outside).unwrap();
        fs_err::write(outside.join("secret"), "of the machine").unwrap();
        let secret = format!("../../../../../../../..{outside}/secret");
        let lower = layer(
            directory,
            "lower",
            &[
                ("../above", 'f', "above"),
                ("usr/../../above", 'f', "above"),
                ("/absolute", 'f', "of the image"),
                ("relative", 'l', &secret),
                ("link", 'l', outside.join("secret").as_str()),
                ("hard", 'h', &secret),
                ("same", 'h', outside.join("secret").as_str()),
                ("directory", 'l', outside.as_str()),
                ("up", 'l', "../../.."),
                ("round", 'l', "round"),
            ],
        );
        let upper = layer(
            directory,
            "upper",
            &[
                // Through links of the layer below: it may not reach what they lead to on the machine.
                ("directory/secret", 'f', "of the image"),
                ("up/new", 'f', "of the image"),
                ("round/file", 'f', "nowhere"),
                ("directory/.wh.secret", 'f', ""),
                ("../.wh.outside", 'f', ""),
            ],
        );
        let root = ImageRoot::new(&base(vec![lower, upper]), &directory.join("cache")).unwrap();
        for path in ["/relative", "/link", "/hard", "/same", "/directory/secret", "/round", "/above"] {
            let found = abi::resolve(&root, path.into()).unwrap();
            assert!(found.is_none_or(|(path, _)| root.open(&path).is_err()), "{path}");
        }
        for path in ["/absolute", "/new", "/up/new"] {
            assert_eq!(text(&root, path).unwrap(), "of the image", "{path}");
        }
        assert_eq!(fs_err::read_to_string(outside.join("secret")).unwrap(), "of the machine");
        let names = |directory: &Utf8Path| {
            let entries = directory.read_dir_utf8().unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(directory), ["cache", "lower", "outside", "upper"]);
        assert_eq!(
            (names(&directory.join("cache")), names(&outside)),
            (vec![PLAIN.to_owned()], vec!["secret".to_owned()])
        );
        assert_eq!(names(&directory.join("cache").join(PLAIN)).len(), 2);
    }

    #[test]
    fn layers_cover_each_other() {
        let directory = tempfile::tempdir().unwrap();
        let directory = Utf8Path::from_path(directory.path()).unwrap();
        let lower = layer(
            directory,
            "lower",
            &[
                ("./usr/", 'd', ""),
                ("usr/lib/libc.so.6", 'f', "libc"),
                ("lib", 'l', "usr/lib"),
                ("usr/lib/hard", 'h', "usr/lib/libc.so.6"),
                ("etc/old", 'f', "old"),
                ("opt/a/b", 'f', "b"),
                ("var/c", 'f', "c"),
                ("usr/lib/removed", 'f', "r"),
                ("srv/lower/f", 'f', "f"),
            ],
        );
        let upper = layer(
            directory,
            "upper",
            &[
                ("etc/.wh.old", 'f', ""),
                ("opt/a", 'f', "now a file"),
                ("var/.wh..wh..opq", 'f', ""),
                ("var/d", 'f', "d"),
                // A directory of the layer below is a link.
                ("lib/through", 'f', "a link"),
                ("lib/.wh.removed", 'f', ""),
                ("same", 'h', "lib/through"),
                // What a layer brings is not what its own whiteouts hide.
                ("srv/e", 'f', "e"),
                ("srv/.wh..wh..opq", 'f', ""),
                ("srv/.wh.e", 'f', ""),
            ],
        );
        let base = base(vec![lower, upper]);
        let root = ImageRoot::new(&base, directory).unwrap();
        let text = |path| text(&root, path);
        assert_eq!(text("/lib/libc.so.6").unwrap(), "libc");
        assert_eq!(text("/lib/hard").unwrap(), "libc");
        assert_eq!(text("/opt/a").unwrap(), "now a file");
        assert_eq!(text("/opt/a/b"), None);
        assert_eq!(text("/etc/old"), None);
        assert_eq!(text("/var/c"), None);
        assert_eq!(text("/var/d").unwrap(), "d");
        assert_eq!(root.names("/usr/lib".into()).unwrap(), ["hard", "libc.so.6", "through"]);
        assert_eq!(text("/usr/lib/through").unwrap(), "a link");
        assert_eq!(text("/same").unwrap(), "a link");
        assert_eq!(text("/srv/e").unwrap(), "e");
        assert_eq!(root.names("/srv".into()).unwrap(), ["e"]);
        // A damaged layer is not a layer.
        let mut wrong = base;
        wrong.layers[0].diff_id = Digest::of(b"something else");
        assert!(matches!(ImageRoot::new(&wrong, directory), Err(ImageError::WrongDigest { .. })));
    }
}
