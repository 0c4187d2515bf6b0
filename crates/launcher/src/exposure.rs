//! Who can reach the node over the network.
//!
//! Erlang's distribution listens on every interface, and so does EPMD, although most releases are one node whose
//! distribution is used only by its own control commands. A node with a short name and no host in it (Mix's
//! default) listens on the loopback interface only; naming a host, long names, or `RELEASE_DIST_LISTEN` open it. What
//! the project itself has configured is left as it is.

use std::net::{IpAddr, TcpListener};
use std::process::Command;

use crate::configuration::Configuration;
use crate::distribution::Distribution;
use crate::environment::{Environment, env_var};
use crate::epmd::Epmd;
use crate::failure::Failure;
use crate::random::random;
use crate::vm_arguments::DistributionArguments;

/// Where a node listens, and whether EPMD tells others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// The one address to listen on; all when there is none.
    address: Option<IpAddr>,
    /// The port to listen on instead of one that EPMD hands out.
    pub(crate) port: Option<u16>,
    /// Whether neither the launcher nor the project restricts where the node listens.
    pub(crate) is_on_all_interfaces: bool,
    /// Whether there is an EPMD, so that none has to be started.
    pub(crate) epmd: Epmd,
}

impl Exposure {
    /// What the environment asks for.
    pub(crate) fn of_system(
        environment: &Environment,
        configuration: &Configuration,
    ) -> Result<Self, Failure> {
        let distribution = Distribution::from_environment(environment)?;
        if distribution == Distribution::None {
            return Ok(Self::default());
        }
        let arguments = DistributionArguments::for_start(environment);
        let is_named = arguments.names_interface || configuration.mentions("inet_dist_use_interface");
        let address = match env_var("RELEASE_DIST_LISTEN") {
            Some(_) => listen_address()?,
            None if is_named || is_open(&distribution) => None,
            None => Some(match arguments.protocol.as_deref() {
                Some(protocol) if protocol.starts_with("inet6") => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
                _ => IpAddr::from([127, 0, 0, 1]),
            }),
        };
        let port = if without_epmd()? && arguments.port.is_none() { Some(free_port()?) } else { None };
        let is_on_all_interfaces = address.is_none() && !is_named;
        Ok(Self { address, port, is_on_all_interfaces, epmd: Epmd::NotSeen })
    }

    /// The arguments of the virtual machine.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(address) = self.address {
            arguments.extend(["-kernel".to_owned(), "inet_dist_use_interface".to_owned(), tuple(address)]);
        }
        if let Some(port) = self.port {
            arguments.extend(["-start_epmd", "false", "-erl_epmd_port"].map(str::to_owned));
            arguments.push(port.to_string());
        } else if self.epmd == Epmd::Answers {
            arguments.extend(["-start_epmd", "false"].map(str::to_owned));
        }
        arguments
    }

    /// The environment of the virtual machine, which hands it on to the EPMD that it may start.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Some(address) = self.address
            && env_var("ERL_EPMD_ADDRESS").is_none()
        {
            command.env("ERL_EPMD_ADDRESS", address.to_string());
        }
    }
}

/// Whether `RELEASE_EPMD` is `none`.
pub(crate) fn without_epmd() -> Result<bool, Failure> {
    match env_var("RELEASE_EPMD") {
        Some(value) if value == "none" => Ok(true),
        Some(value) if value != "default" => {
            Err(Failure::new(format!("RELEASE_EPMD is `{}`", value.display()))
                .hint("it has to be `none` (run without EPMD) or `default`"))
        }
        _ => Ok(false),
    }
}

/// Whether others are meant to reach a node of this name.
fn is_open(distribution: &Distribution) -> bool {
    match distribution {
        Distribution::Short(node) => node.contains('@'),
        Distribution::Long(_) => true,
        Distribution::None => false,
    }
}

/// `RELEASE_DIST_LISTEN`; none when it means all interfaces.
pub(crate) fn listen_address() -> Result<Option<IpAddr>, Failure> {
    let Some(text) = env_var("RELEASE_DIST_LISTEN") else { return Ok(None) };
    Ok(Some(address(&text.to_string_lossy())?).filter(|address| !address.is_unspecified()))
}

pub(crate) fn address(text: &str) -> Result<IpAddr, Failure> {
    text.parse().map_err(|_| {
        Failure::new(format!("RELEASE_DIST_LISTEN is `{text}`"))
            .hint("it has to be an IP address: 127.0.0.1 for this machine only, 0.0.0.0 for all interfaces")
    })
}

/// An address as Erlang writes it.
pub(crate) fn tuple(address: IpAddr) -> String {
    let numbers: Vec<String> = match address {
        IpAddr::V4(address) => address.octets().iter().map(ToString::to_string).collect(),
        IpAddr::V6(address) => address.segments().iter().map(ToString::to_string).collect(),
    };
    format!("{{{}}}", numbers.join(","))
}

/// A port that is free at this moment. It is taken from below the range from which the system gives outgoing
/// connections theirs: one of those could have it before the virtual machine listens.
fn free_port() -> Result<u16, Failure> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first_given =
        range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32768_u16);
    let last = if first_given > 20_000 { first_given } else { u16::MAX };
    let mut attempts = (0..100).map(|_| {
        let random = random()?;
        let number = u64::from_str_radix(&random, 16).unwrap_or_default();
        let port = 10_000 + u16::try_from(number % u64::from(last - 10_000)).unwrap_or_default();
        Ok(TcpListener::bind(("0.0.0.0", port)).is_ok().then_some(port))
    });
    attempts
        .find_map(Result::transpose)
        .unwrap_or_else(|| Err(Failure::new("cannot find a free port for the distribution")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_tuples() {
        assert_eq!(tuple(address("127.0.0.1").unwrap()), "{127,0,0,1}");
        assert_eq!(tuple(address("::1").unwrap()), "{0,0,0,0,0,0,0,1}");
        assert!(address("localhost").is_err());
    }

    #[test]
    fn a_host_or_a_long_name_opens_the_node() {
        assert!(!is_open(&Distribution::Short("demo".to_owned())));
        assert!(is_open(&Distribution::Short("demo@host".to_owned())));
        assert!(is_open(&Distribution::Long("demo".to_owned())));
    }

    #[test]
    fn arguments_name_interface_and_port() {
        let exposure =
            Exposure { address: Some([127, 0, 0, 1].into()), port: Some(4711), ..Exposure::default() };
        let expected = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false -erl_epmd_port 4711";
        assert_eq!(exposure.arguments().join(" "), expected);
        let answered = Exposure { epmd: Epmd::Answers, ..Exposure::default() };
        assert_eq!(answered.arguments().join(" "), "-start_epmd false");
        assert!(Exposure::default().arguments().is_empty());
    }
}
