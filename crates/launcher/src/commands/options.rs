//! Options of the control commands.

use std::ffi::OsString;
use std::time::Duration;

use crate::failure::Failure;

/// What may follow the name of a control command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// `--wait [SECONDS]`.
    pub(super) wait: Option<Duration>,
    /// `--json`.
    pub(super) json: bool,
}

impl Options {
    /// Reads them. `allowed` are those that the command has; `default_wait` is what `--wait` means without a number,
    /// for commands where it may stand alone.
    pub(super) fn parse(
        command: &str,
        arguments: &[OsString],
        allowed: &[&str],
        default_wait: Option<Duration>,
    ) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut rest = arguments.iter().map(|argument| argument.to_string_lossy()).peekable();
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (&*argument, None),
            };
            match name {
                "--json" if allowed.contains(&name) && value.is_none() => options.json = true,
                "--wait" if allowed.contains(&name) => {
                    let value = value.or_else(|| rest.next_if(|next| !next.starts_with('-')).map(Into::into));
                    options.wait = Some(match (value, default_wait) {
                        (Some(value), _) => seconds(&value)?,
                        (None, Some(default)) => default,
                        (None, None) => {
                            return Err(Failure::new(format!(
                                "{command} --wait expects a number of seconds"
                            )));
                        }
                    });
                }
                _ => {
                    let known = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                    return Err(Failure::new(format!("`{command}` has no argument `{argument}`"))
                        .hint(format!("its options: {known}")));
                }
            }
        }
        Ok(options)
    }
}

fn seconds(text: &str) -> Result<Duration, Failure> {
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| Failure::new(format!("`{text}` is not a number of seconds")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str], default_wait: Option<u64>) -> Option<Options> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        Options::parse("x", &arguments, &["--wait", "--json"], default_wait.map(Duration::from_secs)).ok()
    }

    #[test]
    fn waiting_takes_seconds() {
        let wait = |arguments: &[&str], default| parsed(arguments, default).map(|options| options.wait);
        assert_eq!(wait(&[], None), Some(None));
        assert_eq!(wait(&["--wait", "1.5"], None), Some(Some(Duration::from_millis(1500))));
        assert_eq!(wait(&["--wait=3"], None), Some(Some(Duration::from_secs(3))));
        assert_eq!(wait(&["--wait", "--json"], Some(60)), Some(Some(Duration::from_secs(60))));
        for wrong in [&["--wait"][..], &["--wait", "soon"], &["--wait=-1"], &["--wait=NaN"]] {
            assert_eq!(wait(wrong, None), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_refused() {
        assert_eq!(parsed(&["--json=1"], None), None);
        assert_eq!(parsed(&["--quick"], None), None);
        assert_eq!(parsed(&["x"], None), None);
    }
}
