//! A release of ours does what one of Mix does.

use crate::files::wait_for;
use crate::project;
use crate::sandbox::{Sandbox, succeed};

#[test]
fn the_release_of_a_build_runs() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    succeed(&mut sandbox.beamship(&demo, &["build"]));
    // Somewhere else, without the project and without the name `demo` in the path.
    let moved = sandbox.join("moved");
    std::fs::rename(demo.join("_build/prod/rel/demo"), &moved).unwrap();
    std::fs::remove_dir_all(&demo).unwrap();
    let command = moved.join("bin/demo");

    let version = succeed(sandbox.command(&command).arg("version"));
    assert_eq!(version.stdout, "demo 0.1.0\n");
    let overlay = succeed(&mut sandbox.command(moved.join("bin/hello")));
    assert_eq!(overlay.stdout, "hello\n");

    let report = sandbox.join("report");
    let mut system = sandbox
        .command(&command)
        .arg("start")
        .env("DEMO_REPORT", &report)
        .env("DEMO_RUNTIME", "given")
        .spawn()
        .unwrap();
    let text = wait_for(&report, |text| text.ends_with(']'));
    rustix::process::kill_process(rustix::process::Pid::from_child(&system), rustix::process::Signal::TERM)
        .unwrap();
    assert_eq!(system.wait().unwrap().code(), Some(0));
    assert_eq!(
        text,
        "[mode: :interactive, static: :was_set, area: 6, consolidated: true, runtime: \"given\", greeting: \"hello\", \
         priv: \"world\"]"
    );
}
