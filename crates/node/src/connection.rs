//! A connection to a node, and calls of its functions.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use etf::{Atom, RawTerm, Term};

use crate::address::{Address, Port};
use crate::cookie::Cookie;
use crate::deadline::Deadline;
use crate::error::{NodeError, Step};
use crate::message::{Incoming, Outgoing, TICK, parse};
use crate::wire::Wire;
use crate::{epmd, handshake};

/// Silence after which a node is asked for a sign of life, or counts as gone: usually it sends a tick every fifteen seconds
/// (`net_ticktime` is 60).
pub(crate) const SILENCE_TIMEOUT: Duration = Duration::from_secs(75);

/// How often a side has to send something, so that the other one does not count it as gone.
pub(crate) const TICK_INTERVAL: Duration = Duration::from_secs(15);

/// An open, authenticated connection to a node.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    node: Atom,
    creation: u32,
    our_name: Atom,
    our_creation: u32,
    references: u32,
}

/// Whether a node accepts connections. Nothing is sent, so the node logs nothing.
pub fn is_listening(address: &Address, deadline: Deadline) -> bool {
    let hosts = address.resolve().unwrap_or_default();
    hosts.into_iter().any(|host| connect_to(address, host, deadline).is_ok())
}

/// Connects to the port of a node on a host.
fn connect_to(address: &Address, host: IpAddr, deadline: Deadline) -> Result<Wire, NodeError> {
    let port = match address.port {
        Port::Fixed(port) => port,
        Port::Epmd(epmd) => epmd::port_of(&address.name, host, epmd, deadline)?,
    };
    let socket = SocketAddr::new(host, port);
    Wire::connect(socket, deadline, Step::Handshake)
        .map_err(|source| NodeError::NoNode { address: socket, source })
}

/// How a call has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It has returned: the value, in external format without version byte.
    Returned(Vec<u8>),
    /// It has raised.
    Raised {
        /// `error`, `exit` or `throw`.
        kind: Atom,
        /// The reason, in external format without version byte.
        reason: Vec<u8>,
        /// The stack trace, likewise; only errors have one.
        stack: Option<Vec<u8>>,
    },
    /// Its process was killed by an exit signal.
    Killed {
        /// The reason, in external format without version byte.
        reason: Vec<u8>,
    },
}

impl Reply {
    /// The value that was returned.
    pub fn returned(&self) -> Option<RawTerm<'_>> {
        match self {
            Self::Returned(value) => RawTerm::split(value).ok().map(|(raw, _)| raw),
            Self::Raised { .. } | Self::Killed { .. } => None,
        }
    }

    /// The same, decoded; `None` also when the value is too large or too deep for that.
    pub fn value(&self) -> Option<Term> {
        self.returned()?.decode().ok()
    }
}

