//! Peers that are no node, or one that means harm: an error within the deadline, whatever they do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use beamship_node::{Address, Connection, Cookie, Deadline, NodeError, Port};
use etf::{AtomEncoding, Term};

use crate::node::address;

/// A server that does this with every connection; gives its port.
fn server(serve: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = serve(&mut stream);
        }
    });
    port
}

fn open(address: &Address) -> Result<Connection, NodeError> {
    Connection::open(address, &Cookie::new("abc").unwrap(), Deadline::after(Duration::from_secs(2)))
}

/// The error, which has to come within the deadline.
fn error(address: &Address) -> NodeError {
    let start = Instant::now();
    let error = open(address).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "{error}");
    error
}

fn with_epmd(port: u16) -> Address {
    Address { port: Port::Epmd(port), ..address(0) }
}

/// Waits for the other side to go.
fn stay(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

#[test]
fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(matches!(error(&address(port)), NodeError::NoNode { .. }));
    assert!(matches!(error(&with_epmd(port)), NodeError::NoEpmd { .. }));
}

#[test]
fn an_epmd_that_is_none() {
    for (answer, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "does not speak the protocol"),
        (b"", "closed"),
        (b"\x77", "does not speak the protocol"),
        (b"\x77\x01", "knows no node"),
    ] {
        let port = server(move |stream| stream.write_all(answer));
        let error = error(&with_epmd(port)).to_string();
        assert!(error.contains(expected) || error.contains("closed"), "{answer:?}: {error}");
    }
    let port = server(stay);
    assert!(matches!(error(&with_epmd(port)), NodeError::Timeout(_)));
    // Endless.
    let port = server(|stream| {
        loop {
            stream.write_all(&[0x55; 4096])?;
        }
    });
    assert!(matches!(error(&with_epmd(port)), NodeError::Protocol { .. }));
}

#[test]
fn a_node_that_is_none() {
    for greeting in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"\xff\xff",
        b"\0\0",
        b"\0\x03sok",
        b"\0\x0csnot_allowed",
        b"\0\x01",
    ] {
        let port = server(move |stream| {
            stream.write_all(greeting)?;
            stay(stream)
        });
        let error = error(&address(port));
        assert!(!matches!(error, NodeError::Cookie), "{greeting:?}: {error}");
    }
    let port = server(stay);
    assert!(matches!(error(&address(port)), NodeError::Timeout(_)));
    let port = server(|_| Ok(()));
    assert!(matches!(error(&address(port)), NodeError::Closed(_)));
}

#[test]
fn a_node_that_dribbles_does_not_outlast_the_deadline() {
    let port = server(|stream| {
        stream.write_all(&[0, 200])?;
        loop {
            stream.write_all(&[0])?;
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(matches!(error(&address(port)), NodeError::Timeout(_)));
}

/// A node that gets through the handshake because it knows the cookie, and then sends what it likes.
fn node_that_sends(frames: Vec<Vec<u8>>) -> u16 {
    server(move |stream| {
        let mut message = [0; 2 + 1 + 8 + 4 + 2 + "localhost".len()];
        stream.read_exact(&mut message)?;
        stream.write_all(b"\0\x18snamed:\0\x0bX@localhost\0\0\0\x01")?;
        stream
            .write_all(b"\0\x22N\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x09\0\0\0\x01\0\x0fprobe@localhost")?;
        let mut reply = [0; 23];
        stream.read_exact(&mut reply)?;
        let challenge = u32::from_be_bytes([reply[3], reply[4], reply[5], reply[6]]);
        let proof = <md5::Md5 as md5::Digest>::digest(format!("abc{challenge}").as_bytes());
        stream.write_all(&[&b"\0\x11a"[..], &proof].concat())?;
        for frame in &frames {
            stream.write_all(frame)?;
        }
        stay(stream)
    })
}

fn call_of(frames: Vec<Vec<u8>>) -> NodeError {
    let address = crate::node::address(node_that_sends(frames));
    let mut connection =
        Connection::open(&address, &Cookie::new("abc").unwrap(), crate::node::soon()).unwrap();
    let deadline = Deadline::after(Duration::from_secs(2));
    connection.call("erlang", "node", vec![], deadline).unwrap_err()
}

fn framed(content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

#[test]
fn frames_are_not_as_large_as_they_say() {
    let error = call_of(vec![vec![0xff, 0xff, 0xff, 0xff, 112]]);
    assert!(matches!(error, NodeError::FrameTooLarge(u32::MAX)), "{error}");
}

#[test]
fn frames_that_are_no_messages() {
    for content in [
        &b"p"[..],
        b"p\x83",
        b"\x83Dh",
        b"p\x83h\xff",
        b"p\x83i\xff\xff\xff\xff",
        b"garbage",
        b"p\x83\x50\0\0\0\0",
    ] {
        let error = call_of(vec![framed(content)]);
        assert!(matches!(error, NodeError::Protocol { .. }), "{content:?}: {error}");
    }
}

#[test]
fn deep_terms_cost_no_stack() {
    let mut content = b"p\x83h\x03a\x16j".to_vec();
    content.extend(b"l\0\0\0\x01".repeat(1_000_000));
    content.extend(b"j".repeat(1_000_001));
    content.extend(b"\x83a\x01");
    let error = call_of(vec![framed(&content)]);
    assert!(matches!(error, NodeError::Timeout(_)), "{error}");
}

#[test]
fn messages_that_nobody_asked_for_are_let_through() {
    let message = |terms: &[Term]| {
        let mut content = vec![112];
        for term in terms {
            content.extend(etf::encode(term, AtomEncoding::Utf8).unwrap());
        }
        framed(&content)
    };
    let numbers = |numbers: &[i64]| Term::Tuple(numbers.iter().copied().map(Term::Integer).collect());
    let error = call_of(vec![
        vec![0, 0, 0, 0],
        message(&[numbers(&[22, 1, 2]), Term::atom("hello")]),
        message(&[numbers(&[28, 1, 2, 3]), Term::atom("normal")]),
        message(&[numbers(&[99])]),
    ]);
    assert!(matches!(error, NodeError::Timeout(_)), "{error}");
}
