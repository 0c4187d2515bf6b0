//! What an output of a build was made from.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

/// The one input that an output was made from, and how. Where an output depends on more than that, it has no origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Pair", into = "Pair")]
pub struct Origin {
    /// The file it was made from.
    pub source: Utf8PathBuf,
    /// What was done to it: copied, stripped, and with which options. Only compared, never interpreted.
    pub transformation: String,
}

/// An origin in a record, which has thousands of them.
type Pair = (Utf8PathBuf, String);

impl From<Pair> for Origin {
    fn from((source, transformation): Pair) -> Self {
        Self { source, transformation }
    }
}

impl From<Origin> for Pair {
    fn from(origin: Origin) -> Self {
        (origin.source, origin.transformation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of earlier builds stay readable.
    #[test]
    fn an_origin_is_kept_as_a_pair() {
        let origin = Origin { source: "/otp/lists.beam".into(), transformation: "copied".to_owned() };
        let text = serde_json::to_string(&origin).unwrap();
        assert_eq!(text, r#"["/otp/lists.beam","copied"]"#);
        assert_eq!(serde_json::from_str::<Origin>(&text).unwrap(), origin);
    }
}
