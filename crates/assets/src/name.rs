//! Names of digested files.
//!
//! Phoenix calls the digested copy of `css/app.min.css` `css/app.min-DIGEST.css`: the digest goes before what Elixir's
//! `Path.extname` takes for the extension. Names that hold a digest already are not digested again.

/// How many hexadecimal digits an MD5 digest has.
const DIGEST_LENGTH: usize = 32;

/// The extension of a file's name with its dot, as Elixir's `Path.extname/1` sees it: from the last dot on, unless that
/// is the first character.
#[must_use]
pub fn extension(path: &str) -> &str {
    let name = file_name(path);
    match name.rfind('.') {
        None | Some(0) => "",
        Some(dot) => &name[dot..],
    }
}

/// The last component of a logical path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The directory of a logical path: empty for a file of the root, else without a slash at its end.
#[must_use]
pub fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// `css/app.css` and a digest make `css/app-DIGEST.css`.
#[must_use]
pub fn digested(path: &str, digest: &str) -> String {
    let extension = extension(path);
    let root = &path[..path.len() - extension.len()];
    format!("{root}-{digest}{extension}")
}

/// Whether the name holds a dash and 32 hexadecimal digits: a digested file (`Phoenix.Digester.compiled_file?/1`).
#[must_use]
pub fn is_digested(path: &str) -> bool {
    let name = file_name(path).as_bytes();
    let mut digits = 0;
    let mut after_dash = false;
    for byte in name {
        match byte {
            b'-' => (after_dash, digits) = (true, 0),
            byte if after_dash && byte.is_ascii_hexdigit() => {
                digits += 1;
                if digits == DIGEST_LENGTH {
                    return true;
                }
            }
            _ => after_dash = false,
        }
    }
    false
}

/// Whether esbuild has named the file after its content: `chunk-7ZZ2QBJP.js`, a dash and eight digits of base 32.
#[must_use]
pub fn is_hashed_by_esbuild(path: &str) -> bool {
    let name = file_name(path);
    let stem = &name[..name.len() - extension(name).len()];
    // A source map is named after the file it belongs to.
    let stem = stem.strip_suffix(".js").or_else(|| stem.strip_suffix(".css")).unwrap_or(stem);
    let Some((_, hash)) = stem.rsplit_once('-') else { return false };
    hash.len() == 8
        && hash.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
        // A word in capitals is not a hash.
        && hash.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asked of Elixir: `Path.extname/1`, `Path.rootname/1`.
    #[test]
    fn the_digest_goes_before_the_extension() {
        for (path, expected) in [
            ("app.css", "app-D.css"),
            ("css/app.min.css", "css/app.min-D.css"),
            ("a.b/LICENSE", "a.b/LICENSE-D"),
            ("dot.", "dot-D."),
        ] {
            assert_eq!(digested(path, "D"), expected);
        }
        assert_eq!(extension("a/.hidden"), "");
    }

    #[test]
    fn a_digest_is_32_digits_after_a_dash() {
        let digest = "d978852bea6530fcd197b5445ed008fd";
        for name in [
            format!("a/foo-{digest}.css"),
            format!("-{digest}"),
            format!("x--{digest}0"),
            format!("A-{}.js", digest.to_uppercase()),
        ] {
            assert!(is_digested(&name), "{name}");
        }
        for name in [
            format!("foo{digest}.css"),
            format!("foo-{}.css", &digest[1..]),
            format!("-{digest}/app.css"),
            format!("foo-{}-{}", &digest[..16], &digest[16..]),
        ] {
            assert!(!is_digested(&name), "{name}");
        }
    }

    #[test]
    fn esbuild_names_files_after_their_content() {
        for name in ["chunk-7ZZ2QBJP.js", "assets/app-QK2ZX5AB.css", "a-b-2ABCDEFG.js.map"] {
            assert!(is_hashed_by_esbuild(name), "{name}");
        }
        for name in ["app-ABCDEFGH.js", "app-abcdefg2.js", "app-2ABCDEF.js", "2ABCDEFG.js", "app-2ABCDEF1.js"]
        {
            assert!(!is_hashed_by_esbuild(name), "{name}");
        }
    }
}
