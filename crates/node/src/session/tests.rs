use std::io;
use std::os::fd::BorrowedFd;

use etf::{AtomEncoding, RawTerm};

use super::*;
use crate::device::{Geometry, Input, Prompt, Ready};

/// A device without a user.
struct Silence;

impl Device for Silence {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn geometry(&self) -> Option<Geometry> {
        None
    }

    fn begin_read(&mut self, _: &Prompt) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: BorrowedFd<'_>, _: Duration) -> io::Result<Ready> {
        Ok(Ready { connection: true, ..Ready::default() })
    }
}

/// A device that has this input at once, and no more.
struct Typed(Option<Vec<u8>>);

impl Device for Typed {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn geometry(&self) -> Option<Geometry> {
        None
    }

    fn begin_read(&mut self, _: &Prompt) -> io::Result<()> {
        Ok(())
    }

    fn wait(&mut self, _: BorrowedFd<'_>, _: Duration) -> io::Result<Ready> {
        let input = self.0.take().map_or(Input::End, Input::Data);
        Ok(Ready { input: Some(input), ..Ready::default() })
    }
}

/// Calls a function of a node that the test plays: it is given each call's reference, and the frames that it returns are
/// sent.
fn call(
    silence_limits: SilenceLimits,
    node: impl FnMut(usize, Term) -> Vec<Vec<Term>> + Send,
) -> Result<Reply, NodeError> {
    call_with(&mut Silence, silence_limits, node)
}

fn call_with(
    device: &mut dyn Device,
    silence_limits: SilenceLimits,
    mut node: impl FnMut(usize, Term) -> Vec<Vec<Term>> + Send,
) -> Result<Reply, NodeError> {
    std::thread::scope(|scope| {
        let (mut connection, mut peer) = Connection::to_a_test();
        scope.spawn(move || {
            for number in 0.. {
                let deadline = crate::Deadline::after(Duration::from_secs(60));
                let Ok(frame) = peer.receive_frame(deadline) else { break };
                let Incoming::SpawnRequest { reference, .. } = parsed(&frame).unwrap() else { continue };
                for terms in node(number, reference.decode().unwrap()) {
                    let mut bytes = vec![112];
                    for term in &terms {
                        bytes.extend(etf::encode(term, AtomEncoding::Utf8).unwrap());
                    }
                    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
                    let _ = peer.send(&[&length[..], &bytes].concat());
                }
            }
        });
        let mut session = Session::new(&mut connection, device);
        session.silence_limits = silence_limits;
        let reply = session.call("a", "function", vec![]);
        drop(connection);
        reply
    })
}

fn limits(after_probe: Duration) -> SilenceLimits {
    SilenceLimits { before_probe: Duration::from_millis(20), after_probe }
}

fn returned(reference: &Term, value: &str) -> Vec<Term> {
    let nothing = Term::Integer(0);
    let control = Term::Tuple(vec![Term::Integer(28), nothing.clone(), nothing, reference.clone()]);
    vec![control, Term::Tuple(vec![reference.clone(), Term::atom("return"), Term::atom(value)])]
}

/// With a `net_ticktime` of ten minutes a node that was evaluating for 75 seconds was taken for dead.
#[test]
fn a_node_that_ticks_rarely_is_asked_before_it_counts_as_gone() {
    let mut first = None;
    let reply = call(limits(Duration::from_secs(60)), |number, reference| match number {
        0 => {
            first = Some(reference);
            vec![]
        }
        1..3 => vec![returned(&reference, "true")],
        _ => vec![returned(&reference, "true"), returned(first.as_ref().unwrap(), "done")],
    });
    let Ok(Reply::Returned(value)) = reply else { panic!("{reply:?}") };
    assert!(RawTerm::split(&value).unwrap().0.is_atom("done"));
}

#[test]
fn a_node_that_gives_no_sign_of_life_is_gone() {
    let reply = call(limits(Duration::from_millis(20)), |_, _| vec![]);
    assert!(matches!(reply, Err(NodeError::Timeout(Step::Call))), "{reply:?}");
}

/// Each waits for the one before it, and each was kept: a gigabyte in eight seconds.
#[test]
fn requests_that_wait_take_a_limited_amount_of_memory() {
    let nothing = || Term::Integer(0);
    let ask = || {
        let prompt = Term::Binary(vec![b'?'; 15 << 20]);
        let request = Term::Tuple(vec![Term::atom("get_line"), Term::atom("unicode"), prompt]);
        let message = Term::Tuple(vec![Term::atom("io_request"), nothing(), nothing(), request]);
        vec![Term::Tuple(vec![Term::Integer(22), nothing(), nothing()]), message]
    };
    let reply = call(SILENCE_LIMITS, |_, _| vec![ask(), ask(), ask(), ask()]);
    assert!(matches!(reply, Err(NodeError::Protocol { .. })), "{reply:?}");
}

/// Each request for input was served within the one before it: `{requests, […]}` with 3000 of them overflowed the stack,
/// with input, and where there was none.
#[test]
fn many_reads_in_one_request_cost_no_stack() {
    const READS: usize = 100_000;
    let line = |function: Option<&str>| {
        let prompt = Term::Binary(vec![]);
        let mut fields = vec![Term::atom("get_line"), Term::atom("unicode"), prompt];
        if let Some(function) = function {
            fields[0] = Term::atom("get_until");
            fields.extend([Term::atom("a"), Term::atom(function), Term::nil()]);
        }
        Term::Tuple(fields)
    };
    for input in [None, Some("\n".repeat(READS).into_bytes()), Some(b"the last\n".to_vec())] {
        let mut call = None;
        let reply = call_with(&mut Typed(input), SILENCE_LIMITS, |_, reference| match &call {
            None => {
                call = Some(reference);
                // What comes last asks the node: then all before it have been served.
                let mut requests = vec![line(None); READS];
                requests.push(line(Some("enough")));
                let request = Term::Tuple(vec![Term::atom("requests"), Term::List(requests)]);
                let nothing = || Term::Integer(0);
                let message = Term::Tuple(vec![Term::atom("io_request"), nothing(), nothing(), request]);
                vec![vec![Term::Tuple(vec![Term::Integer(22), nothing(), nothing()]), message]]
            }
            Some(call) => vec![returned(call, "done")],
        });
        assert!(matches!(reply, Ok(Reply::Returned(_))), "{reply:?}");
    }
}
