//! Who can reach the system: the sockets on which it waits for connections, and EPMD's.

use diagnosis::sockets::{Listener, listeners};
use diagnosis::{Finding, Findings};

use super::Patient;
use super::system::System;
use crate::control::epmd_port;
use crate::distribution::Distribution;
use crate::exposure::{Exposure, without_epmd};
use crate::vm_arguments::DistributionArguments;

const REMEDY: &str = "leave RELEASE_NODE without a host, or set RELEASE_DIST_LISTEN to 127.0.0.1 or to an address of a private network";

pub(super) fn check(patient: &Patient<'_>, system: &System, findings: &mut Findings) {
    match system.pid {
        Some(pid) => of_process(pid, system.port, findings),
        None => findings.extend(planned(patient)),
    }
    findings.extend(epmd(patient));
}

/// Where the node would listen.
fn planned(patient: &Patient<'_>) -> Option<Finding> {
    let exposure = Exposure::of_system(patient.environment, patient.configuration.as_ref()?);
    let is_node = *patient.distribution.as_ref()? != Distribution::None;
    let is_encrypted = DistributionArguments::for_start(patient.environment)
        .protocol
        .is_some_and(|protocol| protocol.ends_with("_tls"));
    Some(match exposure {
        Ok(exposure) if exposure.is_everywhere && is_node && !is_encrypted => Finding::warning(
            "distribution",
            "the node will listen on all interfaces: whoever has its cookie runs code on it",
            REMEDY,
        ),
        Ok(_) => Finding::detail("distribution", "the node will not listen on all interfaces"),
        Err(failure) => failure.into_finding("distribution", diagnosis::Severity::Error),
    })
}

fn of_process(pid: u32, distribution: Option<u16>, findings: &mut Findings) {
    let sockets = match sockets(pid) {
        Ok(sockets) => sockets,
        Err(error) => {
            findings.push(Finding::warning(
                "listeners",
                format!("cannot look at the sockets of process {pid}: {error}"),
                "run this as the user of the system, or as root",
            ));
            return;
        }
    };
    let mut own: Vec<Listener> = of_table(&format!("/proc/{pid}/net/tcp"));
    own.retain(|listener| sockets.contains(&listener.inode));
    let (nodes, others): (Vec<&Listener>, Vec<&Listener>) =
        own.iter().partition(|listener| Some(listener.address.port()) == distribution);
    for listener in nodes {
        let address = listener.address;
        findings.push(if listener.is_on_all_interfaces() {
            let message = format!(
                "the node listens on all interfaces ({address}): whoever has its cookie runs code on it"
            );
            Finding::warning("distribution", message, REMEDY)
        } else {
            Finding::ok("distribution", format!("the node listens on {address}"))
        });
    }
    let others: Vec<String> = others.iter().map(|listener| listener.address.to_string()).collect();
    findings.push(Finding::ok(
        "listeners",
        match others.as_slice() {
            [] => "the system listens nowhere else".to_owned(),
            others => format!("the system listens on {}", others.join(", ")),
        },
    ));
}

/// The port mapper, whose port everybody may ask for the names and ports of all nodes.
fn epmd(patient: &Patient<'_>) -> Option<Finding> {
    let is_node = *patient.distribution.as_ref()? != Distribution::None;
    let has_port = DistributionArguments::for_start(patient.environment).port.is_some();
    if !is_node || has_port || without_epmd().ok()? {
        return None;
    }
    let port = epmd_port().ok()?;
    let all = of_table("/proc/self/net/tcp");
    let mut of_epmd = all.iter().filter(|listener| listener.address.port() == port);
    let Some(first) = of_epmd.next() else { return Some(Finding::detail("epmd", "it does not run")) };
    let open = std::iter::once(first).chain(of_epmd).find(|listener| listener.is_on_all_interfaces());
    Some(match open {
        Some(listener) => Finding::warning(
            "epmd",
            format!(
                "it listens on all interfaces ({}), and tells everybody the ports of all nodes",
                listener.address
            ),
            "stop it (`epmd -kill`, when no node runs) and start the system again: then it listens where the node does; or set RELEASE_EPMD=none",
        ),
        None => Finding::ok("epmd", format!("it listens on {}", first.address)),
    })
}

/// The listeners of both tables, IPv4 and IPv6.
fn of_table(path: &str) -> Vec<Listener> {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let mut all = listeners(&text(path));
    all.extend(listeners(&text(&format!("{path}6"))));
    all
}

/// The numbers of the sockets of a process.
fn sockets(pid: u32) -> std::io::Result<Vec<u64>> {
    let directory = std::fs::read_dir(format!("/proc/{pid}/fd"))?;
    let number = |entry: std::io::Result<std::fs::DirEntry>| {
        let link = std::fs::read_link(entry.ok()?.path()).ok()?;
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    Ok(directory.filter_map(number).collect())
}
