//! `bin/NAME doctor` without a running system: what it finds on the machine.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use camino::Utf8Path;

use crate::files::write;
use crate::findings::Said;
use crate::released::Released;
use crate::sandbox::{run, succeed};

fn set_mode(path: &Utf8Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn all_is_well() {
    let release = Released::new();
    let said = release.examined(&[]);
    assert_eq!(said.wrong(), [""; 0]);
    for check in [
        "files",
        "env_sh",
        "erts",
        "cookie",
        "release_tmp",
        "tmp",
        "disk_space",
        "open_files",
        "memory",
        "processors",
        "locale",
        "clock",
        "time_zone",
        "state_file",
        "system",
        "distribution",
    ] {
        said.one(check);
    }
    assert_eq!(said.one("files"), format!("ok: demo 0.1.0 in {}", release.root()));
    assert!(said.one("erts").ends_with(" runs here"), "{}", said.one("erts"));
    assert!(said.one("cookie").ends_with("releases/COOKIE, mode 0400"), "{}", said.one("cookie"));
    assert_eq!(
        said.of("variables"),
        ["ok: DEMO_RUNTIME is not set, and runtime.exs does not require it", "ok: runtime.exs requires none"]
    );
    // The list for people has the same in short, and leaves nothing behind.
    let listed = succeed(&mut release.command(&["doctor"]));
    assert_eq!(listed.stderr, "");
    assert!(listed.stdout.lines().all(|line| line.starts_with("✓ ")), "{}", listed.stdout);
    assert!(!listed.stdout.contains("DEMO_RUNTIME"), "{}", listed.stdout);
    assert!(!release.root().join("tmp").exists());
}

#[test]
fn colour_is_for_terminals() {
    let release = Released::new();
    let on_a_terminal = |variables: &[(&str, &str)]| {
        let mut command = release.prepare("script");
        let program = format!("{} doctor", release.root().join("bin/demo"));
        command.args(["-qec", &program, "/dev/null"]).envs(variables.iter().copied());
        run(&mut command).stdout
    };
    assert!(on_a_terminal(&[]).contains("\u{1b}[32m✓\u{1b}[0m files"), "{}", on_a_terminal(&[]));
    assert!(!on_a_terminal(&[("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn a_variable_that_runtime_exs_needs_is_missing() {
    let release = Released::new();
    let source = "import Config\n\nif config_env() == :prod do\n  System.fetch_env!(\"DEMO_SECRET\")\n  \
                  System.get_env(\"DEMO_URL\") ||\n    raise \"no\"\nend\n\
                  if Enum.random([true]), do: System.fetch_env!(\"DEMO_PERHAPS\")\n";
    write(&release.versioned("runtime.exs"), source);
    let said = release.examined(&[("DEMO_URL", "http://localhost")]);
    assert_eq!(said.status, Some(1));
    assert_eq!(
        said.of("variables"),
        [
            "error: DEMO_SECRET is not set, but runtime.exs requires it (line 4)",
            "ok: DEMO_URL is set",
            "warning: DEMO_PERHAPS is not set, and runtime.exs may require it (line 8)",
        ]
    );
    // It tells the truth: so the start fails, and so it does not.
    let eval = |variables: &[(&str, &str)]| {
        run(release
            .command(&["eval", "IO.puts(1)"])
            .env("RELEASE_DISTRIBUTION", "none")
            .envs(variables.iter().copied()))
    };
    let all = [("DEMO_URL", "canary-1"), ("DEMO_SECRET", "canary-2"), ("DEMO_PERHAPS", "")];
    assert!(eval(&all[..1]).stderr.contains("DEMO_SECRET"));
    assert_eq!(eval(&all).status, Some(0));
    let said = release.examined(&all);
    assert_eq!(said.wrong(), [""; 0]);
    assert!(
        said.of("variables").contains(&"ok: what runtime.exs needs is set: DEMO_SECRET, DEMO_URL".to_owned())
    );
    // Values are nobody's business.
    let printed = run(release.command(&["doctor", "--json"]).envs(all)).stdout;
    assert!(!printed.contains("canary"), "{printed}");
}

#[test]
fn a_phoenix_release_that_does_not_listen() {
    let release = Released::new();
    write(&release.versioned("runtime.exs"), "import Config\nif System.get_env(\"PHX_SERVER\") do\nend\n");
    let said = release.examined(&[]);
    assert!(
        said.of("variables")[0].starts_with("warning: PHX_SERVER is not set"),
        "{:?}",
        said.of("variables")
    );
    assert_eq!(release.examined(&[("PHX_SERVER", "true")]).wrong(), [""; 0]);
    write(&release.root().join("bin/server"), "#!/bin/sh\nPHX_SERVER=true exec ./demo start\n");
    assert_eq!(release.examined(&[]).wrong(), [""; 0]);
}

#[test]
fn a_cookie_that_others_can_read_or_guess() {
    let release = Released::new();
    let cookie = release.root().join("releases/COOKIE");
    let said = |mode: u32| {
        set_mode(&cookie, mode);
        release.examined(&[]).one("cookie")
    };
    assert!(said(0o644).starts_with("error: everybody on this machine can read"), "{}", said(0o644));
    assert!(said(0o440).starts_with("warning: a group can read"), "{}", said(0o440));
    assert!(said(0o600).starts_with("ok: from "), "{}", said(0o600));
    for weak in ["secret", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let said = release.examined(&[("RELEASE_COOKIE", weak)]);
        assert!(
            said.one("cookie").starts_with("warning: the one from RELEASE_COOKIE can be guessed"),
            "{weak}"
        );
    }
    let said = release.examined(&[("RELEASE_COOKIE", "7f3a-canary-cookie-90c1")]);
    assert_eq!(said.one("cookie"), "ok: from RELEASE_COOKIE");
    let said = release.examined(&[("RELEASE_COOKIE_FILE", "/nonexistent/cookie")]);
    assert!(
        said.one("cookie").starts_with("error: cannot read `/nonexistent/cookie`"),
        "{}",
        said.one("cookie")
    );
    let said = release.examined(&[("RELEASE_DISTRIBUTION", "none")]);
    assert!(said.one("cookie").starts_with("ok: not needed"), "{}", said.one("cookie"));
    std::fs::remove_file(&cookie).unwrap();
    assert!(release.examined(&[]).one("cookie").starts_with("ok: the release has none"));
}

#[test]
fn places_that_cannot_be_written_to() {
    let release = Released::new();
    // Nobody can write there, not even root.
    let nowhere = [("RELEASE_TMP", "/proc/self"), ("TMPDIR", "/proc/self")];
    let said = release.examined(&nowhere);
    assert!(said.one("release_tmp").starts_with(
        "error: /proc/self cannot be written to, and the system does not start: with RELEASE_EPMD=none"
    ));
    assert!(said.one("tmp").starts_with("warning: /proc/self cannot be written to"), "{}", said.one("tmp"));
    // What is said is what happens.
    let start = run(release.command(&["start"]).envs(nowhere));
    assert!(start.stderr.contains("cannot write `/proc/self/"), "{}", start.stderr);
    let said = release.examined(&[nowhere[0], ("RELEASE_DISTRIBUTION", "none")]);
    assert_eq!(said.one("release_tmp"), "warning: /proc/self cannot be written to: `daemon` does not work");
    assert_eq!(said.status, Some(0));
    let said = release.examined(&[("RELEASE_TMP", "/dev/null/x")]);
    assert!(said.one("release_tmp").starts_with("error: /dev/null/x cannot"), "{}", said.one("release_tmp"));
}

#[test]
fn a_runtime_that_does_not_run_here() {
    let release = Released::new();
    let bin = release.own_erts();
    let program = bin.join("beam.smp");
    let original = std::fs::read(&program).unwrap();
    // A library that this machine does not have.
    let mut changed = original.clone();
    let name = b"libtinfo.so.6";
    let at = changed.windows(name.len()).position(|window| window == name).unwrap();
    changed[at + name.len() - 1] = b'x';
    std::fs::write(&program, &changed).unwrap();
    let said = release.examined(&[]);
    let erts = said.one("erts");
    assert!(erts.starts_with("error: cannot run") && erts.contains("libtinfo.so.x"), "{erts}");
    std::fs::write(&program, &original).unwrap();
    set_mode(&program, 0o644);
    assert!(release.examined(&[]).one("erts").ends_with("it is not executable"));
    set_mode(&program, 0o755);
    std::fs::write(bin.join("erlexec"), "\x7fELF\u{1}\u{1}\u{1} of another kind").unwrap();
    assert!(release.examined(&[]).one("erts").ends_with("it is not an executable for this machine"));
}

#[test]
fn files_and_settings_that_a_start_refuses() {
    let release = Released::new();
    let said = release.examined(&[("RELEASE_DISTRIBUTION", "everywhere"), ("RELEASE_MODE", "lazy")]);
    assert_eq!(
        said.of("settings"),
        ["error: RELEASE_DISTRIBUTION is `everywhere`", "error: RELEASE_MODE is `lazy`"]
    );
    let said = release.examined(&[("RELEASE_BOOT_SCRIPT", "other")]);
    assert!(said.one("files").starts_with("error: cannot read") && said.one("files").contains("other.boot"));
    std::fs::remove_file(release.versioned("env.sh")).unwrap();
    assert!(release.examined(&[]).one("env_sh").starts_with("error: cannot read"));
    std::fs::remove_file(release.versioned("sys.config")).unwrap();
    assert!(release.examined(&[]).of("files")[0].contains("sys.config"));
}

#[test]
fn limits_locale_clock_and_time_zone() {
    let release = Released::new();
    let mut few = release.prepare("/bin/sh");
    few.args(["-c", "ulimit -n 512; exec \"$0\" doctor --json"]).arg(release.root().join("bin/demo"));
    assert_eq!(Said::by(&mut few).one("open_files"), "warning: 512 at most, and each connection is one");

    let said = release.examined(&[("LANG", "C")]);
    let locale = said.one("locale");
    assert!(locale.starts_with("warning: ANSI_X3.4-1968 (LANG=C)"), "{locale}");
    let encoding = |variables: &[(&str, &str)]| {
        let code = "IO.puts(:file.native_name_encoding())";
        let mut command = release.command(&["eval", code]);
        succeed(command.env("RELEASE_DISTRIBUTION", "none").envs(variables.iter().copied())).stdout
    };
    assert_eq!([encoding(&[("LANG", "C")]), encoding(&[])], ["latin1\n", "utf8\n"]);
    let said = release.examined(&[("LANG", "C.UTF-8"), ("LC_ALL", "xx_XX.UTF-8")]);
    assert!(said.one("locale").starts_with("warning: ANSI_X3.4-1968 (LC_ALL=xx_XX.UTF-8)"), "not installed");
    let said = release.examined(&[("LANG", "C"), ("ERL_FLAGS", "+fnu")]);
    assert!(said.one("locale").starts_with("ok: "), "{}", said.one("locale"));

    let zone = |name: &str| release.examined(&[("TZ", name)]).one("time_zone");
    assert!(zone("Nowhere/Land").starts_with("warning: TZ is `Nowhere/Land`"), "{}", zone("Nowhere/Land"));
    assert_eq!(zone("CET-1CEST"), "ok: CET-1CEST, by TZ");

    let tomorrow = std::time::SystemTime::now() + std::time::Duration::from_secs(86_400);
    let data =
        std::fs::File::options().write(true).open(release.root().join("releases/start_erl.data")).unwrap();
    data.set_modified(tomorrow).unwrap();
    assert!(release.examined(&[]).one("clock").contains("but the release was built later"));
}

#[test]
fn who_will_be_able_to_connect() {
    let release = Released::new();
    let planned = |variables: &[(&str, &str)]| release.examined(variables).one("distribution");
    let open = "warning: the node will listen on all interfaces: whoever has its cookie runs code on it";
    assert_eq!(planned(&[("RELEASE_NODE", "demo@localhost")]), open);
    assert_eq!(planned(&[("RELEASE_DISTRIBUTION", "name"), ("RELEASE_NODE", "demo@127.0.0.1")]), open);
    let closed = "ok: the node will not listen on all interfaces";
    assert_eq!(planned(&[("RELEASE_NODE", "demo@localhost"), ("RELEASE_DIST_LISTEN", "127.0.0.1")]), closed);
    assert_eq!(planned(&[]), closed);
}

/// Somebody else than the owner of the release learns what can be learnt.
#[test]
fn another_user_is_told_what_he_may_know() {
    if !rustix::process::geteuid().is_root() {
        testing::skip("only root can become somebody else");
        return;
    }
    let release = Released::new();
    set_mode(release.sandbox.path(), 0o755);
    let mut command: Command = release.prepare("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    // The release that was built is in a directory that may be closed; this one is open.
    let said = Said::by(command.arg(release.root().join("bin/demo")).args(["doctor", "--json"]));
    assert!(said.one("cookie").contains("releases/COOKIE`: Permission denied"), "{}", said.one("cookie"));
    assert!(said.one("release_tmp").starts_with("ok: "), "{}", said.one("release_tmp"));
    assert!(!said.one("release_tmp").contains(release.root().as_str()), "{}", said.one("release_tmp"));
}

#[test]
fn arguments_that_it_does_not_have() {
    let release = Released::new();
    let outcome = run(&mut release.command(&["doctor", "--quick"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""));
    assert!(outcome.stderr.contains("`doctor` has no argument `--quick`"), "{}", outcome.stderr);
}
