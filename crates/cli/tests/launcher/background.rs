//! `daemon` and `daemon_iex`.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use rustix::process::{Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::control::Epmd;
use crate::files::{wait_for, wait_until};
use crate::installed::{Installed, Kind};
use crate::running::{end, has_ended, parent, pid, report, session};
use crate::sandbox::{fail, succeed};

/// The ends of the pipe that `to_erl` opens.
fn pipes(installed: &Installed) -> Vec<Utf8PathBuf> {
    let entries = installed.root().join("tmp/pipe").read_dir_utf8().unwrap();
    let mut names: Vec<Utf8PathBuf> = entries.map(|entry| entry.unwrap().file_name().into()).collect();
    names.sort();
    names
}

#[test]
fn a_system_in_the_background_has_a_log_and_a_pipe() {
    // As difficult as a path may be.
    let installed = Installed::at(Kind::Plain, "it's a \"release\" $HOME; & `x`");
    let (started, stopped) = (installed.sandbox.join("started"), installed.sandbox.join("stopped"));
    succeed(
        installed
            .command(&["daemon"])
            .env("PROBE_REPORT", &started)
            .env("PROBE_STOPPED", &stopped)
            .env("PROBE_GIVEN", "given"),
    );
    let report = report(&started);
    let pid = pid(&report);
    assert_eq!((report["command"].as_str(), report["given"].as_str()), ("daemon", "given"));
    // The caller has ended; the end of its session is none of the system's business either.
    let sessions = (session(&report["pid"]), session("self"));
    let mode = std::fs::metadata(installed.root().join("tmp")).unwrap().permissions().mode() & 0o777;
    let launcher = parent(pid);
    let (log, pipes) = (installed.root().join("tmp/log/erlang.log.1").exists(), pipes(&installed));
    end(launcher);
    assert!(has_ended(pid));
    assert!(log);
    // What it prints is nobody else's to read.
    assert_eq!(mode, 0o700);
    assert_ne!(sessions.0, sessions.1);
    assert_eq!(pipes, ["erlang.pipe.1.r", "erlang.pipe.1.w"]);
    assert_eq!(std::fs::read_to_string(&stopped).unwrap(), "stopped");
}

#[test]
fn iex_waits_in_the_background() {
    let installed = Installed::new(Kind::Plain);
    installed.set_env_sh("export PROBE_GIVEN=\"$PROBE_GIVEN once\"\n");
    let started = installed.sandbox.join("started");
    succeed(installed.command(&["daemon_iex"]).env("PROBE_REPORT", &started));
    let report = report(&started);
    let pid = pid(&report);
    wait_for(&installed.root().join("tmp/log/erlang.log.1"), |text| text.contains("iex("));
    end(pid);
    assert_eq!((report["command"].as_str(), report["given"].as_str()), ("daemon_iex", " once"));
    wait_until("the pipe is removed", || pipes(&installed).is_empty());
    assert!(has_ended(pid));
}

/// A node that its own machine can reach.
const ON_LOOPBACK: [(&str, &str); 3] = [
    ("RELEASE_DISTRIBUTION", "sname"),
    ("RELEASE_NODE", "background@localhost"),
    ("RELEASE_DIST_LISTEN", "127.0.0.1"),
];

/// Mix's `daemon` succeeds, and the system is not there.
#[test]
fn a_system_that_fails_at_once_in_the_background_is_an_error() {
    let installed = Installed::new(Kind::Plain);
    let epmd = Epmd::start(&installed);
    for epmd in [("RELEASE_EPMD", "none"), ("ERL_EPMD_PORT", &epmd.port.to_string())] {
        let mut daemon = installed.command(&["daemon"]);
        daemon.envs(ON_LOOPBACK).envs([epmd, ("PROBE_RAISE", "1")]);
        let message = fail(&mut daemon);
        let log = installed.root().join("tmp/log/erlang.log.1");
        let expected = format!("error: the system has ended right after its start\nhint: `{log}` says why\n");
        assert_eq!(message, expected, "{epmd:?}");
        wait_for(&log, |text| text.contains("asked to fail"));
    }
}

