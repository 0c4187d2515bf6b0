//! What the arguments of the virtual machine say about the node's distribution.
//!
//! Projects write them in `vm.args` and `remote.vm.args`, which erlexec reads, and in variables. Who talks to the node
//! without a virtual machine has to know the few that decide how the node is reached.

use std::path::Path;

use crate::environment::{Environment, env_var};

/// Files that include files that include files: erlexec has no limit, and a file that includes itself would never end.
pub(crate) const DEEPEST_INCLUDE: usize = 8;

/// Arguments that matter for reaching a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DistributionArguments {
    /// `-proto_dist`: `inet_tcp` when nothing is said.
    pub(crate) protocol: Option<String>,
    /// `-erl_epmd_port`, or kernel's `erl_epmd_node_listen_port`: the node listens there, and EPMD is not asked.
    pub(crate) port: Option<u16>,
    /// Whether an interface to listen on is named.
    pub(crate) names_interface: bool,
}

impl DistributionArguments {
    /// From everything that a control command of Mix's script would hand to its virtual machine, completed by what the
    /// system itself was started with.
    pub(crate) fn for_control(environment: &Environment) -> Self {
        let arguments = Self::from_sources(&argument_sources(environment, "RELEASE_REMOTE_VM_ARGS"));
        let system = Self::for_start(environment);
        Self {
            protocol: arguments.protocol.or(system.protocol),
            port: arguments.port.or(system.port),
            names_interface: system.names_interface,
        }
    }

    /// From everything that the system is started with.
    pub(crate) fn for_start(environment: &Environment) -> Self {
        Self::from_sources(&start_arguments(environment))
    }

    fn from_sources(sources: &[Vec<String>]) -> Self {
        let mut arguments = Self::default();
        for words in sources {
            arguments.add(words);
        }
        arguments
    }

    pub(crate) fn add(&mut self, words: &[String]) {
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "-proto_dist" => self.protocol = rest.next().cloned(),
                "-erl_epmd_port" => self.port = rest.next().and_then(|port| port.parse().ok()),
                "-kernel" => self.add_kernel_variables(&mut rest),
                _ => {}
            }
        }
    }

    /// `-kernel NAME VALUE NAME VALUE…`, up to the next flag.
    fn add_kernel_variables(&mut self, rest: &mut std::slice::Iter<'_, String>) {
        while let [name, value, ..] = rest.as_slice()
            && !name.starts_with('-')
        {
            match name.as_str() {
                "erl_epmd_node_listen_port" => self.port = value.parse().ok(),
                "inet_dist_use_interface" => self.names_interface = true,
                _ => {}
            }
            rest.next();
            rest.next();
        }
    }
}

/// Whether the system is started with a flag that begins like this, wherever it is written.
pub(crate) fn has_flag(environment: &Environment, flag: &str) -> bool {
    has_word(environment, |word| word.starts_with(flag))
}

/// Whether the system is started with a word that is such a one, wherever it is written.
pub(crate) fn has_word(environment: &Environment, is_one: impl Fn(&str) -> bool) -> bool {
    start_arguments(environment).iter().flatten().any(|word| is_one(word))
}

/// The value that `-env NAME VALUE` gives to a variable of the virtual machine, wherever it is written. The last one wins.
pub(crate) fn variable(environment: &Environment, name: &str) -> Option<String> {
    start_arguments(environment).iter().filter_map(|words| variable_in(words, name)).next_back()
}

/// What the system is started with: [`argument_sources`] with its `vm.args`.
fn start_arguments(environment: &Environment) -> Vec<Vec<String>> {
    argument_sources(environment, "RELEASE_VM_ARGS")
}

/// The words of every source of arguments, in the order in which they count (`erlexec.c`): variables, and the file that
/// the variable `file` names, with the files that these include in the place of their `-args_file`.
fn argument_sources(environment: &Environment, file: &str) -> Vec<Vec<String>> {
    let variable = |name| expanded(&words(&env_var(name).unwrap_or_default().to_string_lossy()), 0);
    vec![
        variable("ERL_AFLAGS"),
        variable("ELIXIR_ERL_OPTIONS"),
        file_words(&environment.path(file), 0),
        variable("ERL_FLAGS"),
        variable("ERL_ZFLAGS"),
    ]
}

