//! The launcher starts the virtual machine with the arguments and the environment that Mix's script would give it. What
//! differs is written here, and explained in docs/differences.md.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use crate::installed::{Installed, Kind};
use crate::sandbox::run;

/// Stands in for `erlexec`.
const RECORDER: &str = r#"#!/bin/sh
: >"$RECORD.arguments"
for argument in "$@"; do printf '%s\0' "$argument" >>"$RECORD.arguments"; done
env -0 >"$RECORD.environment"
"#;

/// Set by shells.
const OF_SHELLS: [&str; 4] = ["PWD", "OLDPWD", "SHLVL", "_"];

/// A port where nobody answers: what the machine's EPMD says is no matter of these tests.
const NO_EPMD: &str = "1";

struct Recorded {
    elixir: (u32, u32),
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

fn record(installed: &Installed, mut command: Command, environment: &[(&str, &str)]) -> Recorded {
    installed.replace_erlexec(RECORDER);
    let record = installed.sandbox.join("record");
    command.env_remove("RELEASE_DISTRIBUTION").env("ERL_EPMD_PORT", NO_EPMD);
    command.envs(environment.iter().copied()).env("RECORD", &record);
    let outcome = run(&mut command);
    assert_eq!(outcome.status, Some(0), "{command:?}");
    assert!(outcome.stderr.is_empty() || outcome.stderr.starts_with("note: a second virtual machine"));
    let read = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(format!("{record}.{name}")).unwrap();
        text.split_terminator('\0').map(|text| comparable(installed, text)).collect()
    };
    let environment = read("environment").into_iter().filter_map(|variable| {
        let (name, value) = variable.split_once('=')?;
        (!OF_SHELLS.contains(&name)).then(|| (name.to_owned(), value.to_owned()))
    });
    Recorded { elixir: installed.elixir(), arguments: read("arguments"), environment: environment.collect() }
}

/// The same text for two releases at different places.
fn comparable(installed: &Installed, text: &str) -> String {
    let text =
        text.replace("/releases/0.1.0/../..", "").replace(installed.sandbox.path().as_str(), "SANDBOX");
    // So is the name of a node that only asks another one.
    for prefix in ["rpc-", "rem-"] {
        if let Some(node) = text.strip_prefix(prefix).and_then(|rest| rest.get(4..)) {
            return format!("{prefix}RAND{node}");
        }
    }
    // The name of the private copy is different every time.
    match text.split_once("-0.1.0-") {
        Some((start, copy)) if copy.ends_with(".runtime") => format!("{start}-0.1.0-COPY"),
        _ => text,
    }
}

/// What is meant to differ from Mix's script.
fn with_differences(mut mix: Recorded, kind: Kind, command: &str) -> Recorded {
    if command == "start" {
        let mode = mix.arguments.iter().position(|argument| argument == "-mode").map(|at| at + 2);
        let reboot = mix.arguments.iter().position(|argument| argument == "config_provider_reboot_mode");
        mix.arguments.insert(mode.or(reboot.map(|at| at + 2)).unwrap(), "+Bi".to_owned());
    }
    // Who has named no host is reached by nobody else.
    if let Some(at) = mix.arguments.iter().position(|argument| argument == "-sname")
        && command.starts_with("start")
        && !mix.arguments[at + 1].contains('@')
    {
        let loopback = ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"].map(str::to_owned);
        mix.arguments.splice(at + 2..at + 2, loopback);
        mix.environment.insert("ERL_EPMD_ADDRESS".to_owned(), "127.0.0.1".to_owned());
    }
    // What the copy was made from.
    if mix.environment.get("RELEASE_SYS_CONFIG").is_some_and(|path| path.ends_with("-COPY")) {
        let original = mix.environment.get("ORIGINAL").cloned();
        let default = || format!("{}/releases/0.1.0/sys", mix.environment["RELEASE_ROOT"]);
        mix.environment.insert("BEAMSHIP_SYS_CONFIG".to_owned(), original.unwrap_or_else(default));
    }
    if mix.elixir < (1, 15) {
        if kind != Kind::Plain
            && let Some(at) = mix.arguments.iter().position(|argument| argument == "-mode")
        {
            mix.arguments.splice(at..=at, ["-elixir".to_owned(), "config_provider_reboot_mode".to_owned()]);
        }
        // Its script drops them.
        if command == "eval" {
            mix.arguments.extend(["--", "one", "two words"].map(str::to_owned));
        }
    }
    mix
}

fn compare(kind: Kind, arguments: &[&str], environment: &[(&str, &str)]) {
    compare_run(kind, arguments, environment, Installed::command);
}

/// The same with another way of running the command.
fn compare_run(
    kind: Kind,
    arguments: &[&str],
    environment: &[(&str, &str)],
    command: impl Fn(&Installed, &[&str]) -> Command,
) {
    let record = |installed: &Installed| record(installed, command(installed, arguments), environment);
    let ours = record(&Installed::new(kind));
    let mix = record(&Installed::of_mix(kind, "release"));
    let expected = with_differences(mix, kind, arguments[0]);
    assert_eq!(ours.arguments, expected.arguments, "{arguments:?} {environment:?}");
    assert_eq!(ours.environment, expected.environment, "{arguments:?} {environment:?}");
    assert!(ours.environment.contains_key("RELEASE_COOKIE"));
}

const EVAL: [&str; 4] = ["eval", "IO.puts(\"a 'b' $c\")", "one", "two words"];

#[test]
fn the_defaults() {
    for command in [&["start"][..], &["start_iex"], &EVAL] {
        compare(Kind::Plain, command, &[]);
    }
}

