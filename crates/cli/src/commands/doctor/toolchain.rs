//! What builds releases: Elixir, Erlang, Mix, and beamship's own launcher.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use ::project::BridgeError;
use camino::Utf8Path;
use diagnosis::{Finding, Findings, Severity};

use super::finding;
use crate::launcher_file;

/// The versions of Elixir that beamship is tested with, `1.` left out.
const ELIXIR: std::ops::RangeInclusive<u32> = 14..=20;

/// The versions of OTP that beamship is tested with.
const OTP: std::ops::RangeInclusive<u32> = 25..=29;

/// Asks a virtual machine without any project.
const QUESTIONS: &str = r#"
IO.puts("elixir=#{System.version()}")
IO.puts("otp=#{System.otp_release()}")
IO.puts("root=#{:code.root_dir()}")
IO.puts("encoding=#{:file.native_name_encoding()}")
IO.puts("mix=#{match?({:ok, _}, Application.ensure_all_started(:mix))}")
missing = for app <- [:crypto, :sasl, :public_key, :ssl, :parsetools], match?({:error, _}, :code.lib_dir(app)), do: app
IO.puts("missing=#{Enum.join(missing, ", ")}")
"#;

/// Checks the one that is chosen in a directory, where version managers look; returns whether there is an Elixir that runs.
pub(super) fn check(directory: &Utf8Path, findings: &mut Findings) -> bool {
    let answers = match ask(directory) {
        Ok(answers) => answers,
        Err(error) => {
            findings.push(finding("elixir", Severity::Error, &error));
            launcher(findings);
            return false;
        }
    };
    let answer = |name: &str| {
        let found = answers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_default().trim().to_owned()
    };
    findings.push(elixir(&answer("elixir")));
    findings.push(otp(&answer("otp"), &answer("root"), &answer("missing")));
    findings.push(if answer("mix") == "true" {
        Finding::ok("mix", "starts")
    } else {
        Finding::error(
            "mix",
            "Mix does not start",
            "install Elixir completely: some systems have Mix in a package of its own",
        )
    });
    findings.push(if answer("encoding") == "utf8" {
        Finding::ok("locale", "UTF-8")
    } else {
        Finding::warning(
            "locale",
            format!("the virtual machine takes file names for {}: code that handles others goes wrong when it is compiled", answer("encoding")),
            "set LANG=C.UTF-8; a locale by another name has to be installed",
        )
    });
    launcher(findings);
    true
}

fn ask(directory: &Utf8Path) -> anyhow::Result<String> {
    let program = "elixir";
    let output =
        Command::new(program).args(["-e", QUESTIONS]).current_dir(directory).stdin(Stdio::null()).output();
    let output = output.map_err(|source| match source.kind() {
        ErrorKind::NotFound => BridgeError::ElixirMissing { program: program.to_owned() },
        _ => BridgeError::Io { action: "run", subject: program.to_owned(), source },
    })?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        let reason = printed.lines().find(|line| !line.trim().is_empty()).unwrap_or("it prints nothing");
        anyhow::bail!(
            "`{program}` does not run: {reason}\nhint: `elixir --version` has to work: Erlang (`erl`) has to be in PATH too, in a version that this Elixir supports"
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn elixir(version: &str) -> Finding {
    let check = "elixir";
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let supported = format!("1.{} to 1.{}", ELIXIR.start(), ELIXIR.end());
    match (major, minor) {
        (1, minor) if ELIXIR.contains(&minor) => Finding::ok(check, version),
        newer if newer > (1, *ELIXIR.end()) => Finding::warning(
            check,
            format!("{version} is newer than what this beamship is tested with ({supported})"),
            "look for a newer beamship",
        ),
        _ => Finding::error(
            check,
            format!("{version} is not supported"),
            format!("install Elixir {supported} (https://elixir-lang.org/install.html)"),
        ),
    }
}

fn otp(version: &str, root: &str, missing: &str) -> Finding {
    let check = "otp";
    let supported = format!("{} to {}", OTP.start(), OTP.end());
    let number = version.parse::<u32>().unwrap_or(0);
    if number < *OTP.start() {
        return Finding::error(
            check,
            format!("{version} is not supported"),
            format!("install OTP {supported}"),
        );
    }
    if !missing.is_empty() {
        return Finding::error(
            check,
            format!("these applications of Erlang are missing: {missing}"),
            "some systems split Erlang into several packages: install those that have them, or the whole (`erlang`)",
        );
    }
    if number > *OTP.end() {
        let message = format!("{version} is newer than what this beamship is tested with ({supported})");
        return Finding::warning(check, message, "look for a newer beamship");
    }
    Finding::ok(check, format!("{version} in {root}"))
}

fn launcher(findings: &mut Findings) {
    findings.push(match launcher_file::find() {
        Ok(path) => Finding::ok("launcher", format!("{path}, of beamship {}", env!("CARGO_PKG_VERSION"))),
        Err(error) => finding("launcher", Severity::Error, &error.into()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_supported_or_not() {
        let severities = |versions: &[&str], check: fn(&str) -> Finding| -> Vec<Severity> {
            versions.iter().map(|version| check(version).severity).collect()
        };
        use Severity::{Error, Ok, Warning};
        let found = severities(&["1.13.4", "1.14.0", "1.20.1-rc.0", "1.21.0-dev", "2.0.0", "x", ""], elixir);
        assert_eq!(found, [Error, Ok, Ok, Warning, Warning, Error, Error]);
        let found = severities(&["24", "25", "29", "30", ""], |version| otp(version, "/usr/lib/erlang", ""));
        assert_eq!(found, [Error, Ok, Ok, Warning, Error]);
        assert_eq!(otp("27", "/usr/lib/erlang", "ssl").severity, Error);
    }
}
