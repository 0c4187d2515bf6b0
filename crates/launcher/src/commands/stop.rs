//! `stop`: the system shuts down gracefully.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use etf::Term;
use node::{Address, Connection, Cookie, Deadline, NodeError, Reply};

use super::options::Options;
use crate::calls::{aborted, os_process_id, value};
use crate::control::{Route, SETUP_TIMEOUT, call_failed, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::readiness::{is_started, status};
use crate::release::Release;
use crate::state::{Process, State};
use crate::virtual_machine;

/// What `--wait` means without a number.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

/// How often it is checked whether the system is gone.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What identifies a container, and a boot of a machine (`proc_pid_ns(5)`, `proc_sys_kernel(5)`).
const PID_NAMESPACE: &str = "/proc/self/ns/pid";
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// Stops the system gracefully. With `--wait` returns when its process is gone.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    let options = Options::parse("stop", arguments, &["--wait"], Some(DEFAULT_WAIT))?;
    let (address, cookie) = match Route::find(release, environment)? {
        Route::Native { address, cookie } => (address, cookie),
        Route::VirtualMachine { protocol } => {
            if options.wait.is_some() {
                return Err(Failure::new(format!("stop --wait does not work over `{protocol}`"))
                    .hint("use `stop`, and wait for the process that `pid` names"));
            }
            return virtual_machine::rpc(release, environment, "System.stop()", &protocol);
        }
    };
    let mut connection = connect(&address, &cookie, Deadline::after(SETUP_TIMEOUT))?;
    let process = match options.wait {
        Some(_) => process_of(environment, &mut connection),
        None => None,
    };
    ask(&mut connection, "stop", &address, &cookie)?;
    if let Some(wait) = options.wait {
        wait_until_gone(&address, &cookie, process.as_ref(), wait)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls `init:FUNCTION()`, by which the node leaves its present state.
pub(super) fn ask(
    connection: &mut Connection,
    function: &str,
    address: &Address,
    cookie: &Cookie,
) -> Result<(), Failure> {
    match connection.call("init", function, vec![], Deadline::after(SETUP_TIMEOUT)) {
        Ok(Reply::Returned(_)) => Ok(()),
        // The process that has asked may be ended by what it has asked for, or its node be gone, before it could answer.
        Ok(Reply::Killed { .. }) | Err(NodeError::Closed(_))
            if is_going_down(address, cookie, connection.creation()) =>
        {
            Ok(())
        }
        Ok(reply) => Err(aborted(connection.node().as_str(), &reply)),
        Err(error) => Err(call_failed(&address.node(), &error)),
    }
}

/// Whether the node with this creation goes down, or is gone, within the time that a command may take.
fn is_going_down(address: &Address, cookie: &Cookie, creation: u32) -> bool {
    let deadline = Deadline::after(SETUP_TIMEOUT);
    loop {
        match Connection::open(address, cookie, deadline) {
            Err(error) if is_not_running(&error) => return true,
            Ok(mut connection) => {
                let another = connection.creation() != creation;
                if another || status(&mut connection, deadline).is_ok_and(|status| !is_started(&status)) {
                    return true;
                }
            }
            // It is on its way down or up, and this does not say which: it is asked again.
            Err(_) => {}
        }
        let Some(left) = deadline.remaining() else { return false };
        std::thread::sleep(left.min(POLL_INTERVAL));
    }
}

/// Whether the node does not run any more.
fn is_gone(address: &Address, cookie: &Cookie) -> bool {
    Connection::open(address, cookie, Deadline::after(SETUP_TIMEOUT))
        .is_err_and(|error| is_not_running(&error))
}

/// Whether this error says that no node of that name runs.
fn is_not_running(error: &NodeError) -> bool {
    matches!(error, NodeError::NoEpmd { .. } | NodeError::NotRegistered { .. } | NodeError::NoNode { .. })
}

/// The process of the system, if it is one of this machine (and container).
pub(super) fn process_of(environment: &Environment, connection: &mut Connection) -> Option<Process> {
    if let Some(state) = State::of_running(environment) {
        return Some(state.process);
    }
    let pid = os_process_id(connection, Deadline::after(SETUP_TIMEOUT)).ok()?;
    is_of_this_machine(connection).then(|| Process::of(pid.parse().ok()?))?
}

/// Whether the node's processes have the numbers that they have here: it runs in the same boot of the same machine, and in the
/// same container. Elsewhere another process may have the same number.
fn is_of_this_machine(connection: &mut Connection) -> bool {
    let mut on_node = |function: &str, path: &str| {
        let arguments = vec![Term::string(path)];
        let read = value(connection, ("file", function), arguments, Deadline::after(SETUP_TIMEOUT)).ok()?;
        match read.as_tuple()? {
            [ok, text] if ok.is_atom("ok") => text.to_text(),
            _ => None,
        }
    };
    let namespace =
        std::fs::read_link(PID_NAMESPACE).ok().and_then(|link| link.into_os_string().into_string().ok());
    let boot = std::fs::read_to_string(BOOT).ok();
    namespace.is_some()
        && on_node("read_link", PID_NAMESPACE) == namespace
        && boot.is_some()
        && on_node("read_file", BOOT) == boot
}

fn wait_until_gone(
    address: &Address,
    cookie: &Cookie,
    process: Option<&Process>,
    wait: Duration,
) -> Result<(), Failure> {
    let deadline = Deadline::after(wait);
    loop {
        let gone = match process {
            Some(process) => !process.is_running(),
            None => is_gone(address, cookie),
        };
        if gone {
            return Ok(());
        }
        let Some(left) = deadline.remaining() else {
            return Err(Failure::new(format!(
                "`{}` is still running after {} s",
                address.node(),
                wait.as_secs_f64()
            ))
            .hint("it was asked to stop and may need longer: stop --wait SECONDS"));
        };
        std::thread::sleep(left.min(POLL_INTERVAL));
    }
}
