//! The console on a running system, through a pseudo-terminal and as a script.

use std::process::Stdio;

use rustix::process::Signal;

use crate::control::System;
use crate::files::wait_until;
use crate::pseudo_terminal::PseudoTerminal;
use crate::sandbox::{fail, run};

fn console(system: &System) -> PseudoTerminal {
    let mut console = PseudoTerminal::run(&mut system.command(&["remote"]));
    console.expect("Interactive Elixir");
    console.expect("1> ");
    console
}

/// What a script prints, which has to succeed.
fn script(system: &System, text: &str) -> String {
    let input = system.installed.sandbox.join("script");
    std::fs::write(&input, text).unwrap();
    let outcome = run(system.command(&["remote"]).stdin(std::fs::File::open(input).unwrap()));
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{}", outcome.stdout);
    // IEx says goodbye with an empty line, which comes in time or not.
    outcome.stdout.trim_end().to_owned()
}

#[test]
fn lines_are_typed_edited_completed_and_recalled() {
    let system = System::start();
    let mut first = console(&system);
    first.send("1 + 1\r");
    first.expect("\r\n2\r\n");
    first.expect("2> ");
    // Edited in the middle.
    first.send("20 + 3\x01\x1bf\x7f2\x05\r");
    first.expect("\r\n25\r\n");
    // Completed by the node.
    first.send("Enu\t");
    first.expect("Enum");
    first.send(".cou\t");
    first.expect("Enum.count");
    first.send("([1, 2, 3])\r");
    first.expect("\r\n3\r\n");
    first.send("String.up\t");
    first.expect("String.upcase");
    first.send("\x15String.re\t");
    first.expect("replace");
    first.send("\x03");
    // Several lines.
    first.send("[:first,\r");
    first.expect("...");
    first.send(":second]\r");
    first.expect("[:first, :second]\r\n");
    // Pasted lines, with a tab among them.
    first.send("\x1b[200~a =\t40\nb = 2\n\x1b[201~");
    first.expect("\r\n2\r\n");
    first.send("a + b\r");
    first.expect("\r\n42\r\n");
    first.send("IO.gets(\"name? \")\r");
    first.expect("name? ");
    first.send("é\r");
    first.expect("\"é\\n\"\r\n");
    first.expect("> ");
    first.send("\x04");
    assert_eq!(first.status(), Some(0));
    assert!(first.is_as_before());

    let mut second = console(&system);
    second.send("\x1b[A\x1b[A\x1b[A\r");
    second.expect("a + b");
    second.expect("CompileError");
    second.expect("> ");
    second.send("\x12:sec");
    second.expect(":second]");
    second.send("\x07IO.puts(\"done\")\r");
    second.expect("\r\ndone\r\n");
    second.send("\x04");
    assert_eq!(second.status(), Some(0));
    let history = system.installed.sandbox.join("home/.local/state/beamship/plain/history");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&history).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// The whole line was drawn for each of its characters: 200 MB for one of 20,000.
#[test]
fn a_long_line_is_pasted_and_not_drawn_again_and_again() {
    let system = System::start();
    let mut console = console(&system);
    let drawn = console.received();
    let line = format!("byte_size(\"{}\")\r", "z".repeat(20_000));
    console.send(&format!("\x1b[200~{line}\x1b[201~"));
    console.expect("\r\n20000\r\n");
    let drawn = console.received() - drawn;
    assert!(drawn < 100 * line.len(), "{drawn} bytes");
    // IEx says that Ctrl-C exits.
    console.expect("> ");
    console.send("\x03");
    console.expect("(Ctrl-D leaves the console)");
    console.expect("> ");
    console.send("\x04");
    assert_eq!(console.status(), Some(0));
}

