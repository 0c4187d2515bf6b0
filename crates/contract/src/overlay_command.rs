/// What `bin/server` or `bin/migrate` of a project does, when it sets variables, runs the release with arguments, and does
/// nothing else. In an image without a shell such a command is a link to the launcher, which finds in `releases/COMMANDS`
/// what it means by that name.
///
/// A line has fields between tabs: the name, `VARIABLE=value`…, `--`, arguments…, and `$@` where the arguments follow that are
/// given to the command. No field may hold a tab or the end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayCommand {
    /// Variables that it sets.
    pub variables: Vec<(String, String)>,
    /// Arguments for the release's own command.
    pub arguments: Vec<String>,
    /// Whether its own arguments follow these.
    pub passes_arguments: bool,
}

/// Between variables and arguments.
const SEPARATOR: &str = "--";

/// Where the command's own arguments follow.
const ALL_ARGUMENTS: &str = "$@";

impl OverlayCommand {
    /// Its line under a name.
    pub fn line(&self, name: &str) -> String {
        let mut fields = vec![name.to_owned()];
        fields.extend(self.variables.iter().map(|(variable, value)| format!("{variable}={value}")));
        fields.push(SEPARATOR.to_owned());
        fields.extend(self.arguments.iter().cloned());
        if self.passes_arguments {
            fields.push(ALL_ARGUMENTS.to_owned());
        }
        format!("{}\n", fields.join("\t"))
    }

    /// The command of this name among lines; none where there is none, or its line is damaged.
    pub fn find(lines: &str, name: &str) -> Option<Self> {
        let line = lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'))?;
        let fields: Vec<&str> = line.split('\t').collect();
        let end = fields.iter().position(|field| *field == SEPARATOR)?;
        let variables = fields[..end].iter().filter_map(|field| field.split_once('='));
        let mut arguments = &fields[end + 1..];
        let passes_arguments = arguments.last() == Some(&ALL_ARGUMENTS);
        if passes_arguments {
            arguments = &arguments[..arguments.len() - 1];
        }
        Some(Self {
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            passes_arguments,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(variables: &[(&str, &str)], arguments: &[&str], passes_arguments: bool) -> OverlayCommand {
        OverlayCommand {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            passes_arguments,
        }
    }

    #[test]
    fn what_is_written_is_found() {
        let commands = [
            ("migrate", command(&[], &["eval", "Shop.Release.migrate"], false)),
            ("server", command(&[("PHX_SERVER", "true"), ("A", "b=c d")], &["start"], false)),
            ("migrate2", command(&[], &["eval", "a b", ""], true)),
        ];
        let lines: String = commands.iter().map(|(name, command)| command.line(name)).collect();
        assert!(lines.starts_with(
            "migrate\t--\teval\tShop.Release.migrate\nserver\tPHX_SERVER=true\tA=b=c d\t--\tstart\n"
        ));
        for (name, command) in commands {
            assert_eq!(OverlayCommand::find(&lines, name), Some(command));
        }
        assert_eq!(OverlayCommand::find(&lines, "mig"), None);
        assert_eq!(OverlayCommand::find("x\tno separator\n", "x"), None);
    }
}
