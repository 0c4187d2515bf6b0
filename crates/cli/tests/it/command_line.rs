//! What a user sees before anything is built.

use std::os::unix::ffi::OsStrExt;

use clap::CommandFactory;

use crate::files::write;
use crate::project::demo;
use crate::sandbox::{Sandbox, fail, run, succeed};

/// docs/cli.md is generated from the definitions: `BEAMSHIP_UPDATE_DOCS=1 cargo test -p beamship cli_md`.
#[test]
fn cli_md_is_what_help_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
    let text = reference();
    if std::env::var_os("BEAMSHIP_UPDATE_DOCS").is_some() {
        std::fs::write(page, &text).unwrap();
    }
    let written = std::fs::read_to_string(page).unwrap_or_default();
    assert!(
        written == text,
        "docs/cli.md is out of date: BEAMSHIP_UPDATE_DOCS=1 cargo test -p beamship cli_md"
    );
}

fn reference() -> String {
    let mut text = "# Commands\n\nWhat `beamship --help` says; generated, do not edit.\n".to_owned();
    let mut command = beamship::arguments::Arguments::command().term_width(100);
    command.build();
    section(&mut text, &mut command, "##");
    text
}

fn section(text: &mut String, command: &mut clap::Command, heading: &str) {
    let name = command.get_bin_name().unwrap_or("beamship").to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n{heading} `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end()));
    let is_shown = |command: &clap::Command| !command.is_hide_set() && command.get_name() != "help";
    for subcommand in command.get_subcommands_mut().filter(|command| is_shown(command)) {
        section(text, subcommand, "###");
    }
}

#[test]
fn help_is_a_command_as_well() {
    let sandbox = Sandbox::new();
    let said = |arguments: &[&str]| succeed(&mut sandbox.beamship(sandbox.path(), arguments)).stdout;
    assert_eq!(said(&["help"]), said(&["--help"]));
    assert_eq!(said(&["help", "digest", "clean"]), said(&["digest", "clean", "--help"]));
}

#[test]
fn wrong_arguments_end_with_status_2() {
    let sandbox = Sandbox::new();
    let outcome = run(&mut sandbox.beamship(sandbox.path(), &["build", "--wrong"]));
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr.contains("--wrong"), "{}", outcome.stderr);
}

/// Only after the whole build were these noticed.
#[test]
fn what_no_project_can_make_right_is_refused_before_it_is_looked_at() {
    let sandbox = Sandbox::new();
    for (arguments, reason) in [
        (["image", "--platform", "foo"], "it has to be like `linux/amd64`"),
        (["image", "--command", "eval \"1"], "it has a \" without its end\nhint: quote the command"),
        (["build", "--path", ""], "the path is empty"),
        (["release", "--path", ""], "the path is empty"),
        (["build", "--version", "a/b"], "it becomes the name of a directory"),
        (["release", "--version", ""], "the version is empty"),
    ] {
        // There is no project: looking for one would be another error.
        let outcome = run(&mut sandbox.beamship(sandbox.path(), &arguments));
        assert_eq!(outcome.status, Some(2), "{arguments:?}");
        let said = format!("error: invalid value '{}' for '{} <", arguments[2], arguments[1]);
        assert!(outcome.stderr.starts_with(&said), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    }
}

#[test]
fn completions_and_manual_page_are_made() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        let outcome = succeed(&mut sandbox.beamship(sandbox.path(), &["completions", shell]));
        assert!(outcome.stdout.contains("beamship"), "{shell}");
    }
    assert!(succeed(&mut sandbox.beamship(sandbox.path(), &["man"])).stdout.contains(".TH beamship"));
}

/// `beamship --help >/dev/full` succeeded, and other commands did not say what had no space.
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let sandbox = Sandbox::new();
    for arguments in [&["--help"][..], &["--version"], &["completions", "bash"], &["secret"]] {
        let outcome = run(sandbox
            .command("sh")
            .args(["-c", "\"$0\" \"$@\" >/dev/full"])
            .arg(env!("CARGO_BIN_EXE_beamship"))
            .args(arguments));
        let expected = "error: cannot write the output: No space left on device (os error 28)\n";
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), expected), "{arguments:?}");
    }
}

/// It was called a `PathBuf`.
#[test]
fn a_directory_whose_path_is_not_utf_8_is_said_so() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path().as_std_path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&directory).unwrap();
    let message = fail(sandbox.beamship(sandbox.path(), &["build"]).current_dir(directory));
    assert!(message.contains("caf\u{fffd}`: the path is not UTF-8\nhint: rename "), "{message}");
}

#[test]
fn a_directory_without_a_project_is_said_so() {
    let sandbox = Sandbox::new();
    let message = fail(&mut sandbox.beamship(sandbox.path(), &["build"]));
    assert!(message.contains("mix.exs"), "{message}");
}

#[test]
fn a_missing_elixir_is_said_so() {
    let sandbox = Sandbox::new();
    let demo = demo(&sandbox, "demo");
    let message = fail(sandbox.beamship(&demo, &["build"]).env("PATH", sandbox.path()));
    assert!(message.contains("elixir") && message.contains("hint: "), "{message}");
}

#[test]
fn a_mix_exs_that_raises_is_shown_once() {
    let sandbox = Sandbox::new();
    write(&sandbox.join("p/mix.exs"), "raise \"this project is broken\"\n");
    let message = fail(&mut sandbox.beamship(&sandbox.join("p"), &["build"]));
    assert_eq!(message.matches("this project is broken").count(), 1, "{message}");
}

#[test]
fn a_compile_error_is_shown_once() {
    let sandbox = Sandbox::new();
    let demo = demo(&sandbox, "demo");
    write(&demo.join("lib/broken.ex"), "defmodule Broken do\n  def x, do: nowhere_defined()\nend\n");
    let message = fail(&mut sandbox.beamship(&demo, &["build"]));
    assert_eq!(message.matches("undefined function nowhere_defined/0").count(), 1, "{message}");
    assert!(message.ends_with("error: compiling failed, see above\n"), "{message}");
}

#[test]
fn a_warning_of_the_compiler_is_shown() {
    let sandbox = Sandbox::new();
    let demo = demo(&sandbox, "demo");
    write(&demo.join("lib/dubious.ex"), "defmodule Dubious do\n  def x(unused), do: 1\nend\n");
    let outcome = succeed(&mut sandbox.beamship(&demo, &["build"]));
    assert!(outcome.stderr.contains("unused"), "{}", outcome.stderr);
}

/// `build --path` was meant from the project and `--release` from the caller: what one had written the other did not find.
#[test]
fn with_another_directory_all_paths_are_meant_from_there() {
    let sandbox = Sandbox::new();
    demo(&sandbox, "demo");
    let beamship = |arguments: &[&str]| {
        let arguments = [&["-C", "demo"], arguments].concat();
        succeed(&mut sandbox.beamship(sandbox.path(), &arguments))
    };
    let built = beamship(&["build", "--path", "out"]);
    // What is shown can be typed where the user is.
    assert!(built.stderr.contains("The release demo-0.1.0 is in demo/out\n"), "{}", built.stderr);
    assert!(sandbox.join("demo/out/bin/demo").exists());
    beamship(&["check", "abi", "--release", "out"]);
    beamship(&["doctor", "--release", "out"]);
    beamship(&["image", "--release", "out", "--output", "out.tar"]);
    assert!(sandbox.join("demo/out.tar").is_file());
    let outcome = fail(&mut sandbox.beamship(sandbox.path(), &["-C", "gone", "build"]));
    assert!(outcome.starts_with("error: cannot use `gone` as the directory of the project: "), "{outcome}");
}
