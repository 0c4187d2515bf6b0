//! What connected nodes tell each other (`erl_dist_protocol.md` of ERTS, "Protocol between Connected Nodes"), without
//! distribution headers: a byte, a control tuple, and for some a payload.

use etf::{Atom, AtomEncoding, DecodeError, EncodeError, RawTerm, Term};

/// The byte in front of every message.
const PASS_THROUGH: u8 = 112;
/// The byte in front of every term.
const VERSION: u8 = 131;

const LINK: i64 = 1;
const SEND: i64 = 2;
const EXIT: i64 = 3;
const REG_SEND: i64 = 6;
const EXIT2: i64 = 8;
const MONITOR_P_EXIT: i64 = 21;
const SEND_SENDER: i64 = 22;
const PAYLOAD_EXIT: i64 = 24;
const PAYLOAD_EXIT2: i64 = 26;
const PAYLOAD_MONITOR_P_EXIT: i64 = 28;
const SPAWN_REQUEST: i64 = 29;
const SPAWN_REPLY: i64 = 31;
const UNLINK_ID: i64 = 35;
const UNLINK_ID_ACK: i64 = 36;
/// The same with the token of a trace (`seq_trace`) behind the fields that stand before the payload.
const SEND_TT: i64 = 12;
const EXIT_TT: i64 = 13;
const REG_SEND_TT: i64 = 16;
const EXIT2_TT: i64 = 18;
const SEND_SENDER_TT: i64 = 23;
const PAYLOAD_EXIT_TT: i64 = 25;
const PAYLOAD_EXIT2_TT: i64 = 27;
const SPAWN_REQUEST_TT: i64 = 30;
const SPAWN_REPLY_TT: i64 = 32;

/// A message from the node, as far as it concerns a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// An empty frame: the node wants to know whether this side is alive.
    Tick,
    /// A message to a process of ours.
    Sent {
        /// The process.
        to: RawTerm<'a>,
        /// The message.
        message: RawTerm<'a>,
    },
    /// A process that is linked to one of ours has ended, or wants ours to end.
    Exit {
        /// The process.
        from: RawTerm<'a>,
        /// Why.
        reason: RawTerm<'a>,
    },
    /// A process that one of ours monitors has ended.
    Down {
        /// The monitor.
        reference: RawTerm<'a>,
        /// Why.
        reason: RawTerm<'a>,
    },
    /// A process was started for us, or not.
    Spawned {
        /// The request.
        reference: RawTerm<'a>,
        /// Its pid, or an atom that says why not.
        result: RawTerm<'a>,
    },
    /// A process removes its link to ours.
    Unlink {
        /// The identifier, to be sent back.
        id: RawTerm<'a>,
        /// The process.
        from: RawTerm<'a>,
        /// Ours.
        to: RawTerm<'a>,
    },
    /// A process is to be started here.
    SpawnRequest {
        /// The request.
        reference: RawTerm<'a>,
        /// The process that asks.
        from: RawTerm<'a>,
    },
    /// Something that a client need not answer.
    Other,
}

/// Reads a frame.
///
/// # Errors
///
/// When it is not a message.
pub fn parse(frame: &[u8]) -> Result<Incoming<'_>, DecodeError> {
    let Some((kind, rest)) = frame.split_first() else { return Ok(Incoming::Tick) };
    if *kind != PASS_THROUGH {
        // A header that we have not announced.
        return Err(unknown(*kind));
    }
    let (control, rest) = versioned(rest)?;
    let payload = || versioned(rest).map(|(payload, _)| payload);
    let Some(fields) = control.tuple() else { return Ok(Incoming::Other) };
    let operation = fields.first().and_then(|field| field.integer());
    Ok(match (operation, &fields[..]) {
        (Some(SEND | SEND_SENDER), [_, _, to])
        | (Some(SEND_TT | SEND_SENDER_TT), [_, _, to, _])
        | (Some(REG_SEND), [_, _, _, to])
        | (Some(REG_SEND_TT), [_, _, _, to, _]) => Incoming::Sent { to: *to, message: payload()? },
        (Some(EXIT | EXIT2), [_, from, _, reason]) | (Some(EXIT_TT | EXIT2_TT), [_, from, _, _, reason]) => {
            Incoming::Exit { from: *from, reason: *reason }
        }
        (Some(PAYLOAD_EXIT | PAYLOAD_EXIT2), [_, from, _])
        | (Some(PAYLOAD_EXIT_TT | PAYLOAD_EXIT2_TT), [_, from, _, _]) => {
            Incoming::Exit { from: *from, reason: payload()? }
        }
        (Some(MONITOR_P_EXIT), [_, _, _, reference, reason]) => {
            Incoming::Down { reference: *reference, reason: *reason }
        }
        (Some(PAYLOAD_MONITOR_P_EXIT), [_, _, _, reference]) => {
            Incoming::Down { reference: *reference, reason: payload()? }
        }
        (Some(SPAWN_REQUEST | SPAWN_REQUEST_TT), [_, reference, from, ..]) => {
            Incoming::SpawnRequest { reference: *reference, from: *from }
        }
        (Some(SPAWN_REPLY), [_, reference, _, _, result])
        | (Some(SPAWN_REPLY_TT), [_, reference, _, _, result, _]) => {
            Incoming::Spawned { reference: *reference, result: *result }
        }
        (Some(UNLINK_ID), [_, id, from, to]) => Incoming::Unlink { id: *id, from: *from, to: *to },
        _ => Incoming::Other,
    })
}

