//! What the launcher says and how it exits when it is not asked properly, or has not what it needs.

use crate::installed::{Installed, Kind};
use crate::sandbox::{fail, run, succeed};

#[test]
fn help_and_version() {
    let installed = Installed::new(Kind::Plain);
    assert_eq!(succeed(&mut installed.command(&["version"])).stdout, "plain 0.1.0\n");
    let help = succeed(&mut installed.command(&["help"]));
    assert!(help.stdout.contains("start_iex"), "{}", help.stdout);
    assert_eq!(help.stderr, "");
    // As Mix's script: without a command the list goes to stderr, and that is no failure.
    let nothing = run(&mut installed.command(&[]));
    assert_eq!((nothing.status, nothing.stdout.as_str()), (Some(0), ""));
    assert_eq!(nothing.stderr, help.stdout);
}

/// Some said "error: No space left on device", and not what had none.
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let installed = Installed::new(Kind::Plain);
    for command in ["version", "help", "--help", "doctor"] {
        let message = fail(
            installed
                .sandbox
                .command("sh")
                .args(["-c", "\"$0\" \"$@\" >/dev/full"])
                .arg(installed.executable())
                .arg(command),
        );
        let expected = "error: cannot write the output: No space left on device (os error 28)\n";
        assert_eq!(message, expected, "{command}");
    }
}

/// `docker run IMAGE backup`: what is no link to the launcher in an image was an unknown command.
#[test]
fn a_script_of_the_project_is_a_command() {
    let installed = Installed::new(Kind::Plain);
    let script = installed.sandbox.join("backup");
    std::fs::write(&script, "#!/bin/sh\necho \"backup $*\"\n").unwrap();
    installed.sandbox.install(&script, &installed.root().join("bin/backup"));
    assert_eq!(succeed(&mut installed.command(&["backup", "a b"])).stdout, "backup a b\n");
    let message = fail(&mut installed.command(&["../bin/backup"]));
    assert!(message.contains("unknown command `../bin/backup`"), "{message}");
}

/// They were ignored: a system started, and half of an expression was evaluated.
#[test]
fn what_a_command_cannot_use_is_an_error() {
    let installed = Installed::new(Kind::Plain);
    for command in ["start", "start_iex", "daemon", "daemon_iex", "version"] {
        let message = fail(&mut installed.command(&[command, "--port"]));
        assert!(message.contains(&format!("`{command}` has no argument `--port`")), "{message}");
    }
    let message = fail(&mut installed.command(&["rpc", "IO.puts", "1"]));
    assert!(message.contains("`1` follows it\nhint: put the whole expression between quotes"), "{message}");
    let help = succeed(&mut installed.command(&["help"])).stdout;
    for arguments in [["start", "--help"], ["stop", "-h"], ["rpc", "--help"]] {
        assert_eq!(succeed(&mut installed.command(&arguments)).stdout, help);
    }
}

#[test]
fn an_unknown_command_is_an_error() {
    let installed = Installed::new(Kind::Plain);
    let message = fail(&mut installed.command(&["strat"]));
    assert!(message.contains("start_iex"), "{message}");
    assert!(message.contains("error: unknown command `strat`\nhint: did you mean `start`?\n"), "{message}");
}

#[test]
fn eval_needs_an_expression() {
    let installed = Installed::new(Kind::Plain);
    for arguments in [&["eval"][..], &["eval", ""]] {
        let message = fail(&mut installed.command(arguments));
        assert!(message.contains("eval expects an expression"), "{message}");
    }
}

