//! A system that listens on all interfaces, in a network of its own, where nobody else is.

use crate::findings::Said;
use crate::released::Released;
use crate::sandbox::run;

/// Brings the loopback interface up (SIOCSIFFLAGS, IFF_UP): nothing else does so that is everywhere.
const LOOPBACK: &str = "use Socket; socket(S, PF_INET, SOCK_STREAM, 0) or die; my $lo = pack('a16sx22', 'lo', 1); ioctl(S, 0x8914, $lo) or die $!";

const SCRIPT: &str = r#"
perl -e "$LOOPBACK" || exit 77
"$1" start >/dev/null 2>&1 &
trap 'kill "$!"; wait "$!"' EXIT
"$1" ready --wait 60 >&2 || exit 1
"$1" doctor --json
"#;

#[test]
fn a_node_and_an_epmd_that_everybody_can_reach() {
    let release = Released::new();
    let in_a_network = |epmd: &str| {
        let mut command = release.prepare("unshare");
        // Who is not root is root of the namespace.
        command.args(if rustix::process::geteuid().is_root() { &["-n"][..] } else { &["-r", "-n"] });
        command.args(["sh", "-c", SCRIPT, "sh"]).arg(release.root().join("bin/demo"));
        command.env("LOOPBACK", LOOPBACK).env("RELEASE_DIST_LISTEN", "0.0.0.0").env("RELEASE_EPMD", epmd);
        command
    };
    let possible = run(release.sandbox.command("unshare").args(["-n", "true"]));
    if possible.status != Some(0) {
        testing::skip(&possible.stderr);
        return;
    }
    let said = Said::by(&mut in_a_network("none"));
    let distribution = said.one("distribution");
    assert!(
        distribution.starts_with("warning: the node listens on all interfaces (0.0.0.0:"),
        "{distribution}"
    );
    assert_eq!(said.of("epmd"), [""; 0]);
    assert_eq!(said.status, Some(0));

    let said = Said::by(&mut in_a_network("default"));
    let epmd = said.one("epmd");
    assert!(epmd.starts_with("warning: it listens on all interfaces ("), "{epmd}");
    assert!(said.one("distribution").starts_with("warning: the node listens on all interfaces ("));
}
