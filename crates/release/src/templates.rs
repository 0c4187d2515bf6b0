//! The files that a project may have a template for, as they are when it has none.
//!
//! Each is a template itself: `beamship init` puts it into the project as it is, and a release without that template gets
//! it with its only placeholder filled. So what a project starts from is what it would have got.

/// A template: the name of its file below `rel/`, and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Name of the file in the project: that in the release and `.eex`.
    pub file: &'static str,
    /// EEx source.
    pub text: &'static str,
}

/// All of them, in the order in which `mix release.init` writes them.
pub const TEMPLATES: [Template; 4] = [
    Template { file: "vm.args.eex", text: include_str!("templates/vm.args.eex") },
    Template { file: "remote.vm.args.eex", text: include_str!("templates/remote.vm.args.eex") },
    Template { file: "env.sh.eex", text: include_str!("templates/env.sh.eex") },
    Template { file: "env.bat.eex", text: include_str!("templates/env.bat.eex") },
];

const NAME: &str = "<%= @release.name %>";

/// The text of a file of the release `release`, when the project has no template for it.
pub(crate) fn default_text(name: &str, release: &str) -> String {
    let template = TEMPLATES.iter().find(|template| template.file.strip_suffix(".eex") == Some(name));
    template.map(|template| template.text.replace(NAME, release)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `embedded` was said to be the default. It is only in `bin/NAME.bat`, which is Mix's own.
    #[test]
    fn the_default_of_release_mode_is_told_as_it_is() {
        let (shell, windows) = (default_text("env.sh", "shop"), default_text("env.bat", "shop"));
        let comment: Vec<&str> = shell.lines().filter_map(|line| line.strip_prefix("# # ")).collect();
        assert!(comment.join(" ").contains("by default what the start uses is loaded first"), "{shell}");
        assert!(!shell.contains("embedded, the default"), "{shell}");
        assert!(windows.contains("(embedded, the default on Windows)"), "{windows}");
    }

    #[test]
    fn the_defaults_have_no_placeholder_left() {
        for Template { file, text } in TEMPLATES {
            let rendered = default_text(file.strip_suffix(".eex").unwrap(), "shop");
            assert!(!rendered.is_empty() && !rendered.contains("<%"), "{file}: {rendered}");
            assert_eq!(rendered.contains("shop"), text.contains(NAME), "{file}");
        }
    }
}
