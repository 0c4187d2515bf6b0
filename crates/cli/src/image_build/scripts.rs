//! What in a release needs a shell, and what can do without.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use contract::COMMANDS;
use image::overlay_command::of_script;
use image::{Interpreter, Shell};
use tree::{Content, Node, Tree, TreePath};

use super::command_line::CommandLine;

/// Scripts are short. What is longer is something else.
const LONGEST: usize = 64 * 1024;

/// The application of OTP that runs shell commands: `df`, `free`.
const OS_MON: &str = "os_mon";

/// What the launcher does by itself, but for `daemon`: nothing in an image keeps what it would print.
fn own_commands() -> Vec<&'static str> {
    let commands = launcher::Command::ALL.into_iter().filter(|command| !command.is_in_background());
    commands.map(launcher::Command::name).collect()
}

/// The scripts of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scripts {
    /// The commands in `bin` besides the release's own, sorted.
    commands: Vec<String>,
    /// Why there has to be a shell.
    pub(crate) reasons: BTreeSet<ShellReason>,
    /// What runs the scripts among the commands.
    pub(crate) interpreters: Vec<Interpreter>,
}

/// Something in a release that does not work without a shell, in the order of the paths in a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ShellReason {
    /// A script in `bin` that the launcher cannot do the work of.
    Script(TreePath),
    /// The application `os_mon`, which runs shell commands.
    OsMon,
    /// An `env.sh` with commands in it.
    EnvSh(TreePath),
}

impl ShellReason {
    fn shell(&self) -> Shell {
        match self {
            Self::Script(_) | Self::OsMon => Shell::WithPrograms,
            Self::EnvSh(_) => Shell::Plain,
        }
    }
}

impl fmt::Display for ShellReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(path) => write!(formatter, "`{path}` is a script"),
            Self::OsMon => write!(formatter, "`{OS_MON}` runs shell commands"),
            Self::EnvSh(path) => write!(formatter, "`{path}` holds shell code"),
        }
    }
}

impl Scripts {
    /// Looks at a release, and turns what needs no shell into commands of its launcher.
    ///
    /// # Errors
    ///
    /// When a script cannot be read.
    pub(crate) fn translate(tree: &mut Tree, name: &str) -> anyhow::Result<Self> {
        let mut scripts = Self::default();
        let mut lines = String::new();
        let candidates: Vec<(TreePath, Node)> =
            tree.entries().map(|entry| (entry.path.clone(), entry.node.clone())).collect();
        for (path, node) in candidates {
            let Node::File { content, .. } = &node else { continue };
            let parts: Vec<&str> = path.as_str().split('/').collect();
            match parts.as_slice() {
                ["bin", file] if *file != name && !file.ends_with(".bat") => {
                    scripts.commands.push((*file).to_owned());
                    let bytes = beginning(content)?;
                    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.len() <= LONGEST);
                    if let Some(command) = text.and_then(|text| of_script(text, name)) {
                        lines.push_str(&command.line(file));
                        tree.replace(path.clone(), Node::Link { target: name.to_owned() })?;
                    } else if let Some(line) = bytes.strip_prefix(b"#!") {
                        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
                        scripts.interpreters.push(Interpreter {
                            script: path.to_string(),
                            line: String::from_utf8_lossy(line).trim().to_owned(),
                        });
                        scripts.reasons.insert(ShellReason::Script(path));
                    }
                }
                ["releases", _, "env.sh"] if is_sourced(&beginning(content)?) => {
                    scripts.reasons.insert(ShellReason::EnvSh(path));
                }
                ["lib", directory, ..] if directory.split('-').next() == Some(OS_MON) => {
                    scripts.reasons.insert(ShellReason::OsMon);
                }
                _ => {}
            }
        }
        if !lines.is_empty() {
            let content = Content::Bytes(Arc::from(lines.as_bytes()));
            tree.replace(TreePath::new(COMMANDS)?, Node::File { mode: 0o644, content })?;
        }
        Ok(scripts)
    }

    /// Whether there is a command of this name.
    pub(crate) fn has(&self, command: &str) -> bool {
        self.commands.iter().any(|known| known == command)
    }

    /// Whether an image can run a command, which may be followed by arguments.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub(crate) fn check(&self, command: &CommandLine) -> anyhow::Result<()> {
        let name = command.words().first().map(String::as_str).unwrap_or_default();
        if own_commands().contains(&name) || self.has(name) {
            return Ok(());
        }
        let mut hint = format!("it can run {}", own_commands().join(", "));
        if !self.commands.is_empty() {
            hint.push_str(&format!("; and what is in the release's bin: {}", self.commands.join(", ")));
        }
        anyhow::bail!(
            "--command is `{command}`, and an image of this release cannot run `{name}`\nhint: {hint}"
        )
    }

    /// The shell that is needed, or asked for.
    pub(crate) fn shell_needed(&self, is_wanted: bool) -> Option<Shell> {
        let needed = self.reasons.iter().map(ShellReason::shell).max();
        if is_wanted { Some(Shell::WithPrograms) } else { needed }
    }
}

