//! The files of the release that a start needs, and whether its runtime can be executed here.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use diagnosis::{Findings, Severity};

use super::{DoctorContext, push_result};
use crate::failure::Failure;
use crate::virtual_machine::system_erl;
use crate::{env_sh, erlexec};

pub(super) fn check(context: &DoctorContext<'_>, findings: &mut Findings) {
    let release = context.release;
    push_result(findings, "files", files(context));
    match env_sh::is_needed(release) {
        Ok(true) => findings.error(
            "env_sh",
            format_args!("env.sh holds shell code, and there is no /bin/sh: no other command works"),
            format_args!("remove rel/env.sh.eex and set variables instead, or build the image with a shell"),
        ),
        // It has been sourced, or holds nothing.
        Ok(false) => findings.detail("env_sh", format_args!("env.sh has been read")),
        Err(failure) => findings.push(failure.into_finding("env_sh", Severity::Error)),
    };
    push_result(findings, "erts", runtime(context));
}

/// What is read before the first line of the system's own code.
fn files(context: &DoctorContext<'_>) -> Result<String, Failure> {
    let directory = context.release.version_directory();
    let boot = |variable| {
        let mut script = directory.join(context.environment.get(variable)).into_os_string();
        script.push(".boot");
        script.into()
    };
    let wanted = [
        boot("RELEASE_BOOT_SCRIPT"),
        boot("RELEASE_BOOT_SCRIPT_CLEAN"),
        context.environment.path("RELEASE_VM_ARGS"),
    ];
    for path in wanted {
        File::open(&path).map_err(|error| {
            Failure::cannot("read", path.display(), error)
                .hint("the release is incomplete or belongs to another user: build or install it again")
        })?;
    }
    let release = context.release;
    Ok(format!("{} {} in {}", release.name, release.version, release.root.display()))
}

/// Has the virtual machine print its version: then all its libraries have been found.
fn runtime(context: &DoctorContext<'_>) -> Result<String, Failure> {
    let Some(bin) = context.release.erts_bin() else {
        return system_erl().map(|path| format!("the Erlang of this machine: {}", path.display()));
    };
    erlexec::check(&bin.join("erlexec"))?;
    for program in diagnosis::ERTS_PROGRAMS {
        is_executable(&bin.join(program))?;
    }
    let program = bin.join("beam.smp");
    let cannot = |cause: &str| {
        Failure::cannot("run", program.display(), cause).hint(
            "build the release for this system; `beamship check abi --target DIR|IMAGE` finds out before what it lacks",
        )
    };
    let mut command = Command::new(&program);
    command.arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| cannot(&error.to_string()))?;
    let mut output = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        // What could not be read is not shown.
        let _ = stderr.read_to_end(&mut output);
    }
    if !child.wait().is_ok_and(|status| status.success()) {
        let text = String::from_utf8_lossy(&output);
        return Err(cannot(text.lines().next().unwrap_or("it exits with an error")));
    }
    Ok(format!("{} runs here", context.release.erts_version))
}

fn is_executable(path: &Path) -> Result<(), Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| {
        Failure::cannot("run", path.display(), error)
            .hint("the release is incomplete: build or install it again")
    })?;
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(Failure::cannot("run", path.display(), "it is not executable")
            .hint("whatever has copied the release has lost its file modes: copy the tarball instead"));
    }
    Ok(())
}
