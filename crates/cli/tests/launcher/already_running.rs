//! A second start of a system that runs, and the first one after a crash.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::control::System;
use crate::files::wait_until;
use crate::installed::{Installed, Kind};
use crate::running::{Running, has_ended, report};
use crate::sandbox::{fail, succeed};

/// Without a cookie in the release every start makes one: the second one must not take the first one's place.
#[test]
fn a_second_start_names_the_process_and_does_no_harm() {
    let system = System::start_without_cookie();
    let pid = report(&system.installed.sandbox.join("started"))["pid"].clone();
    for command in ["start", "start_iex", "daemon"] {
        let message = fail(&mut system.command(&[command]));
        let expected =
            format!("error: `plain` is already running as process {pid}\nhint: `plain stop --wait` stops it");
        assert!(message.starts_with(&expected), "{command}: {message}");
    }
    assert_eq!(system.printed(&["pid"]), format!("{pid}\n"));
    assert!(!system.installed.sandbox.join("erl_crash.dump").exists());
}

/// Its state file is somewhere else: EPMD knows it.
#[test]
fn a_node_that_was_started_elsewhere_is_found() {
    let system = System::start_with_epmd("sname", "elsewhere@localhost");
    let pid = system.printed(&["pid"]);
    let elsewhere = system.installed.sandbox.join("elsewhere");
    let message = fail(system.command(&["start"]).env("RELEASE_TMP", &elsewhere));
    let expected = format!("`elsewhere@localhost` is already running as process {}", pid.trim());
    assert!(message.contains(&expected), "{message}");
    let message =
        fail(system.command(&["start"]).env("RELEASE_TMP", &elsewhere).env("RELEASE_COOKIE", "other"));
    assert!(message.contains("is already running, with another cookie"), "{message}");
}

/// Neither finds the other one running when it asks.
#[test]
fn of_two_starts_at_once_one_is_refused() {
    let installed = Installed::new(Kind::Plain);
    std::fs::remove_file(installed.root().join("releases/COOKIE")).unwrap();
    let start = |name: &str| {
        let mut command = installed.command(&["start"]);
        command.envs([("RELEASE_DISTRIBUTION", "sname"), ("RELEASE_EPMD", "none")]);
        command.env("PROBE_REPORT", installed.sandbox.join(name));
        command.stdout(Stdio::null()).stderr(std::fs::File::create(installed.sandbox.join("said")).unwrap());
        Running::start(&mut command)
    };
    let mut both = [start("one"), start("other")];
    let mut refused = None;
    wait_until("one of them ends", || {
        refused = both.iter_mut().position(Running::has_ended);
        refused.is_some()
    });
    let (refused, running) = (refused.unwrap(), 1 - refused.unwrap());
    assert_eq!(both[refused].status(), Some(1));
    let started = report(&installed.sandbox.join(["one", "other"][running]));
    let mut command = installed.command(&["pid"]);
    command.envs([("RELEASE_DISTRIBUTION", "sname"), ("RELEASE_EPMD", "none")]);
    assert_eq!(succeed(&mut command).stdout, format!("{}\n", started["pid"]));
    both[running].signal(Signal::TERM);
    assert_eq!(both[running].status(), Some(0));
}

/// `daemon` has ended before the system in the background asks.
#[test]
fn a_second_daemon_right_after_the_first_one_is_refused() {
    let installed = Installed::new(Kind::Plain);
    std::fs::remove_file(installed.root().join("releases/COOKIE")).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = installed.command(arguments);
        command.envs([("RELEASE_DISTRIBUTION", "sname"), ("RELEASE_EPMD", "none")]);
        command.env("PROBE_REPORT", installed.sandbox.join("started"));
        command
    };
    let first = command(&["daemon"]).status().unwrap();
    assert!(first.success());
    let message = fail(&mut command(&["daemon"]));
    assert!(message.starts_with("error: `plain` is already running as process "), "{message}");
    succeed(&mut command(&["ready", "--wait", "60"]));
    succeed(&mut command(&["stop", "--wait"]));
}

/// `stop` returns when the system has been asked: it may still be there for a moment.
#[test]
fn a_start_right_after_a_stop_waits_for_it() {
    let mut system = System::start();
    let started = system.installed.sandbox.join("again");
    system.printed(&["stop"]);
    let mut again = Running::start(system.command(&["start"]).env("PROBE_REPORT", &started));
    report(&started);
    assert_eq!(system.running.status(), Some(0));
    succeed(&mut system.command(&["ready", "--wait", "60"]));
    again.signal(Signal::TERM);
    assert_eq!(again.status(), Some(0));
}

/// Its state file took the place of that of the system with a name, which could not be asked any more.
#[test]
fn a_system_without_distribution_runs_beside_one_with_a_name() {
    let system = System::start();
    let started = system.installed.sandbox.join("beside");
    let mut beside = system.command(&["start"]);
    let mut beside =
        Running::start(beside.envs([("RELEASE_DISTRIBUTION", "none"), ("PROBE_REPORT", started.as_str())]));
    report(&started);
    assert_eq!(system.printed(&["ping"]), "pong\n");
    system.printed(&["stop", "--wait"]);
    // And one with a name can be started beside it.
    let mut again = Running::start(&mut system.command(&["start"]));
    succeed(&mut system.command(&["ready", "--wait", "60"]));
    for running in [&mut beside, &mut again] {
        running.signal(Signal::TERM);
        assert_eq!(running.status(), Some(0));
    }
}

#[test]
fn what_a_killed_system_has_left_does_not_matter() {
    let mut system = System::start();
    let pid = Pid::from_raw(system.printed(&["pid"]).trim().parse().unwrap()).unwrap();
    system.running.signal(Signal::KILL);
    assert_eq!(system.running.status(), None);
    let _ = kill_process(pid, Signal::KILL);
    wait_until("the virtual machine ends", || has_ended(pid));
    assert!(system.installed.root().join("tmp/plain.state").exists());
    let mut again = Running::start(&mut system.command(&["start"]));
    succeed(&mut system.command(&["ready", "--wait", "60"]));
    again.signal(Signal::TERM);
    assert_eq!(again.status(), Some(0));
}
