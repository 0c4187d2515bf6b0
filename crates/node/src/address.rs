//! Where a node is.

use std::net::IpAddr;

use crate::error::NodeError;
use crate::host;

/// How a node can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The part of the node's name before the `@`.
    pub name: String,
    /// Its host: the part after the `@`.
    pub host: String,
    /// The family of addresses its distribution uses (`-proto_dist`).
    pub family: Family,
    /// How its port is found.
    pub port: Port,
    /// The one address that it listens on, where that is known. It counts when the host is this machine.
    pub listens_at: Option<IpAddr>,
}

/// A family of internet addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// `inet_tcp`.
    #[default]
    V4,
    /// `inet6_tcp`.
    V6,
}

/// How the port of a node is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// EPMD on the node's host is asked; it listens on this port.
    Epmd(u16),
    /// It is known (`-erl_epmd_port`, or a state file).
    Fixed(u16),
}

impl Address {
    /// The name of the node, for people.
    pub fn node(&self) -> String {
        format!("{}@{}", self.name, self.host)
    }

    /// The addresses of the host, best first.
    pub(crate) fn resolve(&self) -> Result<Vec<IpAddr>, NodeError> {
        let mut addresses = host::resolve(&self.host, self.family)?;
        if let Some(address) = self.listens_at
            && addresses.iter().any(IpAddr::is_loopback)
        {
            addresses.insert(0, address);
        }
        Ok(addresses)
    }
}
