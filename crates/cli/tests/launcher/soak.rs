//! A system that is asked for a long time, with consoles open, and grows by nothing: neither its node nor its launchers.
//!
//! `BEAMSHIP_SOAK=600` makes it ten minutes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::control::System;
use crate::files::wait_until;
use crate::pseudo_terminal::PseudoTerminal;
use crate::sandbox::succeed;

/// How often a command is run.
const INTERVAL: Duration = Duration::from_millis(20);

/// How many of them may run at a time.
const WORKERS: usize = 8;

/// How often a line is typed into the consoles.
const TYPING: Duration = Duration::from_secs(5);

const COMMANDS: [&[&str]; 6] = [
    &["rpc", "IO.puts(Enum.sum(1..10))"],
    &["ping"],
    &["pid"],
    &["apps"],
    &["ready"],
    &["rpc", "--mfa", "lists", "seq", "1", "9"],
];

/// What a node holds when it has collected its garbage.
const HOLDS: &str = "for process <- Process.list(), do: :erlang.garbage_collect(process)
holds = [memory: :erlang.memory(:total), processes: length(Process.list()), ports: length(Port.list()),
  atoms: :erlang.system_info(:atom_count), tables: length(:ets.all()), nodes: length(:erlang.nodes(:known))]
for {name, count} <- holds, do: IO.puts(\"#{name} #{count}\")";

/// What a node may hold more after any time. It gives its clients their names, and gives those of clients that have gone
/// to new ones: there are never more names (and atoms) than there were clients at a time.
const ALLOWED: [(&str, u64); 6] = [
    ("memory", 2 << 20),
    ("processes", 0),
    ("ports", 0),
    ("atoms", 20),
    ("tables", 0),
    ("nodes", WORKERS as u64),
];

/// What a launcher may hold more: what its allocator has put aside.
const ALLOWED_RSS: u64 = 512;

fn duration() -> Duration {
    let given = std::env::var("BEAMSHIP_SOAK").ok();
    Duration::from_secs(
        given.map_or(15, |seconds| seconds.parse().expect("BEAMSHIP_SOAK is a number of seconds")),
    )
}

fn node(system: &System) -> BTreeMap<String, u64> {
    let printed = system.printed(&["rpc", HOLDS]);
    let pairs = printed.lines().map(|line| line.split_once(' ').unwrap());
    pairs.map(|(name, count)| (name.to_owned(), count.parse().unwrap())).collect()
}

/// Files and resident memory (in kB) of a process.
fn process(pid: u32) -> (usize, u64) {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (files, rss.trim().trim_end_matches(" kB").parse().unwrap())
}

/// How many commands are run in a time.
fn wanted(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(INTERVAL.as_millis())).unwrap()
}

/// Runs the commands for a time; gives how many were run. All are, but on a machine that cannot even run them at a quarter of
/// the rate.
fn ask(system: &System, time: Duration) -> u64 {
    let begin = Instant::now();
    let next = Mutex::new(0_u64);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let number = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let at = INTERVAL * u32::try_from(number).unwrap();
                    if at >= time || begin.elapsed() > 4 * time {
                        return;
                    }
                    std::thread::sleep(at.saturating_sub(begin.elapsed()));
                    let command = COMMANDS[usize::try_from(number).unwrap() % COMMANDS.len()];
                    succeed(&mut system.command(command));
                }
            });
        }
    });
    next.into_inner().unwrap() - WORKERS as u64
}

fn type_into(consoles: &mut [PseudoTerminal]) {
    for console in consoles {
        console.send("Enum.sum(1..9)\r");
        console.expect("45");
        console.expect("> ");
    }
}

#[test]
fn a_system_that_is_asked_for_long_does_not_grow() {
    let system = System::start();
    let mut consoles = [0, 1].map(|_| PseudoTerminal::run(&mut system.command(&["remote"])));
    for console in &mut consoles {
        console.expect("1> ");
    }
    type_into(&mut consoles);
    // What is loaded and made once.
    ask(&system, Duration::from_secs(5));
    for _ in 0..25 {
        type_into(&mut consoles);
    }
    let pids: Vec<u32> = consoles.iter().map(PseudoTerminal::id).chain([system.running.id()]).collect();
    let processes = || -> Vec<(usize, u64)> { pids.iter().map(|pid| process(*pid)).collect() };
    let before = (node(&system), processes());
    let (time, begin) = (duration(), Instant::now());
    let count = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(&system, time));
        let mut typed = begin;
        while !asking.is_finished() {
            if typed.elapsed() > TYPING {
                type_into(&mut consoles);
                typed = Instant::now();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        asking.join().unwrap()
    });
    let asked_for = begin.elapsed();
    let mut after = node(&system);
    // What was asked last may not have been cleared away yet.
    let grown = |after: &BTreeMap<String, u64>| {
        ALLOWED.iter().find(|(name, allowed)| after[*name] > before.0[*name] + allowed).map(|(name, _)| *name)
    };
    let settled = Instant::now();
    while grown(&after).is_some() && settled.elapsed() < Duration::from_secs(10) {
        after = node(&system);
    }
    type_into(&mut consoles);
    let processes = processes();
    eprintln!(
        "{count} commands in {} s (wanted: {})\nbefore {before:?}\nafter  {:?}",
        asked_for.as_secs(),
        time.as_secs(),
        (&after, &processes)
    );
    assert_eq!(count, wanted(time), "the rate was not kept up");
    assert_eq!(grown(&after), None, "{before:?}\n{after:?}");
    for (before, after) in before.1.iter().zip(&processes) {
        assert_eq!(before.0, after.0, "open files");
        assert!(after.1 <= before.1 + ALLOWED_RSS, "memory: {before:?} {after:?}");
    }
    for console in &mut consoles {
        console.send("\x04");
        assert_eq!(console.status(), Some(0));
    }
    wait_until("the shells have ended", || node(&system)["processes"] < before.0["processes"]);
}
