//! The way to the running system: which node, where, and with what cookie.

use std::time::Duration;

use node::{Address, Connection, Cookie, Deadline, Family, NodeError, Port};

use crate::cookie::cookie;
use crate::distribution::Distribution;
use crate::environment::{Environment, env_var};
use crate::exposure;
use crate::failure::Failure;
use crate::release::Release;
use crate::state::State;
use crate::vm_arguments::DistributionArguments;

/// How long finding the node and the handshake may take: as long as OTP's own (`net_setuptime`).
pub(crate) const SETUP_TIMEOUT: Duration = Duration::from_secs(7);

/// EPMD's port, when `ERL_EPMD_PORT` does not say another one.
const EPMD_PORT: u16 = 4369;

/// How the system is reached.
#[derive(Debug)]
pub(crate) enum Route {
    /// By the protocol that the launcher speaks.
    Native {
        /// Where the node is.
        address: Address,
        /// What it is reached with.
        cookie: Cookie,
    },
    /// Over a protocol that only a virtual machine speaks (`-proto_dist inet_tls`).
    VirtualMachine {
        /// The name of that protocol.
        protocol: String,
    },
}

impl Route {
    /// What the environment, the state file and the arguments of the virtual machine say.
    pub(crate) fn find(release: &Release, environment: &Environment) -> Result<Self, Failure> {
        let distribution = Distribution::from_environment(environment)?;
        if distribution == Distribution::None {
            return Err(Failure::new("the system cannot be asked: RELEASE_DISTRIBUTION is `none`")
                .hint("start it and run this command with RELEASE_DISTRIBUTION=sname or name"));
        }
        let arguments = DistributionArguments::for_control(environment);
        let family = match arguments.protocol.as_deref() {
            None | Some("inet_tcp") => Family::V4,
            Some("inet6_tcp") => Family::V6,
            Some(other) => return Ok(Self::VirtualMachine { protocol: other.to_owned() }),
        };
        let state = State::of_running(environment);
        let given_node = environment.text("RELEASE_NODE")?;
        let (name, host) = match given_node.split_once('@') {
            Some((name, host)) => (name.to_owned(), host.to_owned()),
            None => (given_node.to_owned(), own_host(&distribution)),
        };
        let port = match (arguments.port, state.as_ref().and_then(|state| state.port)) {
            (Some(port), _) | (None, Some(port)) => Port::Fixed(port),
            // Another system of this name may be registered with somebody else's EPMD.
            (None, None) if exposure::without_epmd()? => {
                return Err(Failure::new(format!("`{name}@{host}` is not running: it has left no state file in RELEASE_TMP"))
                    .hint("with RELEASE_EPMD=none a start leaves the port in RELEASE_TMP, which has to be the same here and there"));
            }
            (None, None) => Port::Epmd(epmd_port()?),
        };
        let cookie = cookie(release, environment, &distribution)?.unwrap_or_default();
        let cookie = Cookie::new(&cookie).ok_or_else(|| {
            Failure::new("the cookie holds characters outside of Latin-1, which no node accepts")
        })?;
        let listens_at = exposure::listen_address()?;
        Ok(Self::Native { address: Address { name, host, family, port, listens_at }, cookie })
    }
}

/// Connects to the system.
pub(crate) fn connect(address: &Address, cookie: &Cookie, deadline: Deadline) -> Result<Connection, Failure> {
    Connection::open(address, cookie, deadline).map_err(|error| unreachable(&address.node(), &error))
}

/// A node that cannot be reached, as the user sees it.
pub(crate) fn unreachable(node: &str, error: &NodeError) -> Failure {
    with_hint(Failure::new(format!("cannot reach `{node}`: {error}")), error)
}

/// A call on a node that was reached.
pub(crate) fn call_failed(node: &str, error: &NodeError) -> Failure {
    let is_lost =
        matches!(error, NodeError::Closed(_) | NodeError::Timeout(_) | NodeError::Connection { .. });
    let message = if is_lost {
        format!("lost the connection to `{node}`: {error}")
    } else {
        format!("the call on `{node}` failed: {error}")
    };
    with_hint(Failure::new(message), error)
}

fn with_hint(failure: Failure, error: &NodeError) -> Failure {
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// This machine's name as `net_kernel` completes the name of a node with it: the part before the first dot for a short
/// name, all of it for a long one.
pub(crate) fn own_host(distribution: &Distribution) -> String {
    let name = node::own_host_name().unwrap_or_else(|| "localhost".to_owned());
    match distribution {
        Distribution::Long(_) => name,
        _ => name.split('.').next().unwrap_or_default().to_owned(),
    }
}

/// Where EPMD listens.
pub(crate) fn epmd_port() -> Result<u16, Failure> {
    let Some(port) = env_var("ERL_EPMD_PORT") else { return Ok(EPMD_PORT) };
    port.to_str().and_then(|port| port.parse().ok()).ok_or_else(|| {
        Failure::new(format!("ERL_EPMD_PORT is `{}`, which is not a port number", port.display()))
    })
}