#[test]
fn a_release_that_reboots() {
    for command in [&["start"][..], &["start_iex"], &EVAL] {
        compare(Kind::Rebooting, command, &[]);
    }
    compare(Kind::Rebooting, &["start"], &[("RELEASE_MODE", "interactive")]);
}

#[test]
fn variables_choose_mode_and_distribution() {
    for environment in [
        &[("RELEASE_MODE", "interactive")][..],
        &[("RELEASE_MODE", "")],
        &[("RELEASE_DISTRIBUTION", "none")],
        &[("RELEASE_DISTRIBUTION", "name"), ("RELEASE_NODE", "probe@127.0.0.1")],
        &[("RELEASE_DISTRIBUTION", "sname"), ("RELEASE_NODE", "other"), ("RELEASE_COOKIE", "a cookie")],
    ] {
        compare(Kind::Plain, &["start"], environment);
    }
}

#[test]
fn variables_choose_files() {
    let other = crate::sandbox::Sandbox::new();
    let [arguments, remote] = ["vm.args", "remote.vm.args"].map(|name| other.join(name));
    for file in [&arguments, &remote] {
        crate::files::write(file, "+Bi\n");
    }
    let environment = [
        ("RELEASE_VM_ARGS", arguments.as_str()),
        ("RELEASE_REMOTE_VM_ARGS", remote.as_str()),
        ("RELEASE_BOOT_SCRIPT", "start_clean"),
        ("RELEASE_BOOT_SCRIPT_CLEAN", "../0.1.0/start"),
        ("RELEASE_TMP", "/somewhere/tmp"),
        ("RELEASE_NAME", "renamed"),
        ("RELEASE_PROG", "program"),
        ("RELEASE_ROOT", "/ignored"),
        ("RELEASE_COMMAND", "ignored"),
    ];
    compare(Kind::Plain, &["start"], &environment);
    compare(Kind::Plain, &EVAL, &environment);
}

#[test]
fn the_configuration_may_be_elsewhere() {
    for (kind, text) in [(Kind::Plain, "[].\n"), (Kind::Rebooting, "%% RUNTIME_CONFIG=true\n[].\n")] {
        let other = crate::sandbox::Sandbox::new();
        crate::files::write(&other.join("other.config"), text);
        let path = other.join("other");
        compare(kind, &["start"], &[("RELEASE_SYS_CONFIG", path.as_str()), ("ORIGINAL", path.as_str())]);
    }
}

#[test]
fn options_of_elixir_and_erlang() {
    let environment = [
        ("ELIXIR_ERL_OPTIONS", " +fnu  -env A b "),
        ("ERL_AFLAGS", "-a 1"),
        ("ERL_FLAGS", "-b 2"),
        ("ERL_ZFLAGS", "-c 3"),
        ("NO_COLOR", "1"),
        ("BINDIR", "/wrong"),
        ("EMU", "wrong"),
        ("PROGNAME", "wrong"),
    ];
    for command in [&["start"][..], &["start_iex"], &EVAL] {
        compare(Kind::Plain, command, &environment);
    }
}

/// `erlexec` would run a shell and an EPMD that ends at once, and wait for both.
#[test]
fn an_epmd_that_answers_is_not_started_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let epmd = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = [0; 64];
        let length = connection.read(&mut request).unwrap();
        // There is no node of this name.
        connection.write_all(b"w\x01").unwrap();
        request[..length].to_vec()
    });
    let installed = Installed::new(Kind::Plain);
    let recorded = record(&installed, installed.command(&["start"]), &[("ERL_EPMD_PORT", &port)]);
    assert!(epmd.join().unwrap().starts_with(b"\0\x06zplain"));
    let flag = recorded.arguments.iter().position(|argument| argument == "-start_epmd");
    assert_eq!(recorded.arguments[flag.unwrap() + 1], "false");
}

/// Where a virtual machine has to ask the system, it is the one that Mix's script starts.
#[test]
fn control_commands_over_tls() {
    let environment = [("ELIXIR_ERL_OPTIONS", "-proto_dist inet_tls"), ("RELEASE_NODE", "probe@localhost")];
    for command in [&["rpc", "IO.puts(\"a 'b' $c\")"][..], &["stop"], &["restart"]] {
        compare(Kind::Plain, command, &environment);
    }
    // Without a host as well.
    compare(Kind::Plain, &["stop"], &environment[..1]);
}

#[test]
fn a_console_in_a_virtual_machine_of_its_own() {
    for environment in [&[][..], &[("RELEASE_DISTRIBUTION", "name"), ("RELEASE_NODE", "probe@127.0.0.1")]] {
        let ours = record_remote(&Installed::new(Kind::Plain), &["remote", "--vm"], environment);
        let mix = record_remote(&Installed::of_mix(Kind::Plain, "release"), &["remote"], environment);
        assert_eq!((ours.arguments, ours.environment), (mix.arguments, mix.environment));
    }
}

fn record_remote(installed: &Installed, arguments: &[&str], environment: &[(&str, &str)]) -> Recorded {
    record(installed, installed.command(arguments), environment)
}

/// Elixir before 1.19 was told by its script that there are colours.
#[test]
fn on_a_terminal() {
    let on_terminal = |installed: &Installed, arguments: &[&str]| {
        let mut command = installed.sandbox.command("script");
        command.args(["-qec", &format!("{} {}", installed.executable(), arguments[0]), "/dev/null"]);
        command
    };
    for command in ["start", "start_iex"] {
        compare_run(Kind::Plain, &[command], &[], on_terminal);
        compare_run(
            Kind::Plain,
            &[command],
            &[("NO_COLOR", "1"), ("ELIXIR_ERL_OPTIONS", "+fnu")],
            on_terminal,
        );
        compare_run(Kind::Plain, &[command], &[("ELIXIR_ERL_OPTIONS", "+fnu")], on_terminal);
    }
}