/// The words without what `-extra` leaves to the program, and with those of included files. `depth` is the number of
/// files that this is included by.
pub(crate) fn expanded(words: &[String], depth: usize) -> Vec<String> {
    let mut expanded = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-extra" => break,
            "-args_file" if depth < DEEPEST_INCLUDE => {
                if let Some(path) = rest.next() {
                    expanded.append(&mut file_words(Path::new(path), depth + 1));
                }
            }
            _ => expanded.push(word.clone()),
        }
    }
    expanded
}

/// A file that cannot be read says nothing: the virtual machine reports it.
fn file_words(path: &Path, depth: usize) -> Vec<String> {
    let text = std::fs::read(path).unwrap_or_default();
    expanded(&words(&String::from_utf8_lossy(&text)), depth)
}

pub(crate) fn variable_in(words: &[String], name: &str) -> Option<String> {
    let found =
        words.windows(3).rfind(|words| matches!(words, [flag, given, _] if flag == "-env" && given == name));
    found.and_then(|words| words.last().cloned())
}

/// Splits arguments as erlexec does in an `-args_file`: at white space, with `#` comments, quotes and backslashes.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '#' if word.is_none() => {
                characters.by_ref().find(|character| *character == '\n');
            }
            '\\' => {
                // A line may go on in the next one.
                if let Some(escaped) = characters.next().filter(|character| *character != '\n') {
                    word.get_or_insert_default().push(escaped);
                }
            }
            quote @ ('\'' | '"') => {
                let word = word.get_or_insert_default();
                while let Some(character) = characters.next().filter(|character| *character != quote) {
                    match character {
                        '\\' if quote == '"' => word.extend(characters.next()),
                        other => word.push(other),
                    }
                }
            }
            space if space.is_ascii_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> DistributionArguments {
        let mut arguments = DistributionArguments::default();
        arguments.add(&expanded(&words(text), 0));
        arguments
    }

    #[test]
    fn words_are_those_of_erlexec() {
        assert_eq!(
            words("-a b # comment -c\n'quoted # word' \"dq \\\" x\" back\\ slash e'm'pty ''\n"),
            ["-a", "b", "quoted # word", "dq \" x", "back slash", "empty", ""]
        );
        assert_eq!(words("# only\n  "), Vec::<String>::new());
        assert_eq!(words("'unfinished"), ["unfinished"]);
    }

    #[test]
    fn what_mix_suggests_for_a_system_without_epmd_is_understood() {
        let text = "## Disable EPMD\n-start_epmd false\n-erl_epmd_port 6789\n-dist_listen false\n";
        assert_eq!(of(text).port, Some(6789));
    }

    #[test]
    fn the_last_value_of_a_variable_counts() {
        let words = words("-env A 1 -env B 2 +S 1 -env A '3 4' -env");
        assert_eq!(variable_in(&words, "A").as_deref(), Some("3 4"));
        assert_eq!(variable_in(&words, "C"), None);
    }

    /// A `+Q` in an included file was not seen, and the limit of open files was lowered below it.
    #[test]
    fn included_files_count_in_their_place() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let inner = write("inner.args", "+Q 65536 -env A 2 -proto_dist inet6_tcp -extra +S 1\n");
        let middle = write("middle.args", &format!("-args_file {}\n+fnu\n", inner.display()));
        let text = format!("-env A 1 -args_file {} -start_epmd false\n", middle.display());
        let mut environment = Environment::default();
        environment.set("RELEASE_VM_ARGS", write("vm.args", &text));
        for flag in ["+Q", "+fnu", "-start_epmd"] {
            assert!(has_flag(&environment, flag), "{flag}");
        }
        // It is an argument of the program.
        assert!(!has_flag(&environment, "+S"));
        assert_eq!(variable(&environment, "A").as_deref(), Some("2"));
        assert_eq!(DistributionArguments::for_start(&environment).protocol.as_deref(), Some("inet6_tcp"));
        // It ends, although the files do not.
        let endless = directory.path().join("endless.args");
        std::fs::write(&endless, format!("+Q 1 -args_file {}", endless.display())).unwrap();
        assert_eq!(file_words(&endless, 0).iter().filter(|word| *word == "+Q").count(), DEEPEST_INCLUDE + 1);
    }

    #[test]
    fn flags_and_variables_of_kernel_count() {
        let text = "+S 2 -kernel shell_history enabled erl_epmd_node_listen_port 4711 -proto_dist inet6_tcp \
                    -kernel inet_dist_use_interface {127,0,0,1} -extra -proto_dist other";
        assert_eq!(
            of(text),
            DistributionArguments {
                protocol: Some("inet6_tcp".to_owned()),
                port: Some(4711),
                names_interface: true
            }
        );
    }
}
