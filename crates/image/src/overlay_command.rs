//! Overlay commands that need no shell.
//!
//! `bin/server` and `bin/migrate`, as Phoenix generates them, are shell scripts of one purpose: set variables, run the
//! release with arguments. An image without a shell cannot run them, so such a script is understood here and becomes a line
//! of `releases/COMMANDS` and a link to the release's launcher, which does the same when it is called by that name.
//! Whatever says more than that stays a script, and the image gets a shell.

use contract::OverlayCommand;

/// Understands a script that sets variables and runs the command of this name beside it, and nothing else.
pub fn of_script(text: &str, name: &str) -> Option<OverlayCommand> {
    let mut lines = text.lines();
    let shell = lines.next()?.strip_prefix("#!")?.trim();
    if !matches!(shell, "/bin/sh" | "/bin/bash" | "/usr/bin/env sh" | "/usr/bin/env bash") {
        return None;
    }
    let mut command = None;
    for line in lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        // What follows the command that the shell becomes is never reached.
        if command.is_some() {
            return None;
        }
        if !is_preparation(line) {
            command = Some(of_line(line, name)?);
        }
    }
    command
}

fn of_line(line: &str, name: &str) -> Option<OverlayCommand> {
    let mut words = words(line)?.into_iter().peekable();
    let mut variables = Vec::new();
    while let Some((variable, value)) = words.peek().and_then(assignment) {
        variables.push((variable, value));
        words.next();
    }
    if words.next()?.text != "exec" {
        return None;
    }
    let program = words.next()?.text;
    if program != format!("./{name}") {
        return None;
    }
    let mut arguments: Vec<Word> = words.collect();
    let passes_arguments = arguments.last().is_some_and(|word| word.is_all_arguments);
    if passes_arguments {
        arguments.pop();
    }
    if arguments.iter().any(|word| word.text == "$@") || arguments.is_empty() {
        return None;
    }
    let arguments = arguments.into_iter().map(|word| word.text).collect();
    Some(OverlayCommand { variables, arguments, passes_arguments })
}

/// What scripts do before: it makes no difference to a command that is found by its own place.
fn is_preparation(line: &str) -> bool {
    let line = line.strip_suffix("|| exit 1").unwrap_or(line).trim();
    matches!(
        line,
        "set -e"
            | "set -u"
            | "set -eu"
            | "set -ue"
            | "cd -P -- \"$(dirname -- \"$0\")\""
            | "cd -- \"$(dirname -- \"$0\")\""
            | "cd \"$(dirname \"$0\")\""
            | "cd $(dirname $0)"
            | "cd \"${0%/*}\""
    )
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    /// It is `"$@"`.
    is_all_arguments: bool,
    /// How many characters at its begin are not quoted.
    plain: usize,
}

fn assignment(word: &Word) -> Option<(String, String)> {
    let (variable, value) = word.text.split_once('=')?;
    let mut bytes = variable.bytes();
    let is_name = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && word.plain > variable.len()).then(|| (variable.to_owned(), value.to_owned()))
}

/// The words of a line of which nothing is left to the shell; none when something is.
fn words(line: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("\"$@\"") {
            if !after.is_empty() && !after.starts_with(' ') {
                return None;
            }
            words.push(Word { text: "$@".to_owned(), is_all_arguments: true, plain: 0 });
            rest = after.trim_start();
            continue;
        }
        let mut word = Word { text: String::new(), is_all_arguments: false, plain: 0 };
        let mut was_quoted = false;
        while let Some(character) = rest.chars().next().filter(|character| *character != ' ') {
            if let '\'' | '"' = character {
                let (quoted, after) = rest[1..].split_once(character)?;
                if character == '"' && quoted.contains(['$', '`', '\\']) || quoted.contains(['\t', '\0']) {
                    return None;
                }
                word.text.push_str(quoted);
                rest = after;
                was_quoted = true;
            } else if character.is_ascii_alphanumeric() || "_-./:=,+@%".contains(character) {
                word.text.push(character);
                word.plain += usize::from(!was_quoted);
                rest = &rest[1..];
            } else {
                return None;
            }
        }
        words.push(word);
        rest = rest.trim_start_matches(' ');
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(script: &str) -> Option<String> {
        of_script(script, "shop").map(|command| command.line("x"))
    }

    #[test]
    fn scripts_of_phoenix_need_no_shell() {
        let server =
            "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n";
        assert_eq!(line(server).unwrap(), "x\tPHX_SERVER=true\t--\tstart\n");
        let migrate = "#!/bin/sh\ncd -P -- \"$(dirname -- \"$0\")\"\nexec ./shop eval Shop.Release.migrate\n";
        assert_eq!(line(migrate).unwrap(), "x\t--\teval\tShop.Release.migrate\n");
        let quoted = "#!/bin/sh\nA='b c' exec ./shop eval \"Shop.Release.seed(:all)\" \"$@\"\n";
        assert_eq!(line(quoted).unwrap(), "x\tA=b c\t--\teval\tShop.Release.seed(:all)\t$@\n");
    }

    #[test]
    fn what_says_more_stays_a_script() {
        for body in [
            "exec ./other start",
            "./shop start",
            "exec ./shop",
            "echo hello\nexec ./shop start",
            "exec ./shop start\nexec ./shop stop",
            "exec ./shop start > log",
            "exec ./shop start; echo",
            "A=$B exec ./shop start",
            "exec ./shop eval \"$CODE\"",
            "exec ./shop start \"$@\" more",
            "exec ./shop eval '$@'",
            "exec ./shop 'a",
            "exec ./shop *",
            "if true; then",
            "'A'=b exec ./shop start",
            "",
        ] {
            assert_eq!(line(&format!("#!/bin/sh\n{body}\n")), None, "{body}");
        }
        assert_eq!(line("#!/usr/bin/python3\nexec ./shop start\n"), None);
        assert_eq!(line("exec ./shop start\n"), None);
    }
}
