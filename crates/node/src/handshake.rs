//! The handshake: both sides prove that they know the cookie (`erl_dist_protocol.md` of ERTS, "Distribution Handshake",
//! version 6).
//!
//! This side asks to be given a name (NAME_ME). The node takes such names from a pool and returns them to it, so a
//! million connections make no more atoms on it than the largest number of them at one time.

use crate::capability;
use crate::cookie::Cookie;
use crate::deadline::Deadline;
use crate::error::{NodeError, Step};
use crate::wire::Wire;

/// Messages of the handshake are short.
const MESSAGE_LIMIT: u16 = 2048;

/// What the handshake tells about both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The node's own name.
    pub(crate) node: String,
    /// The number that tells it from earlier nodes of its name.
    pub(crate) creation: u32,
    /// The name that it has given us.
    pub(crate) our_name: String,
    /// The number that goes with our name.
    pub(crate) our_creation: u32,
}

/// The node's answer to our name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// We are called so.
    Named {
        /// Our whole name.
        name: String,
        /// Its incarnation.
        creation: u32,
    },
    /// Anything else.
    Other(String),
}

/// The node's challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What the node can do.
    pub capabilities: u64,
    /// The number to be proved.
    pub challenge: u32,
    /// The number that tells the node from earlier ones of its name.
    pub creation: u32,
    /// The node's name.
    pub node: String,
}

/// Goes through the handshake as the side that connects. `host` becomes the host part of our name.
pub(crate) fn perform(
    wire: &mut Wire,
    host: &str,
    cookie: &Cookie,
    deadline: Deadline,
) -> Result<Peer, NodeError> {
    wire.send(&name_message(host)?)?;
    let (our_name, our_creation) = match parse_status(&receive(wire, deadline)?)? {
        Status::Named { name, creation } => (name, creation),
        Status::Other(status) if status == "ok" || status == "ok_simultaneous" => {
            return Err(NodeError::TooOld);
        }
        Status::Other(status) => return Err(NodeError::Refused(status)),
    };
    let challenge = parse_challenge(&receive(wire, deadline)?)?;
    if challenge.capabilities & capability::REQUIRED != capability::REQUIRED {
        return Err(NodeError::TooOld);
    }
    let ours = getrandom::u32()
        .map_err(|error| NodeError::Connection { step: Step::Handshake, source: error.into() })?;
    wire.send(&reply_message(ours, cookie.digest(challenge.challenge)))?;
    // A node that does not accept the proof closes the connection without a word.
    let acknowledgement = receive(wire, deadline).map_err(|error| match error {
        NodeError::Closed(_) => NodeError::Cookie,
        error => error,
    })?;
    if !is_acknowledgement(&acknowledgement, &cookie.digest(ours)) {
        return Err(NodeError::Cookie);
    }
    Ok(Peer { node: challenge.node, creation: challenge.creation, our_name, our_creation })
}

fn receive(wire: &mut Wire, deadline: Deadline) -> Result<Vec<u8>, NodeError> {
    let length = u16::from_be_bytes(wire.receive(deadline)?);
    if length > MESSAGE_LIMIT {
        return Err(broken("a message of the handshake is too long"));
    }
    wire.receive_many(usize::from(length), deadline)
}

fn broken(what: &'static str) -> NodeError {
    NodeError::Protocol { step: Step::Handshake, what }
}

/// `message`, with its length in front.
fn framed(message: &[u8]) -> Result<Vec<u8>, NodeError> {
    let length = u16::try_from(message.len()).map_err(|_| broken("the host's name is too long"))?;
    Ok([&length.to_be_bytes(), message].concat())
}

/// `N`: capabilities, creation 0 and, since we ask for a name, only its host part.
fn name_message(host: &str) -> Result<Vec<u8>, NodeError> {
    let mut message = vec![b'N'];
    message.extend(capability::ANNOUNCED.to_be_bytes());
    message.extend(0_u32.to_be_bytes());
    let length = u16::try_from(host.len()).map_err(|_| broken("the host's name is too long"))?;
    message.extend(length.to_be_bytes());
    message.extend(host.as_bytes());
    framed(&message)
}

