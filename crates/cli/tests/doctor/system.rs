//! `bin/NAME doctor` beside a running system.

use std::process::Child;

use camino::Utf8PathBuf;

use crate::files::wait_until;
use crate::released::Released;
use crate::sandbox::succeed;

/// A system that runs. It is stopped when this is dropped.
struct Running<'r> {
    release: &'r Released,
    child: Child,
}

impl<'r> Running<'r> {
    fn start(release: &'r Released) -> Self {
        let child = release.command(&["start"]).spawn().unwrap();
        let running = Self { release, child };
        succeed(&mut release.command(&["ready", "--wait", "60"]));
        running
    }

    fn stop(&mut self) {
        succeed(&mut self.release.command(&["stop", "--wait", "60"]));
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of a state file whose name is as wanted, if there is one.
fn state_file(release: &Released, is_wanted: impl Fn(&str) -> bool) -> Option<Utf8PathBuf> {
    let entries = release.root().join("tmp").read_dir_utf8().ok()?;
    let mut paths = entries.map(|entry| entry.unwrap().into_path());
    paths.find(|path| path.extension() == Some("state") && is_wanted(path.file_name().unwrap()))
}

/// By what `/proc` says of the process (proc(5)): signal 1 is the lowest bit.
fn catches_sigterm(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (15 - 1)) != 0
}

#[test]
fn a_system_without_distribution_is_known_by_its_state_file_alone() {
    let release = Released::new();
    let none = [("RELEASE_DISTRIBUTION", "none")];
    let child = release.command(&["start"]).envs(none).spawn().unwrap();
    let mut running = Running { release: &release, child };
    wait_until("it has a state file", || state_file(&release, |_| true).is_some());
    let system = release.examined(&none).one("system");
    let pid = system.strip_prefix("ok: runs as process ").and_then(|rest| rest.split(';').next());
    let pid = pid.unwrap_or_else(|| panic!("{system}"));
    assert!(std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().starts_with("beam"), "{system}");
    // A system with a name is another one.
    assert_eq!(release.examined(&[]).one("state_file"), "ok: there is none");
    // In its first moments the virtual machine dies of the signal, with status 143.
    wait_until("it catches SIGTERM", || catches_sigterm(pid));
    // The launcher asks the virtual machine again, should it have heard nothing yet.
    succeed(release.sandbox.command("kill").args(["-TERM", &running.child.id().to_string()]));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert_eq!(state_file(&release, |_| true), None);
}

#[test]
fn a_running_system_is_examined() {
    let release = Released::new();
    let mut running = Running::start(&release);
    let pid = succeed(&mut release.command(&["pid"])).stdout;
    let said = release.examined(&[]);
    assert_eq!(said.wrong(), [""; 0]);
    let system = said.one("system");
    assert!(system.ends_with(&format!(" answers and is ready (process {})", pid.trim())), "{system}");
    let distribution = said.one("distribution");
    assert!(distribution.starts_with("ok: the node listens on 127.0.0.1:"), "{distribution}");
    assert_eq!(said.one("listeners"), "ok: the system listens nowhere else");
    assert_eq!(said.one("state_file"), format!("ok: its process {} runs", pid.trim()));

    let code = "{:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1}); {:ok, port} = :inet.port(socket); \
                :gen_tcp.controlling_process(socket, Process.whereis(:init)); IO.puts(port)";
    let port = succeed(&mut release.command(&["rpc", code])).stdout;
    let said = release.examined(&[]);
    assert_eq!(said.one("listeners"), format!("ok: the system listens on 127.0.0.1:{}", port.trim()));

    let said = release.examined(&[("RELEASE_COOKIE", "another-cookie-7f3a90c1")]);
    assert!(said.one("system").ends_with("the node does not accept the cookie"), "{}", said.one("system"));
    let state = state_file(&release, |name| !name.contains("undistributed")).unwrap();
    let text = std::fs::read(&state).unwrap();
    running.stop();
    let said = release.examined(&[]);
    assert_eq!((said.one("state_file").as_str(), said.status), ("ok: there is none", Some(0)));
    assert!(said.one("system").starts_with("ok: "), "{}", said.one("system"));
    // As a machine that has lost its power leaves it.
    std::fs::write(&state, text).unwrap();
    let said = release.examined(&[]);
    let file = said.one("state_file");
    assert!(
        file.starts_with("warning: ") && file.contains(&format!("of process {}, which is gone", pid.trim())),
        "{file}"
    );
    std::fs::write(&state, "nonsense").unwrap();
    assert!(release.examined(&[]).one("state_file").ends_with("is damaged, or of another node"));
}

#[test]
fn a_system_that_is_stopped_does_not_answer() {
    let release = Released::new();
    let mut running = Running::start(&release);
    let pid = succeed(&mut release.command(&["pid"])).stdout;
    let signal = |name: &str| succeed(release.sandbox.command("kill").args([name, pid.trim()]));
    signal("-STOP");
    wait_until("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
    });
    let said = release.examined(&[]);
    signal("-CONT");
    assert!(said.one("system").starts_with("error: cannot reach"), "{}", said.one("system"));
    // Its sockets can be seen all the same.
    assert!(said.one("distribution").starts_with("ok: the node listens on 127.0.0.1:"));
    running.stop();
}
