//! Ctrl-C while a custom step runs a program.

use std::io::Read;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::files::wait_until;
use crate::project;
use crate::sandbox::{Sandbox, succeed};

/// OTP starts programs in sessions of their own. One outlived the virtual machine, and what it wrote went to the release
/// that had been put back.
#[test]
fn a_program_of_a_step_does_not_write_to_the_release_that_is_put_back() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let program = demo.join("_build/prod/rel/demo/bin/demo");
    succeed(&mut sandbox.beamship(&demo, &["release"]));
    let before = std::fs::read(&program).unwrap();

    let [runs, go, wrote] = ["runs", "go", "wrote"].map(|name| sandbox.join(name));
    // Not `exec`: a shell is between the virtual machine and what writes.
    let script = format!(
        "echo $$ >{runs}.new; mv {runs}.new {runs}; (until test -e {go}; do sleep 0.01; done; echo x >{program}; echo >{wrote}); :"
    );
    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    let steps = format!(
        "releases: [demo: [steps: [:assemble, fn release ->
          System.cmd(\"sh\", [\"-c\", \"{script}\"])
          release
        end]]]"
    );
    std::fs::write(demo.join("mix.exs"), mix_exs.replace("releases: [demo: []]", &steps)).unwrap();
    let mut child = sandbox
        .beamship(&demo, &["release", "--quiet"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("the step runs", || runs.exists());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("the release is what it was before"), "{said}");
    std::fs::write(&go, "").unwrap();
    let shell = std::fs::read_to_string(&runs).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    // It is gone, or waits for somebody to ask how it has ended, once it has been killed; else it ends when it has written.
    while is_running(shell.trim()) {
        assert!(Instant::now() < deadline, "the program of the step does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!wrote.exists());
    assert!(std::fs::read(&program).unwrap() == before, "the release was written to");
}

fn is_running(process: &str) -> bool {
    let stat = std::fs::read(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit(|byte| *byte == b')').next().unwrap_or_default();
    !stat.is_empty() && !state.starts_with(b" Z")
}
