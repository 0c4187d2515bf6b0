//! What others on the machine and on the network see of a running system: neither its cookie nor its node.

use std::fs::File;
use std::process::Command;

use camino::Utf8PathBuf;

use crate::files::wait_until;
use crate::project;
use crate::sandbox::{Sandbox, succeed};

const COOKIE: &str = "canary-cookie-7f3a";

/// A release that runs without EPMD, as `demo` on this machine.
struct System {
    sandbox: Sandbox,
    executable: Utf8PathBuf,
    child: std::process::Child,
}

impl System {
    fn start() -> Self {
        let sandbox = Sandbox::new();
        let demo = project::demo(&sandbox, "demo");
        succeed(&mut sandbox.beamship(&demo, &["build", "--quiet"]));
        let executable = demo.join("_build/prod/rel/demo/bin/demo");
        let log = File::create(sandbox.join("log")).unwrap();
        let mut start = Self::command_of(&sandbox, &executable, &["start"]);
        let child = start.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let system = Self { sandbox, executable, child };
        succeed(&mut system.command(&["ready", "--wait", "60"]));
        system
    }

    fn command_of(sandbox: &Sandbox, executable: &Utf8PathBuf, arguments: &[&str]) -> Command {
        let mut command = sandbox.command(executable);
        command.args(arguments).envs([
            ("RELEASE_DISTRIBUTION", "sname"),
            ("RELEASE_EPMD", "none"),
            ("RELEASE_COOKIE", COOKIE),
        ]);
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        Self::command_of(&self.sandbox, &self.executable, arguments)
    }

    fn printed(&self, arguments: &[&str]) -> String {
        succeed(&mut self.command(arguments)).stdout
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command lines of all processes that can be seen.
fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path().join("cmdline");
        std::fs::read(path).ok()
    });
    processes.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

#[test]
fn the_cookie_is_in_no_command_line() {
    let system = System::start();
    // The system has it all the same, before and after a restart.
    assert_eq!(system.printed(&["rpc", "IO.puts(Node.get_cookie())"]), format!("{COOKIE}\n"));
    let mut asked = system.command(&["rpc", "Process.sleep(:infinity)"]).spawn().unwrap();
    let name = system.executable.as_str();
    wait_until("the command runs", || {
        command_lines().iter().any(|line| line.contains(name) && line.contains("rpc"))
    });
    let lines = command_lines();
    asked.kill().unwrap();
    asked.wait().unwrap();
    assert!(lines.iter().any(|line| line.contains("-setcookie") && line.contains("/rel/demo/")), "{lines:?}");
    let shown: Vec<&String> = lines.iter().filter(|line| line.contains(COOKIE)).collect();
    assert!(shown.is_empty(), "{shown:?}");
    system.printed(&["restart"]);
    succeed(&mut system.command(&["ready", "--wait", "60"]));
    assert_eq!(system.printed(&["rpc", "IO.puts(Node.get_cookie())"]), format!("{COOKIE}\n"));
    // And it is really needed.
    let wrong = crate::sandbox::fail(system.command(&["ping"]).env("RELEASE_COOKIE", "wrong"));
    assert!(wrong.contains("does not accept the cookie") && !wrong.contains(COOKIE), "{wrong}");
}

#[test]
fn a_node_that_names_no_host_listens_on_the_loopback_interface() {
    let system = System::start();
    let pid = system.printed(&["pid"]);
    let listening = listening(pid.trim());
    assert!(!listening.is_empty());
    assert!(listening.iter().all(|address| address == "0100007F"), "{listening:?}");
}

/// The addresses that a process listens on with TCP over IPv4, as `/proc/net/tcp` writes them.
fn listening(pid: &str) -> Vec<String> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let sockets: Vec<String> = descriptors
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<&str>>());
    // State 0A is LISTEN; the inode is the tenth field.
    rows.filter(|row| row[3] == "0A" && sockets.iter().any(|socket| socket == row[9]))
        .map(|row| row[1].split(':').next().unwrap().to_owned())
        .collect()
}
