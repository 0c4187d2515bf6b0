//! What a release finds in a container and under systemd: no cookie, no shell for its commands, somebody who wants to know
//! when it is ready.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::files::write;
use crate::installed::{Installed, Kind};
use crate::running::{Running, report};
use crate::sandbox::{run, succeed};

/// A node of its own, which needs no EPMD.
fn distributed<'c>(command: &'c mut Command, installed: &Installed) -> &'c mut Command {
    let node = format!("probe{}", installed.root().as_str().len() as u32 + std::process::id());
    command.env("RELEASE_DISTRIBUTION", "sname").env("RELEASE_EPMD", "none").env("RELEASE_NODE", node)
}

fn received(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).expect("a message within the time");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn systemd_is_told_when_the_system_is_ready_and_when_it_stops() {
    for distributes in [true, false] {
        let installed = Installed::new(Kind::Plain);
        let path = installed.sandbox.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let started = installed.sandbox.join("started");
        // What systemd says of the process that it has started, which the shell is until it becomes the launcher.
        installed.set_env_sh("export WATCHDOG_PID=${WATCHDOG_PID:-$$}\n");
        let mut start = installed.command(&["start"]);
        start.env("NOTIFY_SOCKET", &path).env("PROBE_REPORT", &started);
        if distributes {
            distributed(&mut start, &installed);
        }
        let mut system = Running::start(&mut start);
        assert_eq!(received(&socket), "READY=1");
        if distributes {
            // It is ready when its applications have started.
            succeed(distributed(&mut installed.command(&["ready"]), &installed));
            // It may report to systemd itself, and would not if that were for another process.
            let asked = r#"IO.inspect({System.get_env("NOTIFY_SOCKET"), System.get_env("WATCHDOG_PID")})"#;
            let answer = succeed(distributed(&mut installed.command(&["rpc", asked]), &installed));
            assert_eq!(answer.stdout, format!("{{{:?}, nil}}\n", path.as_str()));
        }
        report(&started);
        system.signal(Signal::TERM);
        assert_eq!(received(&socket), "STOPPING=1");
        assert_eq!(system.status(), Some(0));
    }
}

#[test]
fn a_release_without_a_cookie_has_one_for_each_start() {
    let installed = Installed::new(Kind::Plain);
    std::fs::remove_file(installed.root().join("releases/COOKIE")).unwrap();
    let mut cookies = Vec::new();
    for _ in 0..2 {
        let started = installed.sandbox.join("started");
        let _ = std::fs::remove_file(&started);
        let mut start = installed.command(&["start"]);
        let mut system = Running::start(distributed(start.env("PROBE_REPORT", &started), &installed));
        succeed(distributed(&mut installed.command(&["ready", "--wait", "30"]), &installed));
        let answer = succeed(distributed(&mut installed.command(&["rpc", "IO.puts(1 + 1)"]), &installed));
        assert_eq!(answer.stdout, "2\n");
        let [file] = &files_of_cookies(&installed)[..] else { panic!("one cookie") };
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        let cookie = std::fs::read_to_string(file).unwrap();
        assert_eq!(report(&started)["cookie"], cookie);
        assert_eq!(cookie.len(), 48);
        cookies.push(cookie);
        system.signal(Signal::TERM);
        assert_eq!(system.status(), Some(0));
    }
    assert_ne!(cookies[0], cookies[1]);
}

fn files_of_cookies(installed: &Installed) -> Vec<camino::Utf8PathBuf> {
    let entries = installed.root().join("tmp").read_dir_utf8().unwrap();
    entries
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension() == Some("cookie"))
        .collect()
}

/// The second one took the first one's cookie, which then answered no command any more.
#[test]
fn two_nodes_beside_each_other_have_cookies_of_their_own() {
    let installed = Installed::new(Kind::Plain);
    std::fs::remove_file(installed.root().join("releases/COOKIE")).unwrap();
    let command = |node: &str, arguments: &[&str]| {
        let mut command = installed.command(arguments);
        command.env("RELEASE_DISTRIBUTION", "sname").env("RELEASE_EPMD", "none").env("RELEASE_NODE", node);
        command
    };
    let mut systems = ["one", "other"].map(|node| {
        let system =
            Running::start(command(node, &["start"]).env("PROBE_REPORT", installed.sandbox.join(node)));
        succeed(&mut command(node, &["ready", "--wait", "30"]));
        system
    });
    assert_eq!(files_of_cookies(&installed).len(), 2);
    for (node, system) in ["one", "other"].into_iter().zip(&mut systems) {
        succeed(&mut command(node, &["ready"]));
        system.signal(Signal::TERM);
        assert_eq!(system.status(), Some(0));
    }
}

