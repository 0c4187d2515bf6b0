//! The Erlang port mapper: which port does a node listen on? (`erl_dist_protocol.md` of ERTS, "EPMD Protocol".)

use std::net::{IpAddr, SocketAddr};

use crate::deadline::Deadline;
use crate::error::{NodeError, Step};
use crate::wire::Wire;

const PORT_PLEASE2_REQUEST: u8 = 122;
const PORT2_RESPONSE: u8 = 119;

/// The longest answer is a fixed part, a name and extra data of no use to anybody.
const ANSWER_LIMIT: usize = 4096;

/// Asks the EPMD on a host for the port of a node.
pub(crate) fn port_of(name: &str, host: IpAddr, epmd: u16, deadline: Deadline) -> Result<u16, NodeError> {
    let address = SocketAddr::new(host, epmd);
    let mut wire = Wire::connect(address, deadline, Step::Epmd)
        .map_err(|source| NodeError::NoEpmd { address, source })?;
    wire.send(&request(name)?)?;
    let answer = wire.receive_all(ANSWER_LIMIT, deadline)?;
    parse_answer(&answer)?.ok_or_else(|| NodeError::NotRegistered { address, name: name.to_owned() })
}

fn request(name: &str) -> Result<Vec<u8>, NodeError> {
    let length = u16::try_from(name.len() + 1)
        .map_err(|_| NodeError::Protocol { step: Step::Epmd, what: "the name of the node is too long" })?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.push(PORT_PLEASE2_REQUEST);
    bytes.extend(name.as_bytes());
    Ok(bytes)
}

/// The port in an answer; `None` when the node is not registered.
///
/// # Errors
///
/// When this is not an answer of an EPMD.
pub fn parse_answer(answer: &[u8]) -> Result<Option<u16>, NodeError> {
    match answer {
        [PORT2_RESPONSE, 0, high, low, ..] => Ok(Some(u16::from_be_bytes([*high, *low]))),
        [PORT2_RESPONSE, _failure @ 1..=255, ..] => Ok(None),
        [] => Err(NodeError::Closed(Step::Epmd)),
        _ => Err(NodeError::Protocol { step: Step::Epmd, what: "the answer is not one of EPMD" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_its_length_in_front() {
        assert_eq!(request("demo").unwrap(), b"\0\x05\x7ademo");
    }

    #[test]
    fn answers_are_a_port_or_none() {
        assert_eq!(parse_answer(b"\x77\0\x12\x34M\0\0\x06\0\x05\0\x04demo\0\0").unwrap(), Some(0x1234));
        assert_eq!(parse_answer(b"\x77\x01").unwrap(), None);
        for broken in [&b""[..], b"\x77", b"\x77\0\x12", b"HTTP/1.1 400"] {
            assert!(parse_answer(broken).is_err(), "{broken:?}");
        }
    }
}