/// `daemon` waited for ten seconds for a system that never began, and succeeded.
#[test]
fn a_system_that_does_not_even_begin_in_the_background_is_an_error() {
    let installed = Installed::new(Kind::Plain);
    let start = Instant::now();
    for missing in [("RELEASE_VM_ARGS", "/nonexistent"), ("RELEASE_BOOT_SCRIPT", "nonexistent")] {
        let mut daemon = installed.command(&["daemon"]);
        let message = fail(daemon.envs(ON_LOOPBACK).envs([("RELEASE_EPMD", "none"), missing]));
        assert!(message.starts_with("error: the system has ended right after its start\n"), "{message}");
        wait_for(&installed.root().join("tmp/log/erlang.log.1"), |text| text.contains("nonexistent"));
    }
    // Ten seconds is what each of them was waited for.
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Control commands find it as soon as `daemon` has ended, whoever hands out its port.
#[test]
fn a_system_in_the_background_can_be_asked_at_once() {
    let installed = Installed::new(Kind::Plain);
    let epmd = Epmd::start(&installed);
    for epmd in [("RELEASE_EPMD", "none"), ("ERL_EPMD_PORT", &epmd.port.to_string())] {
        let command = |arguments: &[&str]| {
            let mut command = installed.command(arguments);
            command.envs(ON_LOOPBACK).envs([epmd]);
            command
        };
        succeed(&mut command(&["daemon"]));
        let asked = command(&["ping"]).output().unwrap();
        succeed(&mut command(&["stop", "--wait"]));
        assert_eq!(String::from_utf8_lossy(&asked.stdout), "pong\n", "{epmd:?}: {asked:?}");
        let log = std::fs::read_to_string(installed.root().join("tmp/log/erlang.log.1")).unwrap();
        assert!(!log.contains("rejected"), "{log}");
    }
}

/// As `ssh HOST bin/NAME daemon` does: the terminal goes when the command has ended.
#[test]
fn a_system_in_the_background_survives_the_end_of_its_terminal() {
    let installed = Installed::new(Kind::Plain);
    let (started, stopped) = (installed.sandbox.join("started"), installed.sandbox.join("stopped"));
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let side = || Stdio::from(terminal.try_clone().unwrap());
    let mut session = installed.sandbox.command("setsid");
    session.args(["--ctty", "sh", "-c", "\"$0\" daemon"]).arg(installed.executable());
    session.env("PROBE_REPORT", &started).env("PROBE_STOPPED", &stopped);
    let status = session.stdin(side()).stdout(side()).stderr(side()).status().unwrap();
    drop(session);
    drop((terminal, controller));
    assert_eq!(status.code(), Some(0));
    let pid = pid(&report(&started));
    assert!(!stopped.exists() && !has_ended(pid));
    end(pid);
    assert_eq!(std::fs::read_to_string(&stopped).unwrap(), "stopped");
}

#[test]
fn logs_rotate_at_their_cap() {
    let installed = Installed::new(Kind::Plain);
    let started = installed.sandbox.join("started");
    let mut daemon = installed.command(&["daemon"]);
    daemon.env("RUN_ERL_LOG_MAXSIZE", "2000").env("RUN_ERL_LOG_GENERATIONS", "3");
    daemon.env("PROBE_REPORT", &started);
    daemon.env("PROBE_EVAL", "for i <- 1..5000, do: IO.puts(\"line #{i} of many\"); IO.puts(\"the end\")");
    succeed(&mut daemon);
    let log = installed.root().join("tmp/log");
    let logs = || -> Vec<Utf8PathBuf> {
        let entries = log.read_dir_utf8().into_iter().flatten().map(|entry| entry.unwrap().into_path());
        entries.filter(|path| path.file_name().unwrap().starts_with("erlang.log.")).collect()
    };
    wait_until("the last line is written", || {
        logs().iter().any(|path| std::fs::read_to_string(path).unwrap_or_default().contains("the end"))
    });
    let sizes: Vec<u64> = logs().iter().map(|path| std::fs::metadata(path).unwrap().len()).collect();
    end(pid(&report(&started)));
    // `run_erl` keeps a gap among its files. It writes what it has read, 8 KiB at most, into one of them.
    assert!((1..=3).contains(&sizes.len()), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size < 2000 + 8192 + 200), "{sizes:?}");
}

