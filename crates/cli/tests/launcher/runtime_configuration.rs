//! Systems that reboot when they are configured: the secrets that they write are private, and do not stay.

use std::os::unix::fs::PermissionsExt;

use camino::Utf8PathBuf;
use rustix::process::Signal;

use crate::files::wait_until;
use crate::installed::{Installed, Kind};
use crate::running::{Running, end, has_ended, pid, report};
use crate::sandbox::{fail, succeed};

/// The copies that are there.
fn copies(installed: &Installed) -> Vec<Utf8PathBuf> {
    let Ok(entries) = installed.root().join("tmp").read_dir_utf8() else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.as_str().ends_with(".runtime.config"))
        .collect()
}

#[test]
fn the_copy_is_private_and_goes_with_the_system() {
    let installed = Installed::new(Kind::Rebooting);
    let started = installed.sandbox.join("started");
    let mut system = Running::start(
        installed.command(&["start"]).env("PROBE_SECRET", "hidden").env("PROBE_REPORT", &started),
    );
    let report = report(&started);
    assert_eq!((report["secret"].as_str(), report["mode"].as_str()), ("hidden", "embedded"));
    let copy = copies(&installed);
    assert_eq!(copy, [Utf8PathBuf::from(format!("{}.config", report["sys_config"]))]);
    assert_eq!(std::fs::metadata(&copy[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let directory = std::fs::metadata(installed.root().join("tmp")).unwrap();
    assert_eq!(directory.permissions().mode() & 0o777, 0o700);
    assert!(std::fs::read_to_string(&copy[0]).unwrap().contains("secret"));
    // Another command of the same release does not take it for a left one.
    assert_eq!(succeed(&mut installed.command(&["eval", "IO.puts(:beside)"])).stdout, "beside\n");
    assert_eq!(copies(&installed), copy);
    system.signal(Signal::TERM);
    assert_eq!(system.status(), Some(0));
    assert!(copies(&installed).is_empty());
}

#[test]
fn the_copy_of_a_killed_launcher_is_removed_at_the_next_start() {
    let installed = Installed::new(Kind::Rebooting);
    let started = installed.sandbox.join("started");
    let mut system = Running::start(installed.command(&["start"]).env("PROBE_REPORT", &started));
    let pid = pid(&report(&started));
    system.signal(Signal::KILL);
    assert_eq!(system.status(), None);
    wait_until("the virtual machine ends", || has_ended(pid));
    assert_eq!(copies(&installed).len(), 1);
    // Not the launcher's: another release's, or one that a running system of Mix may still read.
    let foreign = installed.root().join("tmp/rebooting-0.1.0-20260101000000-12ab.runtime.config");
    std::fs::write(&foreign, "[].").unwrap();
    let expression =
        "IO.puts(length(Path.wildcard(System.get_env(\"RELEASE_TMP\") <> \"/*.runtime.config\")))";
    assert_eq!(succeed(&mut installed.command(&["eval", expression])).stdout, "2\n");
    assert_eq!(copies(&installed), [foreign]);
}

#[test]
fn an_expression_is_configured_too() {
    let installed = Installed::new(Kind::Rebooting);
    let expression = "Application.load(:probe); IO.puts(Application.get_env(:probe, :secret))";
    let outcome = succeed(installed.command(&["eval", expression]).env("PROBE_SECRET", "hidden"));
    assert_eq!(outcome.stdout, "hidden\n");
    assert!(copies(&installed).is_empty());
    let outcome = crate::sandbox::run(&mut installed.command(&["eval", "exit({:shutdown, 7})"]));
    assert_eq!(outcome.status, Some(7));
    assert!(copies(&installed).is_empty());
}

/// The terminal sends the signal of Ctrl-C to the expression (or IEx) as well, which answers it.
#[test]
fn an_interrupt_of_the_launcher_leaves_an_expression_alone() {
    let installed = Installed::new(Kind::Rebooting);
    let (started, go_on) = (installed.sandbox.join("started"), installed.sandbox.join("go-on"));
    let expression = format!(
        "wait = fn wait -> File.exists?(\"{go_on}\") || (Process.sleep(5); wait.(wait)) end; \
         File.touch!(\"{started}\"); wait.(wait); exit({{:shutdown, 9}})"
    );
    let mut evaluation = Running::start(&mut installed.command(&["eval", &expression]));
    wait_until("the expression is evaluated", || started.exists());
    evaluation.signal(Signal::INT);
    std::fs::write(&go_on, "").unwrap();
    assert_eq!(evaluation.status(), Some(9));
    assert!(copies(&installed).is_empty());
}

#[test]
fn a_system_that_prunes_runs_without_a_copy() {
    let installed = Installed::new(Kind::Pruning);
    let started = installed.sandbox.join("started");
    let mut system = Running::start(installed.command(&["start"]).env("PROBE_REPORT", &started));
    report(&started);
    assert!(copies(&installed).is_empty());
    system.signal(Signal::TERM);
    assert_eq!(system.status(), Some(0));
}

#[test]
fn a_system_in_the_background_has_one_too() {
    let installed = Installed::new(Kind::Rebooting);
    let started = installed.sandbox.join("started");
    succeed(installed.command(&["daemon"]).env("PROBE_REPORT", &started));
    let pid = pid(&report(&started));
    let there = copies(&installed).len();
    end(pid);
    assert_eq!(there, 1);
    wait_until("the copy is removed", || copies(&installed).is_empty());
}

/// What a system hands on to the commands that it runs names its private copy, which is not theirs.
#[test]
fn a_command_that_the_system_runs_is_configured_itself() {
    let installed = Installed::new(Kind::Pruning);
    let chosen = installed.sandbox.join("chosen");
    let text = std::fs::read_to_string(installed.version_directory().join("sys.config")).unwrap();
    let changed = text.replacen("{elixir,[", "{elixir,[{chosen,here},", 1);
    assert_ne!(text, changed);
    std::fs::write(format!("{chosen}.config"), changed).unwrap();
    let inner = "Application.load(:probe); \
                 IO.inspect({Application.get_env(:elixir, :chosen), Application.get_env(:probe, :secret)})";
    let outer = format!(
        "{{output, 0}} = System.cmd(\"{}\", [\"eval\", ~S'{inner}'], env: [{{\"PROBE_SECRET\", \"new\"}}]); \
         IO.write(output)",
        installed.executable()
    );
    let outcome = succeed(installed.command(&["eval", &outer]).env("RELEASE_SYS_CONFIG", &chosen));
    assert_eq!(outcome.stdout, "{:here, \"new\"}\n");
    assert!(copies(&installed).is_empty());
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let installed = Installed::new(Kind::Rebooting);
    let file = installed.sandbox.join("file");
    std::fs::write(&file, "").unwrap();
    let message = fail(installed.command(&["start"]).env("RELEASE_TMP", file.join("tmp")));
    assert!(message.contains(file.as_str()) && message.contains("RELEASE_TMP has to be"), "{message}");
}
