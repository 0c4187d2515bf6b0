use std::io;
use std::os::fd::BorrowedFd;

use etf::{AtomEncoding, RawTerm};

use super::*;
use crate::device::{Geometry, Prompt, Ready};

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

/// Calls a function of a node that the test plays: it is given each call's reference, and the frames that it returns are
/// sent.
fn call(
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
        let mut device = Silence;
        let mut session = Session::new(&mut connection, &mut device);
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