/// `r`: our own challenge, and the proof for the node's.
fn reply_message(challenge: u32, digest: [u8; 16]) -> Vec<u8> {
    let mut message = vec![0, 21, b'r'];
    message.extend(challenge.to_be_bytes());
    message.extend(digest);
    message
}

/// Reads `s`, the answer to a name.
///
/// # Errors
///
/// When the bytes are something else.
pub fn parse_status(message: &[u8]) -> Result<Status, NodeError> {
    let unknown = || broken("an answer to our name was expected");
    let status = message.strip_prefix(b"s").ok_or_else(unknown)?;
    let Some(named) = status.strip_prefix(b"named:") else {
        return Ok(Status::Other(text(status.get(..status.len().min(40)).unwrap_or_default())));
    };
    let (length, rest) = named.split_first_chunk().ok_or_else(unknown)?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(unknown)?;
    let creation = rest.first_chunk().ok_or_else(unknown)?;
    Ok(Status::Named { name: node_name(name)?, creation: u32::from_be_bytes(*creation) })
}

/// Reads `N`, the node's challenge.
///
/// # Errors
///
/// When the bytes are something else.
pub fn parse_challenge(message: &[u8]) -> Result<Challenge, NodeError> {
    let unknown = || broken("a challenge was expected");
    let rest = message.strip_prefix(b"N").ok_or_else(unknown)?;
    let (capabilities, rest) = rest.split_first_chunk().ok_or_else(unknown)?;
    let (challenge, rest) = rest.split_first_chunk().ok_or_else(unknown)?;
    let (creation, rest) = rest.split_first_chunk().ok_or_else(unknown)?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(unknown)?;
    let name = rest.get(..usize::from(u16::from_be_bytes(*length))).ok_or_else(unknown)?;
    Ok(Challenge {
        capabilities: u64::from_be_bytes(*capabilities),
        challenge: u32::from_be_bytes(*challenge),
        creation: u32::from_be_bytes(*creation),
        node: node_name(name)?,
    })
}

/// Whether `message` is `a` and the proof for our challenge.
fn is_acknowledgement(message: &[u8], digest: &[u8; 16]) -> bool {
    message.strip_prefix(b"a") == Some(digest)
}

/// A name that can become an atom.
fn node_name(bytes: &[u8]) -> Result<String, NodeError> {
    let name = std::str::from_utf8(bytes).map_err(|_| broken("the name of a node is not UTF-8"))?;
    if name.chars().count() > 255 {
        return Err(broken("the name of a node is too long"));
    }
    Ok(name.to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_node_gives_us_a_name() {
        let message = b"snamed:\0\x0eABC@127.0.0.1X\0\0\0\x07";
        assert_eq!(
            parse_status(message).unwrap(),
            Status::Named { name: "ABC@127.0.0.1X".to_owned(), creation: 7 }
        );
        assert_eq!(parse_status(b"snot_allowed").unwrap(), Status::Other("not_allowed".to_owned()));
        assert!(parse_status(b"snamed:\0\x0eABC").is_err());
        assert!(parse_status(b"").is_err());
    }

    #[test]
    fn a_challenge_may_have_more_behind_its_name() {
        let message = b"N\0\0\0\x0d\x07\xdf\x7f\xbc\0\0\0\x09\0\0\0\x01\0\x03a@bfuture";
        let challenge = parse_challenge(message).unwrap();
        assert_eq!((challenge.capabilities, challenge.challenge), (0xd_07df_7fbc, 9));
        assert_eq!(challenge.node, "a@b");
        assert!(parse_challenge(&message[..20]).is_err());
    }

    #[test]
    fn the_name_message_is_the_one_of_version_6() {
        let message = name_message("localhost").unwrap();
        assert_eq!(message[..3], [0, 24, b'N']);
        assert_eq!(message[3..11], capability::ANNOUNCED.to_be_bytes());
        assert_eq!(message[11..], *b"\0\0\0\0\0\x09localhost");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in any::<Vec<u8>>()) {
            let _ = (parse_status(&bytes), parse_challenge(&bytes));
            let _ = (parse_status(&[b"snamed:", &bytes[..]].concat()), parse_challenge(&[b"N", &bytes[..]].concat()));
        }
    }
}
