//! `eval`: output, arguments, exit statuses.

use std::process::Command;

use crate::installed::{Installed, Kind};
use crate::sandbox::{fail, run, succeed};

#[test]
fn an_expression_has_arguments_and_no_running_applications() {
    let installed = Installed::new(Kind::Plain);
    let started = "Enum.any?(Application.started_applications(), &(elem(&1, 0) == :probe))";
    let expression = format!("IO.inspect({{System.argv(), {started}, node(), :code.get_mode()}})");
    let outcome = succeed(&mut installed.command(&["eval", &expression, "one", "--two", "a b"]));
    assert_eq!(outcome.stdout, "{[\"one\", \"--two\", \"a b\"], false, :nonode@nohost, :interactive}\n");
    let expression =
        "{:ok, _} = Application.ensure_all_started(:probe); IO.puts(Application.get_env(:probe, :secret))";
    let outcome = succeed(installed.command(&["eval", expression]).env("PROBE_SECRET", "given"));
    assert_eq!(outcome.stdout, "given\n");
}

#[test]
fn x09_exit_statuses() {
    let installed = Installed::new(Kind::Plain);
    for (expression, status, stderr) in [
        ("exit({:shutdown, 7})", 7, ""),
        ("exit(:normal)", 0, ""),
        ("exit(:shutdown)", 0, ""),
        ("exit({:shutdown, :other})", 0, ""),
        ("System.halt(9)", 9, ""),
        ("raise \"oops\"", 1, "(RuntimeError) oops"),
        ("throw(:ball)", 1, ":ball"),
        ("exit(:broken)", 1, ":broken"),
        ("1 +", 1, "TokenMissingError"),
    ] {
        let outcome = run(&mut installed.command(&["eval", expression]));
        assert_eq!(outcome.status, Some(status), "{expression}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(stderr), "{expression}: {}", outcome.stderr);
    }
    // Before Elixir 1.15 it is a race which of the two ends comes first.
    if installed.elixir() >= (1, 15) {
        let outcome = run(&mut installed.command(&["eval", "System.stop(5)"]));
        assert_eq!(outcome.status, Some(5));
    }
}

/// As in a directory that somebody has changed the root to.
#[test]
fn a_system_without_devices_says_so() {
    let installed = Installed::new(Kind::Plain);
    let without_devices = |script: &str| {
        let inner = installed.command(&["eval", "IO.puts(:done)"]);
        let mut command = Command::new("unshare");
        command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["--mount", "/bin/sh", "-euc", &format!("mount -t tmpfs none /dev; {script}"), "sh"]);
        command.arg(inner.get_program()).args(inner.get_args());
        command
    };
    if run(&mut without_devices("true")).status != Some(0) {
        testing::skip("mounting is not permitted here");
        return;
    }
    // The virtual machine itself would ask for it again and again.
    let message = fail(&mut without_devices("exec \"$@\""));
    assert!(message.starts_with("error: cannot write to `/dev/null`: No such file"), "{message}");
    // Nothing else is needed.
    let outcome = succeed(&mut without_devices("mknod -m 666 /dev/null c 1 3; exec \"$@\""));
    assert_eq!(outcome.stdout, "done\n");
}
