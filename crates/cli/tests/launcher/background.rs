//! `daemon` and `daemon_iex`.

use camino::Utf8PathBuf;
use rustix::process::{Signal, kill_process};

use crate::files::{wait_for, wait_until};
use crate::installed::{Installed, Kind};
use crate::running::{end, has_ended, parent, pid, report, session};
use crate::sandbox::succeed;

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
    let launcher = parent(pid);
    let (log, pipes) = (installed.root().join("tmp/log/erlang.log.1").exists(), pipes(&installed));
    end(launcher);
    assert!(has_ended(pid));
    assert!(log);
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
