//! Arguments of a Dockerfile's instructions, whatever the directories of a project are called.
//!
//! Plain names are written as they are, others as JSON, which `RUN` takes literally. `COPY` does not: a variable, a
//! quote or a backslash means in each word what it means to a shell, and a source is a pattern after that (Go's `path.Match`).
//! See <https://docs.docker.com/reference/dockerfile/>, "COPY" and "Environment replacement".

/// The arguments of `COPY`: files and directories of the project, and where in the image they go.
pub(crate) fn copy(sources: &[&str], destination: &str) -> String {
    arguments(sources, &[destination], |source| literal(&pattern(source)), literal)
}

/// The arguments of `RUN`: a command and its arguments.
pub(crate) fn run(command: &[&str]) -> String {
    arguments(command, &[], str::to_owned, str::to_owned)
}

fn arguments(
    first: &[&str],
    last: &[&str],
    escape: fn(&str) -> String,
    escape_last: fn(&str) -> String,
) -> String {
    if first.iter().chain(last).all(|word| is_plain(word)) {
        return [first, last].concat().join(" ");
    }
    let first = first.iter().map(|word| escape(word));
    let last = last.iter().map(|word| escape_last(word));
    serde_json::Value::from_iter(first.chain(last)).to_string()
}

fn is_plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+@/".contains(&byte))
}

/// A pattern that only this name fits. A backslash would do for most, but the builder without BuildKit takes what has no other
/// special character for a name.
fn pattern(name: &str) -> String {
    let character = |character| match character {
        '*' | '?' | '[' => format!("[{character}]"),
        '\\' => r"[\\]".to_owned(),
        _ => character.to_string(),
    };
    name.chars().map(character).collect()
}

/// A word that is this one when variables, quotes and backslashes have been looked at.
fn literal(word: &str) -> String {
    let escape = |character| {
        let is_special = matches!(character, '$' | '\'' | '"' | '\\');
        is_special.then_some('\\').into_iter().chain([character])
    };
    word.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_words() {
        assert_eq!(copy(&["lib"], "lib"), "lib lib");
        assert_eq!(
            copy(&["a/package.json", "a/package-lock.json"], "a/"),
            "a/package.json a/package-lock.json a/"
        );
        assert_eq!(run(&["npm", "--prefix", "assets", "ci"]), "npm --prefix assets ci");
    }

    /// Whether they are right is what `docker::names_of_directories_are_taken_literally` of beamship asks an engine.
    #[test]
    fn other_names_are_escaped_in_json() {
        assert_eq!(copy(&["my app"], "my app"), r#"["my app","my app"]"#);
        assert_eq!(copy(&["$a*"], "$a*"), r#"["\\$a[*]","\\$a*"]"#);
        assert_eq!(run(&["npm", "--prefix", "$a*"]), r#"["npm","--prefix","$a*"]"#);
    }
}
