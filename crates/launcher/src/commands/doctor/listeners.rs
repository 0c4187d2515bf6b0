//! Who can reach the system: the sockets on which it waits for connections, and EPMD's.

use diagnosis::sockets::{Listener, listeners};
use diagnosis::{Findings, Severity};

use super::DoctorContext;
use super::system::System;
use crate::control::epmd_port;
use crate::distribution::Distribution;
use crate::exposure::{Exposure, without_epmd};
use crate::vm_arguments::DistributionArguments;

const REMEDY: &str = "leave RELEASE_NODE without a host, or set RELEASE_DIST_LISTEN to 127.0.0.1 or to an address of a private network";

pub(super) fn check(context: &DoctorContext<'_>, system: &System, findings: &mut Findings) {
    match system.pid {
        Some(pid) => of_process(pid, system.port, findings),
        None => planned(context, findings),
    }
    epmd(context, findings);
}

/// Where the node would listen.
fn planned(context: &DoctorContext<'_>, findings: &mut Findings) {
    let (Some(configuration), Some(distribution)) = (&context.configuration, &context.distribution) else {
        return;
    };
    let exposure = Exposure::of_system(context.environment, configuration);
    let is_node = *distribution != Distribution::None;
    let is_encrypted = DistributionArguments::for_start(context.environment)
        .protocol
        .is_some_and(|protocol| protocol.ends_with("_tls"));
    match exposure {
        Ok(exposure) if exposure.is_on_all_interfaces && is_node && !is_encrypted => findings.warning(
            "distribution",
            format_args!("the node will listen on all interfaces: whoever has its cookie runs code on it"),
            format_args!("{REMEDY}"),
        ),
        Ok(_) => findings.detail("distribution", format_args!("the node will not listen on all interfaces")),
        Err(failure) => findings.push(failure.into_finding("distribution", Severity::Error)),
    }
}

fn of_process(pid: u32, distribution: Option<u16>, findings: &mut Findings) {
    let sockets = match sockets(pid) {
        Ok(sockets) => sockets,
        Err(error) => {
            findings.warning(
                "listeners",
                format_args!("cannot read the sockets of process {pid}: {error}"),
                format_args!("run this as the user of the system, or as root"),
            );
            return;
        }
    };
    let mut own: Vec<Listener> = of_table(&format!("/proc/{pid}/net/tcp"));
    own.retain(|listener| sockets.contains(&listener.inode));
    let (nodes, others): (Vec<&Listener>, Vec<&Listener>) =
        own.iter().partition(|listener| Some(listener.address.port()) == distribution);
    for listener in nodes {
        let address = listener.address;
        if listener.is_on_all_interfaces() {
            findings.warning(
                "distribution",
                format_args!(
                    "the node listens on all interfaces ({address}): whoever has its cookie runs code on it"
                ),
                format_args!("{REMEDY}"),
            );
        } else {
            findings.ok("distribution", format_args!("the node listens on {address}"));
        }
    }
    let others: Vec<String> = others.iter().map(|listener| listener.address.to_string()).collect();
    match others.as_slice() {
        [] => findings.ok("listeners", format_args!("the system listens nowhere else")),
        others => findings.ok("listeners", format_args!("the system listens on {}", others.join(", "))),
    }
}

/// The port mapper, whose port everybody may ask for the names and ports of all nodes.
fn epmd(context: &DoctorContext<'_>, findings: &mut Findings) {
    let is_node = context.distribution.as_ref().is_some_and(|it| *it != Distribution::None);
    let has_port = DistributionArguments::for_start(context.environment).port.is_some();
    let (Ok(false), Ok(port)) = (without_epmd(), epmd_port()) else { return };
    if !is_node || has_port {
        return;
    }
    let all = of_table("/proc/self/net/tcp");
    let mut of_epmd = all.iter().filter(|listener| listener.address.port() == port);
    let Some(first) = of_epmd.next() else {
        findings.detail("epmd", format_args!("it does not run"));
        return;
    };
    let open = std::iter::once(first).chain(of_epmd).find(|listener| listener.is_on_all_interfaces());
    match open {
        Some(listener) => findings.warning("epmd", format_args!(
                "it listens on all interfaces ({}), and tells everybody the ports of all nodes",
                listener.address
            ), format_args!("stop it (`epmd -kill`, when no node runs) and start the system again: then it listens where the node does; or set RELEASE_EPMD=none")),
        None => findings.ok("epmd", format_args!("it listens on {}", first.address)),
    }
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