#[test]
fn commands_of_overlays_need_no_shell() {
    let installed = Installed::new(Kind::Plain);
    let commands = "server\tPROBE_GIVEN=by the command\t--\tstart\nsum\t--\teval\tIO.puts(1 + 1)\n";
    write(&installed.root().join("releases/COMMANDS"), commands);
    let link = installed.root().join("bin/server");
    symlink(installed.kind.name(), &link).unwrap();
    assert_eq!(succeed(&mut installed.command(&["sum"])).stdout, "2\n");
    for mut command in [installed.sandbox.command(&link), installed.command(&["server"])] {
        let started = installed.sandbox.join("started");
        let _ = std::fs::remove_file(&started);
        let mut system = Running::start(command.env("PROBE_REPORT", &started));
        let report = report(&started);
        assert_eq!(report["given"], "by the command");
        assert_eq!(report["command"], "start");
        system.signal(Signal::TERM);
        assert_eq!(system.status(), Some(0));
    }
}

/// Removes what lies outside of the sandbox.
struct Outside([String; 2]);

impl Drop for Outside {
    fn drop(&mut self) {
        for directory in &self.0 {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// The cookie was put into a directory that everybody could write to, if only it belonged to the user of the system.
#[test]
fn a_directory_in_tmp_that_others_can_write_to_gets_no_cookie() {
    let installed = Installed::new(Kind::Plain);
    std::fs::remove_file(installed.root().join("releases/COOKIE")).unwrap();
    // The name of the release is in the name of the directory, which no other test may use.
    let name = format!("squatted{}", std::process::id());
    let resource = installed.version_directory().join("plain.rel");
    let text = std::fs::read_to_string(&resource).unwrap();
    write(&resource, &text.replacen("\"plain\"", &format!("{name:?}"), 1));
    let in_read_only = |arguments: &[&str]| {
        let script = "mount --bind \"$0\" \"$0\"; mount -o remount,bind,ro \"$0\"; exec \"$@\"";
        let mut command = installed.sandbox.command("unshare");
        command.args(["--mount", "/bin/sh", "-euc", script]).arg(installed.root());
        command.arg(installed.executable()).args(arguments);
        distributed(&mut command, &installed);
        command
    };
    if run(&mut in_read_only(&["version"])).status != Some(0) {
        testing::skip("mounting is not permitted here");
        return;
    }
    let user = rustix::process::geteuid().as_raw();
    let outside = Outside(["/tmp", "/dev/shm"].map(|parent| format!("{parent}/beamship-{user}-{name}")));
    let [squatted, own] = &outside.0;
    // Nothing but a start makes one.
    assert!(!std::path::Path::new(squatted).exists());
    std::fs::create_dir(squatted).unwrap();
    std::fs::set_permissions(squatted, std::fs::Permissions::from_mode(0o777)).unwrap();
    let started = installed.sandbox.join("started");
    let mut system = Running::start(in_read_only(&["start"]).env("PROBE_REPORT", &started));
    report(&started);
    succeed(&mut in_read_only(&["ready", "--wait", "30"]));
    let answer = succeed(&mut in_read_only(&["rpc", "IO.puts(System.get_env(\"RELEASE_TMP\"))"]));
    assert_eq!(answer.stdout, format!("{own}\n"));
    assert_eq!(std::fs::metadata(own).unwrap().permissions().mode() & 0o777, 0o700);
    let names: Vec<_> = std::fs::read_dir(own).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.to_string_lossy().ends_with(".cookie")), "{names:?}");
    assert_eq!(std::fs::read_dir(squatted).unwrap().count(), 0);
    system.signal(Signal::TERM);
    assert_eq!(system.status(), Some(0));
}
