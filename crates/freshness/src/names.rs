//! The names in a directory, of which it counts only that they are the same.

use std::ffi::OsString;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// A digest of names, in whichever order they come.
pub(crate) fn digest(mut names: Vec<OsString>) -> String {
    names.sort();
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name.as_encoded_bytes());
        // No name has it.
        digest.update([0]);
    }
    HEXLOWER.encode(&digest.finalize())
}
