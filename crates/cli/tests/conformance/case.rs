//! One case: run, made comparable, compared.

use std::os::unix::fs::PermissionsExt;

use camino::Utf8Path;

use crate::sandbox::{Sandbox, run};
use crate::toolchain::{Toolchain, case_directory, copy};

/// Runs the case of this name.
pub(crate) fn check(name: &str) {
    let toolchain = Toolchain::get();
    let folder = case_directory().join(name);
    let script =
        std::fs::read_to_string(folder.join("run")).unwrap_or_else(|error| panic!("{folder}/run: {error}"));
    if !applies(&script, toolchain) {
        eprintln!("{name} does not apply to Elixir {}", toolchain.elixir);
        return;
    }
    let sandbox = Sandbox::new();
    let project = sandbox.join("project");
    copy(&toolchain.project, &project);
    lay_over(&folder, &project);
    let found = perform(&sandbox, &project, &folder.join("run"));
    let found = anonymous(&found, &sandbox, toolchain);

    let usual = folder.join("expected");
    let special = folder.join(format!("expected.{}", toolchain.minor()));
    match std::env::var("BEAMSHIP_UPDATE_CASES").as_deref() {
        Ok("usual") => return std::fs::write(usual, found).unwrap(),
        Ok("special") => {
            let _ = std::fs::remove_file(&special);
            if std::fs::read_to_string(&usual).is_ok_and(|wanted| wanted == found) {
                return;
            }
            return std::fs::write(special, found).unwrap();
        }
        _ => {}
    }
    let expected = if special.exists() { special } else { usual };
    let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
    assert!(
        wanted == found,
        "{name}: not as in {expected}\n--- expected\n{wanted}\n--- found\n{found}\n(see the top of main.rs for how to write it anew)"
    );
}

/// `# elixir: >= 1.16`, `# elixir: < 1.16` or `# otp: >= 27` in the script.
fn applies(script: &str, toolchain: &Toolchain) -> bool {
    script.lines().all(|line| {
        if let Some(version) = line.strip_prefix("# elixir: >= ") {
            toolchain.at_least(version)
        } else if let Some(version) = line.strip_prefix("# elixir: < ") {
            !toolchain.at_least(version)
        } else if let Some(version) = line.strip_prefix("# otp: >= ") {
            toolchain.otp >= version.trim().parse().unwrap()
        } else {
            true
        }
    })
}

/// The files of the case over those of the project.
fn lay_over(folder: &Utf8Path, project: &Utf8Path) {
    for entry in folder.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "run" || entry.file_name().starts_with("expected") {
            continue;
        }
        let to = project.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            copy(&entry.path().join("."), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What the script prints, on stdout and stderr alike, and its exit status.
fn perform(sandbox: &Sandbox, project: &Utf8Path, script: &Utf8Path) -> String {
    let commands = sandbox.join("commands");
    std::fs::create_dir(&commands).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_beamship"), commands.join("beamship")).unwrap();
    let mut shell = sandbox.command("sh");
    let path = shell.get_envs().find_map(|(key, value)| (key == "PATH").then_some(value)).flatten();
    let path = format!("{commands}:{}", path.unwrap_or_default().to_string_lossy());
    let prelude = case_directory().join("../prelude");
    shell.env("PATH", path).current_dir(project).args(["-ec", "exec 2>&1; . \"$0\"; . \"$1\""]);
    shell.arg(prelude).arg(script);
    let outcome = run(&mut shell);
    // Directories that a case has closed can be removed all the same.
    let _ = std::fs::set_permissions(project, std::fs::Permissions::from_mode(0o755));
    format!("{}{}[exit {}]\n", outcome.stdout, outcome.stderr, outcome.status.unwrap_or(-1))
}

/// Without what differs from machine to machine: directories and versions.
fn anonymous(text: &str, sandbox: &Sandbox, toolchain: &Toolchain) -> String {
    let real = sandbox.path().canonicalize_utf8().unwrap();
    let mut text = text.replace(real.as_str(), "[ROOT]").replace(sandbox.path().as_str(), "[ROOT]");
    for (name, version) in &toolchain.versions {
        for (before, after) in [("-", ""), (" ", ""), ("\",\"", "\""), (",\"", "\""), ("=", "")] {
            text = text.replace(
                &format!("{name}{before}{version}{after}"),
                &format!("{name}{before}[{}]{after}", name.to_uppercase()),
            );
        }
    }
    let erts = &toolchain.versions["erts"];
    without_numbers_of_functions(&text.replace(&format!("{erts} 0."), "[ERTS] 0."))
}

/// `#Function<42.3316493/1 in …>` has another number in every version.
fn without_numbers_of_functions(text: &str) -> String {
    let mut parts = text.split("#Function<");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once('>').map_or(part, |(_, rest)| rest);
        result.push_str("#Function<…>");
        result.push_str(rest);
    }
    result
}
