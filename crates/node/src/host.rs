//! From host names to addresses, without the system's resolver.
//!
//! `getaddrinfo` loads shared libraries at run time, asks name servers and may take half a minute. A release is
//! controlled on the machine that it runs on: literals, `localhost`, the machine's own name and `/etc/hosts` are all
//! that is needed, and anything else is an error at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::Family;
use crate::error::NodeError;

/// The addresses of a host, those to try first in front.
pub(crate) fn resolve(host: &str, family: Family) -> Result<Vec<IpAddr>, NodeError> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let own = own_host_name().unwrap_or_default();
    let addresses = resolve_with(host, family, &hosts, &own);
    if addresses.is_empty() { Err(NodeError::UnknownHost(host.to_owned())) } else { Ok(addresses) }
}

/// The machine's name, with or without domain.
pub fn own_host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn resolve_with(host: &str, family: Family, hosts: &str, own: &str) -> Vec<IpAddr> {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = literal.parse::<IpAddr>() {
        return vec![address];
    }
    let loopback = match family {
        Family::V4 => IpAddr::from(Ipv4Addr::LOCALHOST),
        Family::V6 => IpAddr::from(Ipv6Addr::LOCALHOST),
    };
    let mut addresses = Vec::new();
    // What listens on all interfaces, or on the loopback one only, is found there.
    if host.eq_ignore_ascii_case("localhost") || is_same_host(host, own) {
        addresses.push(loopback);
    }
    for address in listed(host, hosts) {
        if address.is_ipv4() == (family == Family::V4) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Whether a name is the machine's own: equal, or one of them is the other's short form.
fn is_same_host(host: &str, own: &str) -> bool {
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    !own.is_empty()
        && (host.eq_ignore_ascii_case(own)
            || (!(host.contains('.') && own.contains('.')) && short(host) == short(own)))
}

/// The addresses that a hosts(5) file gives a name.
fn listed<'a>(host: &'a str, hosts: &'a str) -> impl Iterator<Item = IpAddr> + 'a {
    hosts.lines().filter_map(move |line| {
        let mut fields = line.split('#').next()?.split_whitespace();
        let address = fields.next()?.parse().ok()?;
        fields.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTS: &str = "127.0.0.1 localhost\n# 1.1.1.1 shop\n127.0.1.1 machine.example.org machine # this one\n\
                         10.0.0.7 shop shop.internal\nfd00::7 shop\nnonsense shop\n";

    fn resolved(host: &str, family: Family) -> Vec<String> {
        resolve_with(host, family, HOSTS, "machine").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn literals_are_addresses() {
        assert_eq!(resolved("192.168.1.2", Family::V4), ["192.168.1.2"]);
        assert_eq!(resolved("::1", Family::V6), ["::1"]);
        assert_eq!(resolved("[fd00::9]", Family::V6), ["fd00::9"]);
    }

    #[test]
    fn the_machine_itself_is_tried_on_the_loopback_interface_first() {
        assert_eq!(resolved("localhost", Family::V4), ["127.0.0.1"]);
        assert_eq!(resolved("localhost", Family::V6), ["::1"]);
        assert_eq!(resolved("machine", Family::V4), ["127.0.0.1", "127.0.1.1"]);
        assert_eq!(resolved("machine.example.org", Family::V4), ["127.0.0.1", "127.0.1.1"]);
    }

    #[test]
    fn others_are_looked_up() {
        assert_eq!(resolved("shop", Family::V4), ["10.0.0.7"]);
        assert_eq!(resolved("SHOP", Family::V6), ["fd00::7"]);
        assert_eq!(resolved("elsewhere.example.org", Family::V4), Vec::<String>::new());
    }

    #[test]
    fn a_domain_makes_hosts_different() {
        assert!(!is_same_host("machine.a", "machine.b"));
        assert!(is_same_host("machine", "machine.b"));
    }
}
