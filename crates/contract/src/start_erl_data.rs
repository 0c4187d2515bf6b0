use std::fmt;

/// What `releases/start_erl.data` says: which runtime a release needs, and which of its versions is started (`start_erl` of
/// OTP's embedded systems; Mix writes it too).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartErlData {
    /// The version of ERTS.
    pub erts_version: String,
    /// The version of the release.
    pub version: String,
}

impl StartErlData {
    /// Reads two words; none where there are fewer.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        Some(Self { erts_version: words.next()?.to_owned(), version: words.next()?.to_owned() })
    }
}

impl fmt::Display for StartErlData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.erts_version, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let data = StartErlData { erts_version: "13.1.5".to_owned(), version: "0.1.0+a".to_owned() };
        assert_eq!(StartErlData::parse(&data.to_string()), Some(data.clone()));
        // As tools write it that end lines.
        assert_eq!(StartErlData::parse("13.1.5 0.1.0+a\n"), Some(data));
        assert_eq!(StartErlData::parse("13.1.5\n"), None);
    }
}
