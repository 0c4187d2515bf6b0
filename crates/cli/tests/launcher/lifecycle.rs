//! `start` from the beginning to the end of a system.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use crate::files::wait_until;
use crate::installed::{Installed, Kind};
use crate::running::{Running, end, has_ended, pid, report};
use crate::sandbox::succeed;

#[test]
fn signals_stop_the_system_gracefully() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP] {
        let installed = Installed::new(Kind::Plain);
        let (started, stopped) = (installed.sandbox.join("started"), installed.sandbox.join("stopped"));
        let mut system = Running::start(
            installed.command(&["start"]).env("PROBE_REPORT", &started).env("PROBE_STOPPED", &stopped),
        );
        let report = report(&started);
        assert_eq!(report["mode"], "embedded");
        assert_eq!(report["command"], "start");
        system.signal(signal);
        assert_eq!(system.status(), Some(0), "{signal:?}");
        assert_eq!(std::fs::read_to_string(&stopped).unwrap(), "stopped", "{signal:?}");
        assert!(has_ended(pid(&report)));
    }
}

/// The virtual machine ignores what comes before kernel runs: the system started as if nobody had asked it to stop.
#[test]
fn a_signal_while_the_system_boots_stops_it() {
    let installed = Installed::new(Kind::Plain);
    for moment in [0, 20, 50, 100, 150, 200, 300, 400] {
        let mut system = Running::start(&mut installed.command(&["start"]));
        let children = format!("/proc/{0}/task/{0}/children", system.id());
        wait_until("the virtual machine starts", || {
            std::fs::read_to_string(&children).is_ok_and(|children| !children.is_empty())
        });
        std::thread::sleep(Duration::from_millis(moment));
        system.signal(Signal::TERM);
        // Killed before it had set up anything, or stopped.
        let status = system.status();
        assert!(matches!(status, Some(0 | 143)), "{status:?} after {moment} ms");
    }
}

#[test]
fn the_exit_status_is_that_of_the_system() {
    let installed = Installed::new(Kind::Plain);
    for (variable, value, status) in [("PROBE_HALT", "3", 3), ("PROBE_STOP", "4", 4), ("PROBE_RAISE", "1", 1)]
    {
        let mut command = installed.command(&["start"]);
        command.env(variable, value).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        assert_eq!(Running::start(&mut command).status(), Some(status), "{variable}");
    }
}

#[test]
fn a_killed_virtual_machine_is_reported_as_a_shell_does() {
    let installed = Installed::new(Kind::Plain);
    let started = installed.sandbox.join("started");
    let mut system = Running::start(installed.command(&["start"]).env("PROBE_REPORT", &started));
    kill_process(pid(&report(&started)), Signal::KILL).unwrap();
    assert_eq!(system.status(), Some(128 + 9));
}

#[test]
fn the_system_does_not_outlive_a_killed_launcher() {
    let installed = Installed::new(Kind::Plain);
    let (started, stopped) = (installed.sandbox.join("started"), installed.sandbox.join("stopped"));
    let mut system = Running::start(
        installed.command(&["start"]).env("PROBE_REPORT", &started).env("PROBE_STOPPED", &stopped),
    );
    let pid = pid(&report(&started));
    system.signal(Signal::KILL);
    assert_eq!(system.status(), None);
    wait_until("the virtual machine ends", || has_ended(pid));
    assert_eq!(std::fs::read_to_string(&stopped).unwrap(), "stopped");
}

/// Somebody who ignores the end of its children has started the launcher; `nohup` stays what it is.
#[test]
fn what_the_caller_ignores_does_no_harm() {
    let installed = Installed::new(Kind::Plain);
    let (started, stopped) = (installed.sandbox.join("started"), installed.sandbox.join("stopped"));
    let mut shell = installed.sandbox.command("sh");
    shell.args(["-c", "trap '' CHLD HUP; exec \"$0\" start"]).arg(installed.executable());
    let mut system = Running::start(shell.env("PROBE_REPORT", &started).env("PROBE_STOPPED", &stopped));
    report(&started);
    system.signal(Signal::HUP);
    // For as long as another virtual machine takes, this one has not stopped.
    succeed(&mut installed.command(&["eval", ":ok"]));
    assert!(!stopped.exists());
    system.signal(Signal::TERM);
    assert_eq!(system.status(), Some(0));
}

#[test]
fn links_and_directories_do_not_matter() {
    let installed = Installed::new(Kind::Plain);
    let link = installed.sandbox.join("elsewhere/bin/link");
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(installed.executable(), &link).unwrap();
    symlink("link", link.with_file_name("relative")).unwrap();
    symlink("../../release", link.with_file_name("directory")).unwrap();
    let expression = "IO.puts(System.get_env(\"RELEASE_ROOT\") <> \" \" <> System.get_env(\"RELEASE_PROG\"))";
    let bin = link.parent().unwrap();
    for (program, name) in [
        (link.clone(), "link"),
        (bin.join("relative"), "relative"),
        (bin.join("directory/bin/plain"), "plain"),
        ("./relative".into(), "relative"),
        ("relative".into(), "relative"),
        ("../../release/bin/plain".into(), "plain"),
    ] {
        let mut command = installed.sandbox.command("sh");
        command.args(["-c", "PATH=.:$PATH; exec \"$@\"", "sh", program.as_str(), "eval", expression]);
        let outcome = succeed(command.current_dir(bin));
        assert_eq!(outcome.stdout, format!("{} {name}\n", installed.root()), "{program}");
    }
}

/// Everything about the files of a directory that writing changes.
fn listing(directory: &Path) -> Vec<(String, u64, i64, i64)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(current) = open.pop() {
        let about = std::fs::metadata(&current).unwrap();
        found.push((current.display().to_string(), about.len(), about.mtime(), about.mtime_nsec()));
        if about.is_dir() {
            open.extend(std::fs::read_dir(&current).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found.sort();
    found
}

/// Modes are no obstacle for root: that nothing was written is seen by comparing.
#[test]
fn a_read_only_release_needs_nothing_but_its_temporary_directory() {
    let installed = Installed::new(Kind::Rebooting);
    installed.set_env_sh("export PROBE_GIVEN=given\n");
    let started = installed.sandbox.join("started");
    let temporary = installed.sandbox.join("temporary/release");
    let set_mode = |mode: u32| {
        for directory in ["", "bin", "releases", "releases/0.1.0"] {
            let path = installed.root().join(directory);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    set_mode(0o555);
    let before = listing(installed.root().as_std_path());
    let mut system = Running::start(
        installed.command(&["start"]).env("RELEASE_TMP", &temporary).env("PROBE_REPORT", &started),
    );
    let report = report(&started);
    assert!(report["sys_config"].starts_with(temporary.as_str()));
    assert_eq!(report["given"], "given");
    system.signal(Signal::TERM);
    assert_eq!(system.status(), Some(0));
    let mut daemon = installed.command(&["daemon"]);
    let second = installed.sandbox.join("second");
    succeed(daemon.env("RELEASE_TMP", &temporary).env("PROBE_REPORT", &second));
    end(pid(&crate::running::report(&second)));
    let after = listing(installed.root().as_std_path());
    set_mode(0o755);
    assert!(before == after, "something was written into the release");
}
