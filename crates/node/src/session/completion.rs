//! Completion: how could the line that is being typed go on?

use etf::Term;

use super::Session;
use crate::connection::Reply;
use crate::error::NodeError;

impl Session<'_> {
    /// Asks the node how a line could go on. The function gets the line backwards.
    pub(super) fn complete(&mut self, text: &str) -> Result<(), NodeError> {
        let backwards = Term::string(&text.chars().rev().collect::<String>());
        let own = self.shell.as_ref().and_then(|shell| Some((shell.completion?, shell.process.clone())));
        let call = match (own, self.expand_fun.clone()) {
            (Some(((module, function), process)), _) => (module, function, vec![backwards, process]),
            (None, Some(expand_fun)) => ("erlang", "apply", vec![expand_fun, Term::List(vec![backwards])]),
            (None, None) => return self.device.completed("", &[]).map_err(NodeError::Output),
        };
        self.completion = Some(self.connection.start_call(call.0, call.1, call.2)?);
        Ok(())
    }

    /// Hands the answer to the device: `{yes | no, Expansion, Matches}`.
    pub(super) fn completed(&mut self, reply: &Reply) -> Result<(), NodeError> {
        self.completion = None;
        let answer = reply.value();
        let (expansion, matches) = match answer.as_ref().and_then(Term::as_tuple) {
            Some([_, expansion, matches, ..]) => {
                (expansion.to_text().unwrap_or_default(), match_texts(matches))
            }
            _ => (String::new(), Vec::new()),
        };
        self.device.completed(&expansion, &matches).map_err(NodeError::Output)
    }
}

/// The texts among the matches of a completion: strings, `{String, _}`, or in OTP 26 and newer maps of groups of these.
fn match_texts(matches: &Term) -> Vec<String> {
    let text = |element: &Term| match element {
        Term::Map(_) => element.map_value("elems").map(match_texts).unwrap_or_default(),
        Term::Tuple(fields) => fields.first().and_then(Term::to_text).into_iter().collect(),
        other => other.to_text().into_iter().collect(),
    };
    matches.as_list().unwrap_or_default().iter().flat_map(text).collect()
}
