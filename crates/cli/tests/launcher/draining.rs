//! The guestbook is stopped while it is busy: who was let in is answered.
//!
//! The clients know who was answered, and not who was accepted: a connection is made by the kernel, before the server has it.
//! The server says in its log how many it has accepted and how many requests have begun (`Guestbook.HTTP.Tally`). And what
//! was sent before the stop has an answer, however long the kernel kept it queued.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::Signal;

use crate::files::wait_until;
use crate::ports::free_port;
use crate::running::Running;
use crate::sandbox::{Sandbox, succeed};

/// More than the server serves at a time: some are always queued.
const CLIENTS: u32 = 150;

fn release() -> &'static Utf8Path {
    static RELEASE: OnceLock<(Sandbox, Utf8PathBuf)> = OnceLock::new();
    let (_, release) = RELEASE.get_or_init(|| {
        let sandbox = Sandbox::new();
        let project = sandbox.join("guestbook");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/guestbook");
        succeed(sandbox.command("cp").arg("-r").arg(source).arg(&project));
        for left in ["_build", "deps"] {
            let _ = std::fs::remove_dir_all(project.join(left));
        }
        succeed(&mut sandbox.beamship(&project, &["release"]));
        let release = project.join("_build/prod/rel/guestbook");
        (sandbox, release)
    });
    release
}

/// What has become of the requests.
#[derive(Debug, Default)]
struct Outcomes {
    answered: AtomicU32,
    /// Connections on which there was an answer.
    served: AtomicU32,
    /// The request was sent before the stop was asked for, and nothing came back.
    lost: AtomicU32,
    /// Nothing came back for a request that was sent later: it may have met the moment between the server's last accept and
    /// the close of the listening socket.
    late: AtomicU32,
    /// The answer ends early.
    broken: AtomicU32,
    refused: AtomicU32,
    /// The stop is being asked for.
    stopping: AtomicBool,
}

/// One answer: whether it is whole, and whether the connection goes on.
enum Answer {
    Whole { goes_on: bool },
    Broken,
    Nothing { was_sent_in_time: bool },
}

fn ask(stream: &mut TcpStream, stopping: &AtomicBool) -> Answer {
    let sent = stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let was_sent_in_time = !stopping.load(SeqCst);
    if sent.is_err() {
        return Answer::Nothing { was_sent_in_time };
    }
    let mut read = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
            let length: usize = header("content-length:").unwrap().parse().unwrap();
            if read.len() == end + 4 + length {
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                return Answer::Whole { goes_on: header("connection:") != Some("close") };
            }
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => read.extend_from_slice(&buffer[..count]),
            _ if read.is_empty() => return Answer::Nothing { was_sent_in_time },
            _ => return Answer::Broken,
        }
    }
}

/// Asks until nobody is let in any more.
fn keep_asking(port: u16, keeps_connection: bool, outcomes: &Outcomes) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    loop {
        let mut stream = match TcpStream::connect_timeout(&address, Duration::from_secs(30)) {
            Ok(stream) => stream,
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset),
                    "{error}"
                );
                outcomes.refused.fetch_add(1, Relaxed);
                return;
            }
        };
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut is_first = true;
        loop {
            match ask(&mut stream, &outcomes.stopping) {
                Answer::Whole { goes_on } => {
                    outcomes.answered.fetch_add(1, Relaxed);
                    outcomes.served.fetch_add(u32::from(is_first), Relaxed);
                    is_first = false;
                    if !(goes_on && keeps_connection) {
                        break;
                    }
                }
                Answer::Broken => {
                    outcomes.broken.fetch_add(1, Relaxed);
                    break;
                }
                Answer::Nothing { was_sent_in_time } => {
                    let counter = if was_sent_in_time { &outcomes.lost } else { &outcomes.late };
                    counter.fetch_add(1, Relaxed);
                    break;
                }
            }
        }
    }
}

/// Starts the guestbook, lets many clients ask and stops it; every client has to end by being refused.
fn stopped_while_busy(stop: impl FnOnce(&Running, &dyn Fn(&[&str]) -> Command)) {
    let sandbox = Sandbox::new();
    let port = free_port();
    let command = |arguments: &[&str]| {
        let mut command = sandbox.command(release().join("bin/guestbook"));
        command.args(arguments).env("PHX_SERVER", "true").env("PORT", port.to_string());
        command.env("RELEASE_DISTRIBUTION", "sname").env("RELEASE_EPMD", "none");
        command.env("RELEASE_TMP", sandbox.join("run")).env("DATABASE_PATH", sandbox.join("guestbook.db"));
        command.env("SECRET_KEY_BASE", "0123456789".repeat(7));
        command
    };
    succeed(&mut command(&["eval", "Guestbook.Release.migrate()"]));
    let log = std::fs::File::create(sandbox.join("log")).unwrap();
    let mut server = Running::start(command(&["start"]).stdout(log.try_clone().unwrap()).stderr(log));
    succeed(&mut command(&["ready", "--wait", "60"]));
    let outcomes = Outcomes::default();
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let outcomes = &outcomes;
            scope.spawn(move || keep_asking(port, number % 10 == 0, outcomes));
        }
        wait_until("the clients are busy", || outcomes.answered.load(Relaxed) > 4 * CLIENTS);
        outcomes.stopping.store(true, SeqCst);
        stop(&server, &command);
    });
    eprintln!("{outcomes:?}");
    let status = server.status();
    let log = std::fs::read_to_string(sandbox.join("log")).unwrap();
    assert_eq!(status, Some(0), "{log}");
    // Whatever the server has begun, a client has got; and each that it has accepted has begun something.
    let (answered, served) = (outcomes.answered.into_inner(), outcomes.served.into_inner());
    let tally = format!("Answered {answered} of {answered} requests on {served} connections");
    let said = log.lines().find(|line| line.contains(" requests on "));
    assert!(said.is_some_and(|line| line.ends_with(&tally)), "{said:?} instead of {tally}");
    assert_eq!((outcomes.broken.into_inner(), outcomes.refused.into_inner()), (0, CLIENTS));
    assert_eq!(outcomes.lost.into_inner(), 0, "requests that were sent before the stop were not answered");
}

#[test]
fn sigterm_under_load_loses_no_accepted_request() {
    stopped_while_busy(|server, _| server.signal(Signal::TERM));
}

#[test]
fn stop_under_load_loses_no_accepted_request() {
    stopped_while_busy(|_, command| {
        succeed(&mut command(&["stop"]));
    });
}
