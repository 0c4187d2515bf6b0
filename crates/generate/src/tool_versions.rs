//! `.tool-versions`, in which asdf and mise pin versions: `elixir 1.18.3-otp-27`, `erlang 27.2.1`.

use crate::project::Project;

impl Project {
    /// Takes the versions of Elixir and OTP from the text of the file, as far as it names any. What is not a number (`ref:main`,
    /// `system`) names none, since there is no image of it.
    pub fn pin_versions(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let (tool, version) = (words.next(), words.next());
            let Some(version) = version.filter(|version| is_version(version)) else { continue };
            match tool {
                Some("elixir") => {
                    let (elixir, otp) = version.split_once("-otp-").unwrap_or((version, ""));
                    elixir.clone_into(&mut self.elixir);
                    if !otp.is_empty() {
                        otp.clone_into(&mut self.otp);
                    }
                }
                Some("erlang") => version.split('.').next().unwrap_or_default().clone_into(&mut self.otp),
                _ => continue,
            }
            ".tool-versions".clone_into(&mut self.versions_from);
        }
    }
}

/// Whether this can be a part of an image's tag.
fn is_version(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_digit()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_from_tool_versions() {
        let versions = |text: &str| {
            let mut project = Project { elixir: "1.14.0".into(), otp: "25".into(), ..Project::default() };
            project.pin_versions(text);
            (project.elixir, project.otp)
        };
        let pair = |elixir: &str, otp: &str| (elixir.to_owned(), otp.to_owned());
        assert_eq!(versions("erlang 27.2.1\nelixir 1.18.3-otp-27\nnodejs 20"), pair("1.18.3", "27"));
        assert_eq!(versions("elixir 1.17.0 # comment"), pair("1.17.0", "25"));
        assert_eq!(versions("# elixir 1.17.0\nelixir ref:main\nerlang system"), pair("1.14.0", "25"));
        assert_eq!(versions("elixir 1.17.0;touch\nerlang 27$X"), pair("1.14.0", "25"));
    }
}
