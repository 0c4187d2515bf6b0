//! The digest of a content, by which registries and layouts know it (OCI image specification, "Digests").

use std::fmt;
use std::io::{self, Write};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The algorithm, as digests and directories of layouts name it.
pub(crate) const ALGORITHM: &str = "sha256";

/// The directory of a layout that has its contents.
pub(crate) const BLOBS: &str = "blobs/sha256";

/// A SHA-256 digest, written `sha256:` and 64 hexadecimal digits. Other algorithms are not used by any registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// A text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: it has to be `sha256:` and 64 hexadecimal digits")]
pub struct DigestError(pub String);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_sha256(Sha256::digest(bytes).into())
    }

    /// The digest with these bytes.
    pub fn from_sha256(bytes: [u8; 32]) -> Self {
        Self(format!("{ALGORITHM}:{}", HEXLOWER.encode(&bytes)))
    }

    /// Reads a digest.
    ///
    /// # Errors
    ///
    /// When it is not one, or of another algorithm.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let hex = text.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(':'));
        let is_digest = hex.is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        });
        if is_digest { Ok(Self(text.to_owned())) } else { Err(DigestError(text.to_owned())) }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hexadecimal digits.
    pub fn hex(&self) -> &str {
        &self.0[ALGORITHM.len() + 1..]
    }

    /// Where a layout keeps the content: `blobs/sha256/…`.
    pub fn blob_path(&self) -> String {
        format!("{BLOBS}/{}", self.hex())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Hashes what is written to another writer.
pub(crate) struct Hashing<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// The writer, and the digest and size of all that was written.
    pub(crate) fn finish(self) -> (W, Digest, u64) {
        (self.inner, Digest::from_sha256(self.hash.finalize().into()), self.bytes)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sha256_is_a_digest() {
        let empty = Digest::of(b"");
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(empty.as_str(), text);
        assert_eq!(Digest::parse(text), Ok(empty.clone()));
        for wrong in ["", "sha256", "sha256:", "sha512:00", "sha256:../../etc/passwd", &text.to_uppercase()] {
            assert!(Digest::parse(wrong).is_err(), "{wrong}");
        }
    }
}