#[test]
fn an_interrupt_ends_the_evaluation_and_never_the_node() {
    let system = System::start();
    let mut console = console(&system);
    console.send("IO.puts(\"began\"); Process.sleep(:infinity)\r");
    console.expect("\r\nbegan");
    console.send("\x03");
    console.expect("interrupted");
    console.expect("> ");
    console.send("1 + 2\r");
    console.expect("\r\n3\r\n");
    // A line that is not complete is given up.
    console.send("[1,\r");
    console.expect("...");
    console.send("\x03");
    console.expect("interrupted");
    console.expect("> ");
    // A line that was not entered is only cleared.
    console.send("nonsense(\x03");
    console.send("2 + 2\r");
    console.expect("\r\n4\r\n");
    console.send("\x04");
    assert_eq!(console.status(), Some(0));
    assert_eq!(system.printed(&["ping"]), "pong\n");
}

#[test]
fn the_node_knows_the_size_of_the_window() {
    let system = System::start();
    let mut console = console(&system);
    for (columns, rows) in [(132, 43), (60, 20)] {
        console.resize(columns, rows);
        console.send("{:io.columns(), :io.rows()}\r");
        console.expect(&format!("{{{{:ok, {columns}}}, {{:ok, {rows}}}}}"));
        console.expect("> ");
    }
}

#[test]
fn a_console_leaves_nothing_behind() {
    let system = System::start();
    let processes = || system.printed(&["rpc", "IO.puts(length(Process.list()))"]);
    script(&system, "1\n");
    let before = processes();
    let mut left = console(&system);
    left.send("\x04");
    assert_eq!(left.status(), Some(0));
    let mut killed = console(&system);
    killed.send("1 + 1");
    killed.expect("1 + 1");
    killed.kill();
    script(&system, "spawn(fn -> :ok end)\nSystem.version()\n");
    wait_until("the shells have ended", || processes() == before);
}

#[test]
fn a_node_that_goes_away_is_reported() {
    let mut system = System::start();
    let mut console = console(&system);
    let process: i32 = system.printed(&["pid"]).trim().parse().unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    console.expect("error: lost the connection to `plain@");
    assert_eq!(console.status(), Some(1));
    assert!(console.is_as_before());
    assert_eq!(system.running.status(), Some(128 + 9));
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let system = System::start();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut console = console(&system);
        assert!(!console.is_as_before());
        console.signal(signal);
        assert_eq!(console.status(), Some(128 + signal.as_raw()));
        assert!(console.is_as_before());
    }
}

#[test]
fn x07_the_end_of_the_input_ends_a_script_and_not_the_node() {
    let system = System::start();
    assert_eq!(script(&system, ""), "");
    assert_eq!(script(&system, "1 + 1\nIO.puts(\"printed\")"), "2\nprinted\n:ok");
    let lines =
        "for i <- [1,\n          2] do\n  i * 2\nend\nline = IO.gets(\"\")\nthe line\nString.trim(line)\n";
    assert_eq!(script(&system, lines), "[2, 4]\n\"the line\\n\"\n\"the line\"");
    assert_eq!(system.printed(&["ping"]), "pong\n");
    let message = fail(system.command(&["remote", "--fast"]).stdin(Stdio::null()));
    assert!(message.contains("`remote` has no argument `--fast`"), "{message}");
}

/// Of Mix's releases all have IEx; one that was made by hand may not.
/// How the node was started decides whether IEx prints in colours, and `n=$(… | bin/NAME remote)` had them in `n`.
#[test]
fn a_script_has_no_colours() {
    let system = System::start();
    system.printed(&["rpc", "Application.put_env(:elixir, :ansi_enabled, true)"]);
    assert_eq!(script(&system, "Enum.count([1, 2])\n"), "2");
}

#[test]
fn without_iex_it_is_the_shell_of_erlang() {
    let system = System::start();
    system.printed(&[
        "rpc",
        ":code.purge(IEx); for m <- [:iex, IEx], do: (:code.delete(m); :code.purge(m)); \
                             :code.del_path(:iex)",
    ]);
    assert_eq!(script(&system, "X = lists:seq(1, 3).\nlists:sum(X).\n"), "[1,2,3]\n6");
    assert_eq!(system.printed(&["ping"]), "pong\n");
}
