//! A node to talk to: the `erl` in PATH, on the loopback interface, without EPMD.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use beamship_node::{Address, Connection, Cookie, Deadline, Family, Port};

/// It ends when its standard input does, which is when the test process ends.
pub(crate) struct Node {
    _child: Child,
    pub(crate) address: Address,
}

pub(crate) const COOKIE: &str = "chocolate";

/// The node that the tests share.
pub(crate) fn node() -> &'static Node {
    static NODE: OnceLock<Node> = OnceLock::new();
    NODE.get_or_init(|| {
        let port = free_port();
        let mut child = Command::new("erl")
            .env("HOME", std::env::temp_dir())
            .args(["-noshell", "-hidden", "-sname", "probe@localhost", "-setcookie", COOKIE])
            .args(["-start_epmd", "false", "-erl_epmd_port", &port.to_string()])
            .args(["-kernel", "inet_dist_use_interface", "{127,0,0,1}"])
            .args(["-kernel", "logger_level", "critical"])
            .args(["-eval", "io:put_chars(\"ready\\n\"), eof = io:get_line(\"\"), halt()."])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("these tests need `erl` in PATH");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Node { _child: child, address: address(port) }
    })
}

pub(crate) fn address(port: u16) -> Address {
    Address {
        name: "probe".to_owned(),
        host: "localhost".to_owned(),
        family: Family::V4,
        port: Port::Fixed(port),
        listens_at: None,
    }
}

pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

pub(crate) fn connect() -> Connection {
    Connection::open(&node().address, &Cookie::new(COOKIE).unwrap(), soon()).unwrap()
}

/// A port that nobody uses, from below the range out of which outgoing connections get theirs.
fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let port = u16::try_from(10_000 + (std::process::id() * 97 + next * 13) % 20_000).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