/// `run_erl` would take the first for one byte, and crash with the last.
#[test]
fn limits_of_logs_that_are_none_are_refused() {
    let installed = Installed::new(Kind::Plain);
    for (variable, value) in [
        ("RUN_ERL_LOG_MAXSIZE", "1MB"),
        ("RUN_ERL_LOG_MAXSIZE", "10"),
        ("RUN_ERL_LOG_GENERATIONS", "1"),
        ("RUN_ERL_LOG_GENERATIONS", "100000"),
    ] {
        let message = fail(installed.command(&["daemon"]).env(variable, value));
        assert!(
            message.contains(&format!("{variable} is `{value}`\nhint: it has to be a number from ")),
            "{message}"
        );
    }
}

#[test]
fn a_stale_pipe_is_removed() {
    let installed = Installed::new(Kind::Plain);
    let directory = installed.root().join("tmp/pipe");
    let started = installed.sandbox.join("started");
    let make = |name: &str, age: &str| {
        let path = directory.join(name);
        succeed(installed.sandbox.command("mkfifo").arg(&path));
        succeed(installed.sandbox.command("touch").args(["-d", age]).arg(&path));
    };
    std::fs::create_dir_all(&directory).unwrap();
    for name in ["erlang.pipe.1.r", "erlang.pipe.1.w", "erlang.pipe.7.r", "erlang.pipe.7.w"] {
        make(name, "1 minute ago");
    }
    // Nobody else's, and one that somebody reads.
    for name in ["other.w", "erlang.pipe.2.r", "erlang.pipe.2.w"] {
        make(name, "1 minute ago");
    }
    let read =
        std::fs::OpenOptions::new().read(true).write(true).open(directory.join("erlang.pipe.2.w")).unwrap();
    succeed(installed.command(&["daemon"]).env("PROBE_REPORT", &started));
    let pid = pid(&report(&started));
    let found = pipes(&installed);
    end(pid);
    drop(read);
    let expected = ["2.r", "2.w", "3.r", "3.w"].map(|end| format!("erlang.pipe.{end}"));
    assert_eq!(found, [&expected[..], &["other.w".to_owned()]].concat());
}

/// As the comments in Mix's `env.sh` suggest.
const WITH_HEART: &str = r#"
case $RELEASE_COMMAND in
  daemon*)
    HEART_COMMAND="$RELEASE_ROOT/bin/$RELEASE_NAME $RELEASE_COMMAND"
    export HEART_COMMAND
    export ELIXIR_ERL_OPTIONS="-heart"
    ;;
esac
"#;

#[test]
fn heart_starts_a_killed_system_again() {
    for kind in [Kind::Plain, Kind::Rebooting] {
        let installed = Installed::new(kind);
        installed.set_env_sh(WITH_HEART);
        let started = installed.sandbox.join("started");
        succeed(installed.command(&["daemon"]).env("PROBE_REPORT", &started).env("PROBE_SECRET", "hidden"));
        let first = pid(&report(&started));
        std::fs::remove_file(&started).unwrap();
        kill_process(first, Signal::KILL).unwrap();
        let report = report(&started);
        let second = pid(&report);
        end(second);
        assert_ne!(first, second);
        assert_eq!((report["secret"].as_str(), report["mode"].as_str()), ("hidden", "embedded"), "{kind:?}");
    }
}