fn versioned(bytes: &[u8]) -> Result<(RawTerm<'_>, &[u8]), DecodeError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => RawTerm::split(rest),
        Some((other, _)) => Err(unknown(*other)),
        None => RawTerm::split(bytes),
    }
}

fn unknown(byte: u8) -> DecodeError {
    DecodeError { offset: 0, problem: etf::DecodeProblem::Version(byte) }
}

/// A message to the node.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// A message from one of our processes to one of its.
    Send {
        /// Ours.
        from: Term,
        /// Its.
        to: Term,
        /// The message.
        message: Term,
    },
    /// Our process is linked to another one.
    Link {
        /// Ours.
        from: Term,
        /// The other one.
        to: Term,
    },
    /// `exit(To, Reason)`.
    Exit2 {
        /// Ours.
        from: Term,
        /// The other one.
        to: Term,
        /// Why.
        reason: Term,
    },
    /// A process is to be started, and monitored.
    Spawn {
        /// Our name for it: the monitor's as well.
        reference: Term,
        /// Ours, which monitors it.
        from: Term,
        /// Its group leader.
        group_leader: Term,
        /// Module and function; the arity is the number of arguments.
        function: (Atom, Atom),
        /// The arguments.
        arguments: Vec<Term>,
    },
    /// The answer to [`Incoming::SpawnRequest`]: nothing is started here.
    SpawnRefused {
        /// The request.
        reference: Term,
        /// The process that asks.
        to: Term,
    },
    /// The answer to [`Incoming::Unlink`].
    UnlinkAcknowledged {
        /// The number that came with it.
        id: Term,
        /// Ours.
        from: Term,
        /// The other one.
        to: Term,
    },
}

impl Outgoing {
    /// The whole frame, length included.
    ///
    /// # Errors
    ///
    /// When a term cannot be encoded.
    pub fn frame(self) -> Result<Vec<u8>, EncodeError> {
        let (control, payload) = self.terms();
        let mut frame = vec![0, 0, 0, 0, PASS_THROUGH];
        for term in [Some(control), payload].into_iter().flatten() {
            frame.push(VERSION);
            etf::encode_without_version(&term, AtomEncoding::Utf8, &mut frame)?;
        }
        let length = frame.len() - 4;
        let length = u32::try_from(length).map_err(|_| EncodeError::TooLarge(length))?;
        if let Some(head) = frame.first_chunk_mut() {
            *head = length.to_be_bytes();
        }
        Ok(frame)
    }

    fn terms(self) -> (Term, Option<Term>) {
        let control =
            |operation, fields: Vec<Term>| Term::Tuple([vec![Term::Integer(operation)], fields].concat());
        match self {
            Self::Send { from, to, message } => (control(SEND_SENDER, vec![from, to]), Some(message)),
            Self::Link { from, to } => (control(LINK, vec![from, to]), None),
            Self::Exit2 { from, to, reason } => (control(PAYLOAD_EXIT2, vec![from, to]), Some(reason)),
            Self::Spawn { reference, from, group_leader, function: (module, function), arguments } => {
                let arity = i64::try_from(arguments.len()).unwrap_or(i64::MAX);
                let called =
                    Term::Tuple(vec![Term::Atom(module), Term::Atom(function), Term::Integer(arity)]);
                let options = Term::List(vec![Term::atom("monitor")]);
                (
                    control(SPAWN_REQUEST, vec![reference, from, group_leader, called, options]),
                    Some(Term::List(arguments)),
                )
            }
            Self::SpawnRefused { reference, to } => {
                (control(SPAWN_REPLY, vec![reference, to, Term::Integer(0), Term::atom("notsup")]), None)
            }
            Self::UnlinkAcknowledged { id, from, to } => (control(UNLINK_ID_ACK, vec![id, from, to]), None),
        }
    }
}

