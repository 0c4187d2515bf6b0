//! Virtual machines that crash: the status, and where the crash dump is.

use std::process::Command;

use camino::Utf8Path;
use rustix::process::{Signal, kill_process};

use crate::files::wait_for;
use crate::installed::{Installed, Kind};
use crate::running::{Running, pid, report};
use crate::sandbox::{Outcome, run, succeed};

const HALT: &str = ":erlang.halt('asked to crash')";

fn note(path: &Utf8Path) -> String {
    format!("note: the crash dump of the virtual machine is `{path}`\n")
}

/// Runs a system to its end, which has to be a crash that leaves a dump there.
fn crash(command: &mut Command, expression: &str, dump: &Utf8Path) -> Outcome {
    let outcome = run(command.env("PROBE_EVAL", expression));
    assert!(outcome.stderr.contains(&note(dump)), "{outcome:?}");
    let text = String::from_utf8_lossy(&std::fs::read(dump).unwrap()).into_owned();
    assert!(text.starts_with("=erl_crash_dump"), "{text}");
    std::fs::remove_file(dump).unwrap();
    outcome
}

#[test]
fn a_segmentation_fault_has_its_status_and_no_dump() {
    let installed = Installed::new(Kind::Plain);
    let started = installed.sandbox.join("started");
    let errors = installed.sandbox.join("errors");
    // An earlier crash is not this one's, were it of a moment ago.
    std::fs::write(installed.sandbox.join("erl_crash.dump"), "=erl_crash_dump").unwrap();
    let mut command = installed.command(&["start"]);
    command.env("PROBE_REPORT", &started).stderr(std::fs::File::create(&errors).unwrap());
    let mut system = Running::start(&mut command);
    kill_process(pid(&report(&started)), Signal::SEGV).unwrap();
    assert_eq!(system.status(), Some(128 + 11));
    assert!(!std::fs::read_to_string(&errors).unwrap().contains("crash dump"));
}

#[test]
fn a_crash_says_where_its_dump_is() {
    let installed = Installed::new(Kind::Plain);
    let sandbox = &installed.sandbox;
    let start = || installed.command(&["start"]);
    assert_eq!(crash(&mut start(), HALT, &sandbox.join("erl_crash.dump")).status, Some(1));
    let named = sandbox.join("named");
    crash(start().env("ERL_CRASH_DUMP", "named"), HALT, &named);
    crash(start().env("ERL_CRASH_DUMP", "other").env("ERL_FLAGS", "-env ERL_CRASH_DUMP named"), HALT, &named);
    let nothing = run(start().env("PROBE_EVAL", HALT).env("ERL_CRASH_DUMP_BYTES", "0"));
    assert_eq!((nothing.status, nothing.stderr.contains("note:")), (Some(1), false), "{nothing:?}");
}

/// The current directory of a container is the release, and read-only.
#[test]
fn a_crash_where_nothing_can_be_written_leaves_its_dump_in_release_tmp() {
    let installed = Installed::new(Kind::Plain);
    let temporary = installed.sandbox.join("temporary");
    let mut start = installed.command(&["start"]);
    // Nobody can write there, not even root.
    start.current_dir("/proc/self").env("RELEASE_TMP", &temporary);
    crash(&mut start, HALT, &temporary.join("erl_crash.dump"));
}

#[test]
fn a_system_without_memory_says_where_its_dump_is() {
    let installed = Installed::new(Kind::Plain);
    let mut shell = installed.sandbox.command("sh");
    shell.args(["-c", "ulimit -v 16000000; exec \"$0\" start"]).arg(installed.executable());
    let outcome = crash(
        &mut shell,
        ":binary.copy(<<0>>, 64 * 1024 * 1024 * 1024)",
        &installed.sandbox.join("erl_crash.dump"),
    );
    assert!(outcome.stderr.contains("Cannot allocate"), "{outcome:?}");
    assert_eq!(outcome.status, Some(1));
}

#[test]
fn a_crash_in_the_background_is_in_the_log() {
    let installed = Installed::new(Kind::Plain);
    succeed(installed.command(&["daemon"]).env("PROBE_EVAL", HALT));
    let expected = note(&installed.sandbox.join("erl_crash.dump"));
    let log = installed.root().join("tmp/log/erlang.log.1");
    wait_for(&log, |text| text.contains(expected.trim_end()));
}