impl Connection {
    /// Finds the node, connects and proves knowledge of the cookie.
    ///
    /// # Errors
    ///
    /// [`NodeError`] says which of host, EPMD, port, handshake and cookie it was.
    pub fn open(address: &Address, cookie: &Cookie, deadline: Deadline) -> Result<Self, NodeError> {
        let mut first_error = None;
        for host in address.resolve()? {
            match Self::open_at(address, host, cookie, deadline) {
                Ok(connection) => return Ok(connection),
                // It may be there under another of its addresses.
                Err(
                    error @ (NodeError::NoEpmd { .. }
                    | NodeError::NoNode { .. }
                    | NodeError::NotRegistered { .. }),
                ) => {
                    first_error.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(first_error.unwrap_or_else(|| NodeError::UnknownHost(address.host.clone())))
    }

    fn open_at(
        address: &Address,
        host: IpAddr,
        cookie: &Cookie,
        deadline: Deadline,
    ) -> Result<Self, NodeError> {
        let mut wire = connect_to(address, host, deadline)?;
        let peer = handshake::perform(&mut wire, &address.host, cookie, deadline)?;
        if peer.node.split('@').next() != Some(&address.name) {
            return Err(NodeError::OtherNode(peer.node));
        }
        wire.step = Step::Call;
        Ok(Self {
            wire,
            node: Atom::new(peer.node),
            creation: peer.creation,
            our_name: Atom::new(peer.our_name),
            our_creation: peer.our_creation,
            references: 0,
        })
    }

    /// The node's whole name.
    pub fn node(&self) -> &Atom {
        &self.node
    }

    /// The number that distinguishes the node from earlier ones of its name. One that was restarted in its process has another one.
    pub fn creation(&self) -> u32 {
        self.creation
    }

    /// Where the node listens.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.wire.peer()
    }

    /// The one process of this side: the caller, and the group leader of what is called.
    pub fn own_pid(&self) -> Term {
        Term::Pid { node: self.our_name.clone(), id: 1, serial: 0, creation: self.our_creation }
    }

    /// A reference that this connection has not used before.
    pub fn make_reference(&mut self) -> Term {
        self.references += 1;
        Term::Reference {
            node: self.our_name.clone(),
            creation: self.our_creation,
            words: vec![self.references, 0, 0],
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// When it cannot be encoded, or the connection is broken.
    pub fn send(&mut self, message: Outgoing) -> Result<(), NodeError> {
        let frame = message.frame()?;
        self.wire.send(&frame)
    }

    /// The next frame that is not for this connection itself: ticks are answered here. See [`parse`].
    ///
    /// # Errors
    ///
    /// When the node is silent until the deadline, or longer than a living one is.
    pub fn receive(&mut self, deadline: Option<Deadline>) -> Result<Vec<u8>, NodeError> {
        loop {
            if let Some(frame) = self.receive_one(deadline)? {
                return Ok(frame);
            }
        }
    }

    /// One frame; none when it was for this connection itself. For callers that wait for other things as well: they call this
    /// when the connection can be read.
    pub(crate) fn receive_one(&mut self, deadline: Option<Deadline>) -> Result<Option<Vec<u8>>, NodeError> {
        let silence = Deadline::after(SILENCE_TIMEOUT);
        let frame = self.wire.receive_frame(deadline.map_or(silence, |deadline| deadline.min(silence)))?;
        Ok(self.is_for_caller(&frame)?.then_some(frame))
    }

    /// Waits until the node sends something; false when the time was over.
    pub(crate) fn wait_readable(&self, timeout: Duration) -> Result<bool, NodeError> {
        self.wire.wait_readable(timeout)
    }

    /// Sends a tick, by which the node sees that this side is alive.
    pub(crate) fn tick(&mut self) -> Result<(), NodeError> {
        self.wire.send(&TICK)
    }

    /// Answers what any connection answers.
    fn is_for_caller(&mut self, frame: &[u8]) -> Result<bool, NodeError> {
        match parsed(frame)? {
            Incoming::Tick => self.tick().map(|()| false),
            Incoming::Other => Ok(false),
            Incoming::Unlink { id, from, to } => {
                let message =
                    Outgoing::UnlinkAcknowledged { id: id.opaque(), from: to.opaque(), to: from.opaque() };
                self.send(message).map(|()| false)
            }
            Incoming::SpawnRequest { reference, from } => {
                let message = Outgoing::SpawnRefused { reference: reference.opaque(), to: from.opaque() };
                self.send(message).map(|()| false)
            }
            _ => Ok(true),
        }
    }

    /// Starts `Module:Function(Arguments…)` in a process of its own (`erpc:execute_call/4`); gives the reference of its
    /// end. What it prints and reads comes to [`Connection::own_pid`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn start_call(
        &mut self,
        module: &str,
        function: &str,
        arguments: Vec<Term>,
    ) -> Result<Term, NodeError> {
        let reference = self.make_reference();
        let from = self.own_pid();
        self.send(Outgoing::Spawn {
            reference: reference.clone(),
            group_leader: from.clone(),
            from,
            function: ("erpc".into(), "execute_call".into()),
            arguments: vec![
                reference.clone(),
                Term::atom(module),
                Term::atom(function),
                Term::List(arguments),
            ],
        })?;
        Ok(reference)
    }

    /// Calls a function that neither prints nor reads, and waits for its end.
    ///
    /// # Errors
    ///
    /// When the connection breaks or the deadline passes. A call that raises is a [`Reply`].
    pub fn call(
        &mut self,
        module: &str,
        function: &str,
        arguments: Vec<Term>,
        deadline: Deadline,
    ) -> Result<Reply, NodeError> {
        let reference = self.start_call(module, function, arguments)?;
        loop {
            let frame = self.receive(Some(deadline))?;
            if let Some(reply) = reply_in(&frame, &reference)? {
                return Ok(reply);
            }
        }
    }
}

/// [`parse`], with an error of this crate.
pub(crate) fn parsed(frame: &[u8]) -> Result<Incoming<'_>, NodeError> {
    parse(frame).map_err(|_| NodeError::Protocol { step: Step::Call, what: "a message is broken" })
}

/// The reply to the call with this reference, if the frame is about its end.
///
/// # Errors
///
/// When the call could not be started.
pub(crate) fn reply_in(frame: &[u8], reference: &Term) -> Result<Option<Reply>, NodeError> {
    let is_ours = |raw: RawTerm<'_>| raw.decode().is_ok_and(|term| term == *reference);
    match parsed(frame)? {
        Incoming::Down { reference, reason } if is_ours(reference) => Ok(Some(reply(reason))),
        Incoming::Spawned { reference, result } if is_ours(reference) => match result.atom() {
            Some(reason) => Err(NodeError::NotStarted(reason.to_string())),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// What the end of an `erpc:execute_call/4` means (`erpc.erl`).
fn reply(reason: RawTerm<'_>) -> Reply {
    let fields = reason.tuple().unwrap_or_default();
    let kind = fields.get(1).and_then(|kind| kind.atom());
    match (kind, &fields[..]) {
        (Some(kind), [_, _, value]) if kind == "return" => Reply::Returned(value.bytes().to_vec()),
        (Some(kind), [_, _, value]) if kind == "throw" || kind == "exit" || kind == "error" => {
            Reply::Raised { kind, reason: value.bytes().to_vec(), stack: None }
        }
        (Some(kind), [_, _, value, stack]) if kind == "error" => {
            Reply::Raised { kind, reason: value.bytes().to_vec(), stack: Some(stack.bytes().to_vec()) }
        }
        _ => Reply::Killed { reason: reason.bytes().to_vec() },
    }
}

impl AsFd for Connection {
    /// For waiting until there is something to [`Connection::receive`].
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

#[cfg(test)]
impl Connection {
    /// One to a node that a test plays, and the other end of it.
    pub(crate) fn to_a_test() -> (Self, Wire) {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let deadline = Deadline::after(Duration::from_secs(10));
        let wire = Wire::connect(listener.local_addr().unwrap(), deadline, Step::Call).unwrap();
        let (peer, _) = listener.accept().unwrap();
        let [node, our_name] = ["node@test", "client@test"].map(Atom::new);
        let connection = Self { wire, node, creation: 1, our_name, our_creation: 2, references: 0 };
        (connection, Wire::of(peer))
    }
}