/// An empty frame, by which the peer sees that this side is alive.
pub(crate) const TICK: [u8; 4] = [0; 4];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(terms: &[Term]) -> Vec<u8> {
        let mut bytes = vec![PASS_THROUGH];
        for term in terms {
            bytes.extend(etf::encode(term, AtomEncoding::Utf8).unwrap());
        }
        bytes
    }

    fn control(fields: &[i64]) -> Term {
        Term::Tuple(fields.iter().copied().map(Term::Integer).collect())
    }

    #[test]
    fn reasons_come_with_and_without_payload() {
        let with = frame(&[control(&[28, 1, 2, 3]), Term::atom("normal")]);
        let without = frame(&[control(&[21, 1, 2, 3, 4])]);
        let Incoming::Down { reference, reason } = parse(&with).unwrap() else { panic!() };
        assert_eq!((reference.integer(), reason.is_atom("normal")), (Some(3), true));
        let Incoming::Down { reason, .. } = parse(&without).unwrap() else { panic!() };
        assert_eq!(reason.integer(), Some(4));
    }

    #[test]
    fn what_a_client_need_not_answer_is_let_through() {
        for fields in [&[19, 1, 2, 3][..], &[20, 1, 2, 3], &[99], &[]] {
            assert_eq!(parse(&frame(&[control(fields)])).unwrap(), Incoming::Other);
        }
        assert_eq!(parse(&frame(&[Term::atom("odd")])).unwrap(), Incoming::Other);
        assert_eq!(parse(b"").unwrap(), Incoming::Tick);
    }

    #[test]
    fn what_is_traced_is_understood_as_well() {
        let says = |fields: &[i64], payload: bool| {
            let terms = [Some(control(fields)), payload.then_some(Term::Integer(7))];
            let frame = frame(&terms.into_iter().flatten().collect::<Vec<_>>());
            match parse(&frame).unwrap() {
                Incoming::Sent { to: first, message: second }
                | Incoming::Exit { from: first, reason: second } => (first.integer(), second.integer()),
                Incoming::Spawned { reference, result } => (reference.integer(), result.integer()),
                other => panic!("{fields:?}: {other:?}"),
            }
        };
        for (fields, payload) in [
            // SEND, REG_SEND, SEND_SENDER: to whom, and the message.
            (&[12, 0, 1, 9][..], true),
            (&[16, 0, 0, 1, 9], true),
            (&[23, 0, 1, 9], true),
            // EXIT, EXIT2, with and without payload: from whom, and the reason.
            (&[13, 1, 0, 9, 7], false),
            (&[18, 1, 0, 9, 7], false),
            (&[25, 1, 0, 9], true),
            (&[27, 1, 0, 9], true),
            // SPAWN_REPLY: to which request, and the result.
            (&[32, 1, 0, 0, 7, 9], false),
        ] {
            assert_eq!(says(fields, payload), (Some(1), Some(7)), "{fields:?}");
        }
    }

    #[test]
    fn nothing_is_started_here() {
        let request = frame(&[control(&[29, 1, 2, 3, 4, 5]), Term::nil()]);
        let Incoming::SpawnRequest { reference, from } = parse(&request).unwrap() else { panic!() };
        assert_eq!((reference.integer(), from.integer()), (Some(1), Some(2)));
    }

    #[test]
    fn a_missing_payload_is_an_error() {
        assert!(parse(&frame(&[control(&[22, 1, 2])])).is_err());
        assert!(parse(b"\x83D").is_err());
    }

    #[test]
    fn what_we_send_is_what_would_be_read() {
        let message =
            Outgoing::Send { from: Term::Integer(1), to: Term::Integer(2), message: Term::atom("hello") };
        let frame = message.frame().unwrap();
        let (length, rest) = frame.split_first_chunk().unwrap();
        assert_eq!(usize::try_from(u32::from_be_bytes(*length)).unwrap(), rest.len());
        let Incoming::Sent { to, message } = parse(rest).unwrap() else { panic!() };
        assert_eq!((to.integer(), message.is_atom("hello")), (Some(2), true));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in any::<Vec<u8>>()) {
            let _ = parse(&bytes);
            let _ = parse(&[&[PASS_THROUGH, VERSION], &bytes[..]].concat());
        }
    }
}