/// All of a script, or the beginning of something longer, which is longer than [`LONGEST`] then.
fn beginning(content: &Content) -> anyhow::Result<Vec<u8>> {
    match content {
        Content::Bytes(bytes) => Ok(bytes.to_vec()),
        Content::Copy(file) | Content::StrippedBeam(file, _) => {
            let mut bytes = Vec::new();
            fs_err::File::open(file)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        }
    }
}

/// Whether an `env.sh` needs a shell. One that is too long to be examined is assumed to.
fn is_sourced(script: &[u8]) -> bool {
    script.len() > LONGEST || launcher::needs_shell(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The launcher does not ask whether it is UTF-8.
    #[test]
    fn a_script_in_another_encoding_needs_a_shell() {
        let mut tree = Tree::new();
        for (path, script) in [
            ("releases/1/env.sh", &b"# caf\xe9\nexport A=1\n"[..]),
            ("bin/backup", b"#!/bin/sh\n# caf\xe9\n"),
        ] {
            let node = Node::File { mode: 0o755, content: Content::Bytes(script.into()) };
            tree.add(TreePath::new(path).unwrap(), node).unwrap();
        }
        let scripts = Scripts::translate(&mut tree, "shop").unwrap();
        assert_eq!((scripts.shell_needed(false), scripts.reasons.len()), (Some(Shell::WithPrograms), 2));
    }

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::new();
        for (path, text) in files {
            let content = Content::Bytes(text.as_bytes().into());
            tree.add(TreePath::new(*path).unwrap(), Node::File { mode: 0o755, content }).unwrap();
        }
        tree
    }

    #[test]
    fn a_phoenix_release_needs_no_shell() {
        let mut tree = tree(&[
            ("bin/shop", "\u{7f}ELF"),
            ("bin/server", "#!/bin/sh\nset -eu\n\nPHX_SERVER=true exec ./shop start\n"),
            ("bin/migrate", "#!/bin/sh\nexec ./shop eval Shop.Release.migrate\n"),
            ("bin/server.bat", "@echo off"),
            ("releases/1.0.0/env.sh", "#!/bin/sh\n# comment\n"),
        ]);
        let scripts = Scripts::translate(&mut tree, "shop").unwrap();
        assert_eq!(scripts.shell_needed(false), None);
        assert!(scripts.has("server"));
        let commands = TreePath::new(COMMANDS).unwrap();
        let Some(Node::File { content: Content::Bytes(bytes), .. }) = tree.get(&commands) else { panic!() };
        let expected = "migrate\t--\teval\tShop.Release.migrate\nserver\tPHX_SERVER=true\t--\tstart\n";
        assert_eq!(std::str::from_utf8(bytes).unwrap(), expected);
        let server = TreePath::new("bin/server").unwrap();
        assert_eq!(tree.get(&server), Some(&Node::Link { target: "shop".to_owned() }));
    }

    #[test]
    fn a_command_that_is_not_there_is_refused() {
        let scripts = |files| Scripts::translate(&mut tree(files), "shop").unwrap();
        let some = scripts(&[("bin/shop", "\u{7f}ELF"), ("bin/server", "#!/bin/sh\nexec ./shop start\n")]);
        for right in ["server", "start", "eval Shop.seed", " server "] {
            some.check(&right.parse().unwrap()).unwrap();
        }
        for wrong in ["sever", "shop", "server.bat", "daemon"] {
            let message = some.check(&wrong.parse().unwrap()).unwrap_err().to_string();
            assert!(message.starts_with(&format!("--command is `{wrong}`, and ")), "{message}");
            assert!(message.contains("\nhint: it can run start, start_iex, "), "{message}");
            assert!(message.ends_with(", help; and what is in the release's bin: server"), "{message}");
        }
        let message = scripts(&[]).check(&"server".parse().unwrap()).unwrap_err().to_string();
        assert!(message.ends_with(", version, help"), "{message}");
    }

    #[test]
    fn what_runs_a_script_is_in_its_first_line() {
        let mut tree = tree(&[
            (
                "bin/entrypoint.sh",
                "#! /bin/bash -e\nbin/shop eval Shop.Release.migrate\nexec bin/shop start\n",
            ),
            ("bin/server", "#!/bin/bash\nexec ./shop start\n"),
        ]);
        let scripts = Scripts::translate(&mut tree, "shop").unwrap();
        let interpreters: Vec<_> =
            scripts.interpreters.iter().map(|it| (it.script.as_str(), it.line.as_str())).collect();
        assert_eq!(interpreters[0], ("bin/entrypoint.sh", "/bin/bash -e"));
        assert_eq!(scripts.commands, ["entrypoint.sh", "server"]);
    }

    #[test]
    fn what_needs_a_shell_gets_one() {
        let reasons = |files: &[(&str, &str)]| {
            let scripts = Scripts::translate(&mut tree(files), "shop").unwrap();
            (scripts.shell_needed(false), scripts.reasons.len())
        };
        assert_eq!(reasons(&[("releases/1/env.sh", "export A=1")]), (Some(Shell::Plain), 1));
        assert_eq!(reasons(&[("bin/backup", "#!/bin/sh\npg_dump\n")]), (Some(Shell::WithPrograms), 1));
        let os_mon = [("lib/os_mon-2.8/ebin/a.beam", ""), ("lib/os_mon-2.8/ebin/b.beam", "")];
        assert_eq!(reasons(&os_mon), (Some(Shell::WithPrograms), 1));
        let long = "# comment\n".repeat(LONGEST);
        assert_eq!(reasons(&[("releases/1/env.sh", long.as_str())]), (Some(Shell::Plain), 1));
        assert_eq!(
            reasons(&[("bin/backup", format!("#!/bin/sh\n{long}").as_str())]),
            (Some(Shell::WithPrograms), 1)
        );
        assert_eq!(reasons(&[("bin/tool", "\u{7f}ELF")]), (None, 0));
    }

    /// The paths of scripts hold names and versions that a project chooses.
    #[test]
    fn a_path_that_contains_os_mon_is_not_os_mon() {
        let mut tree = tree(&[
            ("bin/os_mon", "#!/bin/sh\npg_dump\n"),
            ("lib/os_mon-2.8/ebin/a.beam", ""),
            ("releases/1+os_mon/env.sh", "export A=1"),
        ]);
        let scripts = Scripts::translate(&mut tree, "shop").unwrap();
        let reasons: Vec<String> = scripts.reasons.iter().map(ToString::to_string).collect();
        let expected = [
            "`bin/os_mon` is a script",
            "`os_mon` runs shell commands",
            "`releases/1+os_mon/env.sh` holds shell code",
        ];
        assert_eq!(reasons, expected);
    }
}
