//! Why a node could not be asked.

use std::io;
use std::net::SocketAddr;

/// What was being done when a peer misbehaved or fell silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// EPMD was asked for the node's port.
    Epmd,
    /// The connection was being proved.
    Handshake,
    /// The connection was up.
    Call,
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Epmd => "while asking EPMD for the port of the node",
            Self::Handshake => "during the handshake",
            Self::Call => "during the call",
        })
    }
}

/// A node that could not be asked, and at which step that showed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// Neither a literal nor in `/etc/hosts`.
    #[error(
        "the host `{0}` is unknown: it is neither an address nor this host's name, and not in /etc/hosts"
    )]
    UnknownHost(String),
    /// Nothing listens where EPMD should.
    #[error("no EPMD answers at {address}: {source}")]
    NoEpmd {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// EPMD does not know the node.
    #[error("EPMD at {address} knows no node `{name}`")]
    NotRegistered {
        /// The EPMD.
        address: SocketAddr,
        /// The node's name, without host.
        name: String,
    },
    /// Nothing listens where the node should.
    #[error("nothing answers at {address}: {source}")]
    NoNode {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The node has closed the connection when it got our proof, or its own proof was wrong.
    #[error("the node does not accept the cookie")]
    Cookie,
    /// The node refuses the connection.
    #[error("the node refuses connections of this kind (it answers `{0}`)")]
    Refused(String),
    /// The node lacks something that this client needs.
    #[error("the node is too old: OTP 25 and newer can be asked")]
    TooOld,
    /// Another node than the one that was asked for.
    #[error("the node that answers is `{0}`")]
    OtherNode(String),
    /// The deadline has passed.
    #[error("no answer in time {0}")]
    Timeout(Step),
    /// The connection has ended.
    #[error("the connection was closed {0}")]
    Closed(Step),
    /// Something was sent or received, and the system reports an error.
    #[error("the connection failed {step}: {source}")]
    Connection {
        /// When.
        step: Step,
        /// What the system says.
        source: io::Error,
    },
    /// What came is not the protocol.
    #[error("what answers does not speak the protocol of Erlang nodes ({what}) {step}")]
    Protocol {
        /// When.
        step: Step,
        /// What was wrong.
        what: &'static str,
    },
    /// A message is larger than the limit.
    #[error("a message of {0} bytes was announced, and the limit is {limit}", limit = crate::wire::FRAME_LIMIT)]
    FrameTooLarge(u32),
    /// Our own output or input failed.
    #[error("cannot write the output: {0}")]
    Output(#[source] io::Error),
    /// A term that cannot be sent.
    #[error("the arguments cannot be sent: {0}")]
    Arguments(#[from] etf::encode::EncodeError),
    /// The node cannot start the call at all.
    #[error("the node does not start the call: {0}")]
    NotStarted(String),
}

impl NodeError {
    /// From a failed read or write.
    pub(crate) fn io(step: Step, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Timeout(step),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted => Self::Closed(step),
            _ => Self::Connection { step, source },
        }
    }

    /// What to check.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownHost(_) => "use an IP address or a name from /etc/hosts in RELEASE_NODE",
            Self::NoEpmd { .. } => {
                "is the system running? EPMD starts with it; ERL_EPMD_PORT and ERL_EPMD_ADDRESS have to be the same here and there"
            }
            Self::NotRegistered { .. } => {
                "is the system running, under this name? RELEASE_NODE and RELEASE_DISTRIBUTION have to be the same here and there"
            }
            Self::NoNode { .. } => {
                "is the system running? its distribution has to listen where this command can reach it"
            }
            Self::Cookie => {
                "RELEASE_COOKIE, RELEASE_COOKIE_FILE or releases/COOKIE has to be the same here and there"
            }
            Self::OtherNode(_) => "RELEASE_NODE has to be the same here and there",
            Self::Timeout(_) => {
                "the system may be overloaded or stuck; something else may listen on this port"
            }
            Self::Protocol { .. } => "something else may listen on this port",
            Self::FrameTooLarge(_) => "let the node print, or return, less at once",
            _ => return None,
        })
    }
}