/// Nothing starts without the distribution or the mode that was asked for, not even in the background, where the
/// message would be lost.
#[test]
fn wrong_values_of_variables_are_errors() {
    let installed = Installed::new(Kind::Plain);
    for command in ["start", "start_iex", "daemon", "daemon_iex"] {
        for (variable, remedy) in
            [("RELEASE_DISTRIBUTION", "`sname`, `name` or `none`"), ("RELEASE_MODE", "`interactive`")]
        {
            let message = fail(installed.command(&[command]).env(variable, "wrong"));
            assert!(message.contains(&format!("{variable} is `wrong`")), "{command}: {message}");
            assert!(message.contains(remedy), "{command}: {message}");
        }
    }
    for (variable, wrong, distribution, remedy) in [
        ("RELEASE_NODE", "a name", "sname", "the name of a node has letters"),
        ("RELEASE_NODE", "demo@10.0.0.1", "sname", "set RELEASE_DISTRIBUTION=name"),
        ("RELEASE_BOOT_SCRIPT", "nowhere", "none", "without `.boot`"),
        ("RELEASE_VM_ARGS", "/nowhere/vm.args", "none", "RELEASE_VM_ARGS names them"),
        ("RELEASE_VM_ARGS", "/", "none", "RELEASE_VM_ARGS names them"),
    ] {
        let mut command = installed.command(&["start"]);
        let message = fail(command.env(variable, wrong).env("RELEASE_DISTRIBUTION", distribution));
        assert!(message.contains(wrong) && message.contains(remedy), "{variable}: {message}");
        assert!(!installed.sandbox.join("erl_crash.dump").exists(), "{variable}: {message}");
    }
    let missing = fail(installed.command(&["version"]).env("RELEASE_VSN", "9.9.9"));
    assert!(missing.contains("releases/9.9.9") && missing.contains("RELEASE_VSN"), "{missing}");
}

#[test]
fn a_missing_cookie_matters_only_to_who_can_be_connected_to() {
    let installed = Installed::new(Kind::Plain);
    let cookie = installed.root().join("releases/COOKIE");
    std::fs::remove_file(&cookie).unwrap();
    // A start makes one (container.rs). What connects to a system has to know its.
    let message = fail(installed.command(&["rpc", "1"]).env("RELEASE_DISTRIBUTION", "sname"));
    assert!(message.contains(cookie.as_str()) && message.contains("RELEASE_COOKIE"), "{message}");
    std::fs::write(&cookie, "\n").unwrap();
    for command in ["start", "daemon"] {
        let message = fail(installed.command(&[command]).env("RELEASE_DISTRIBUTION", "sname"));
        assert!(message.contains("is empty"), "{message}");
    }
    assert_eq!(succeed(&mut installed.command(&["eval", "IO.puts(:hello)"])).stdout, "hello\n");
}

/// The virtual machine printed it, and wrote it to a crash dump: it cannot make an atom of it.
#[test]
fn a_cookie_that_is_too_long_is_printed_nowhere() {
    let installed = Installed::new(Kind::Plain);
    let cookie = "geheim".repeat(50);
    for command in [&["start"][..], &["daemon"], &["rpc", "1"], &["pid"]] {
        let mut command = installed.command(command);
        command.env("RELEASE_DISTRIBUTION", "sname").env("RELEASE_COOKIE", &cookie);
        let message = fail(&mut command);
        assert!(message.contains("the cookie has 300 characters, and Erlang allows 255"), "{message}");
        assert!(!message.contains("geheim"), "{message}");
    }
    assert!(!installed.root().join("erl_crash.dump").exists());
}

#[test]
fn a_virtual_machine_that_cannot_run_is_named() {
    let installed = Installed::new(Kind::Plain);
    // What an executable of another architecture begins with, and what a broken copy may be.
    for content in ["\x7fELF\u{1}\u{1}\u{1} of another kind", "\x7fELF", "", "nonsense"] {
        installed.replace_erlexec(content);
        let erlexec = installed.erts_bin().join("erlexec");
        for arguments in [&["start"][..], &["start_iex"], &["eval", "1"]] {
            let message = fail(&mut installed.command(arguments));
            let expected = format!("cannot start `{erlexec}`: it is not an executable for this machine");
            assert!(message.contains(&expected), "{message}");
            assert!(message.contains("hint: the release was built for another system"), "{message}");
        }
    }
    let erlexec = installed.erts_bin().join("erlexec");
    std::fs::remove_file(&erlexec).unwrap();
    let message = fail(&mut installed.command(&["start"]));
    assert!(message.contains(&format!("cannot start `{erlexec}`: No such file")), "{message}");
}

#[test]
fn outside_of_a_release_it_says_where_it_belongs() {
    let sandbox = crate::sandbox::Sandbox::new();
    std::fs::create_dir(sandbox.join("bin")).unwrap();
    let alone = sandbox.join("bin/alone");
    sandbox.install(env!("CARGO_BIN_EXE_beamship-launcher"), &alone);
    let message = fail(sandbox.command(&alone).arg("start"));
    assert!(message.contains("start_erl.data"), "{message}");
    for text in ["", "15.2", "\u{0}\u{0}", "15.2 nowhere"] {
        crate::files::write(&sandbox.join("releases/start_erl.data"), text);
        fail(sandbox.command(&alone).arg("start"));
    }
}
