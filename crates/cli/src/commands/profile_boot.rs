//! `beamship profile-boot`: a trial start, of which the names of the modules that it used are kept.
//!
//! The release is started in interactive mode, and with nothing loaded that is not called. Once it is ready, the
//! running system is asked what it has loaded, and stopped. The start has the environment of this command (`DATABASE_URL`,
//! `SECRET_KEY_BASE` …), and a node name, a cookie and a `RELEASE_TMP` of its own, so that it is not taken for a system that runs.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::Utf8Path;
use etf::Term;
use release::{FAST_BOOT, PROFILE};

use super::trial::{HINT, Started, Trial, failure};
use crate::arguments::{GlobalArguments, ProfileBootArguments};
use crate::generated_files::{NewFile, WriteOptions, write_all};
use crate::hinted_error::HintedError;
use crate::pipeline::mix_project;
use crate::printer::{Printer, count};
use crate::release_directory;

/// How often the trial start is asked whether it is ready.
const INTERVAL: Duration = Duration::from_millis(50);

/// Records a profile.
pub(crate) fn run(
    arguments: &ProfileBootArguments,
    global: &GlobalArguments,
    printer: &Printer,
) -> anyhow::Result<()> {
    let project = mix_project(global)?;
    let directory =
        release_directory::find(global, arguments.built.release.as_deref(), arguments.built.name.as_deref())?;
    let (name, version) = release_directory::identity(&directory)?;
    let temporary = tempfile::tempdir().context("cannot create a temporary directory")?;
    let place = Utf8Path::from_path(temporary.path()).context("the temporary directory is not UTF-8")?;
    let trial = Trial::new(directory.join("bin").join(&name), place.to_owned(), "profile-boot")?;
    let fast = directory.join("releases").join(version).join(FAST_BOOT);
    let script = match fs_err::read(&fast) {
        Ok(boot) => {
            Some(release::for_a_record(&boot).with_context(|| format!("`{fast}` is not a boot script"))?)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let phase = printer.phase("start");
    let modules = match trial.modules(arguments, script) {
        Ok(modules) => modules,
        Err(error) => {
            phase.abandon();
            return Err(error);
        }
    };
    phase.finish(&format!("{} modules are used", count(modules.len())));
    let mut text = "# The modules that a start uses; `beamship profile-boot` records them.\n".to_owned();
    for module in &modules {
        text.push_str(module);
        text.push('\n');
    }
    let file = NewFile { path: format!("rel/{PROFILE}"), mode: None, text };
    let write_options =
        WriteOptions { force: true, dry_run: false, json: global.json, shows_difference: false };
    write_all(&project, &[file], write_options, printer)?;
    printer.say("\nThe next `beamship build` makes a release that starts with these.");
    Ok(())
}

impl Trial {
    /// Starts the system with a boot script, or with its usual one, and asks what it has loaded.
    fn modules(
        &self,
        arguments: &ProfileBootArguments,
        script: Option<Vec<u8>>,
    ) -> anyhow::Result<BTreeSet<String>> {
        let log = self.place.join("log");
        let output = fs_err::File::create(&log)?;
        let errors = output.file().try_clone().with_context(|| format!("cannot write `{log}`"))?;
        let mut start = self.command(&["start"]);
        if let Some(script) = script {
            fs_err::write(self.place.join("record.boot"), script)?;
            start.env("RELEASE_BOOT_SCRIPT", self.place.join("record"));
        }
        start.env("PHX_SERVER", "true").stdout(output.into_file()).stderr(errors);
        let mut started = self.spawn(&mut start)?;
        let result = self.recorded(arguments, &mut started);
        self.stop(started);
        result.map_err(|error| {
            let said = fs_err::read_to_string(&log).unwrap_or_default();
            failure(&error.to_string(), &said)
        })
    }

    fn recorded(
        &self,
        arguments: &ProfileBootArguments,
        started: &mut Started,
    ) -> anyhow::Result<BTreeSet<String>> {
        let deadline = Instant::now() + Duration::from_secs(arguments.wait.into());
        while let Err(error) = self.succeed(&["ready"]) {
            if !started.runs() || Instant::now() >= deadline {
                return Err(error.context(format!("the trial start did not get ready\n{HINT}")));
            }
            std::thread::sleep(INTERVAL);
        }
        if let Some(exercise) = &arguments.exercise {
            let status = Command::new("/bin/sh").args(["-c", exercise]).stdout(Stdio::null()).status();
            let status = status.with_context(|| format!("cannot run `{exercise}`"))?;
            anyhow::ensure!(status.success(), "`{exercise}` failed with {status}");
        }
        // Not an expression: the system would load all that evaluates it.
        let answer = self.succeed(&["rpc", "--mfa", "code", "all_loaded"])?;
        let modules = from_files(&answer).context("cannot read which modules the trial start has loaded")?;
        anyhow::ensure!(!modules.is_empty(), "the trial start has loaded no module");
        Ok(modules)
    }

    fn succeed(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output =
            self.command(arguments).output().with_context(|| format!("cannot run `{}`", self.program))?;
        if !output.status.success() {
            return Err(HintedError::of_launcher(&output.stderr).into());
        }
        String::from_utf8(output.stdout).context("the answer of the system is not UTF-8")
    }
}

/// Names of the modules that were loaded from files, out of what `code:all_loaded/0` returns: `{Module, File}`, and
/// `{Module, preloaded}` of those that are part of the runtime.
fn from_files(answer: &str) -> anyhow::Result<BTreeSet<String>> {
    let terms = etf::text::consult(format!("{answer}.").as_bytes())?;
    let loaded = terms.first().and_then(Term::as_list).context("it is not a list")?;
    let from_file = |entry: &Term| match entry.as_tuple() {
        Some([module, file]) if file.as_atom().is_none() => Some(module.as_atom()?.to_string()),
        _ => None,
    };
    Ok(loaded.iter().filter_map(from_file).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_the_runtime_itself_are_left_out() {
        let answer =
            "[{'Elixir.Demo',\"/demo/Elixir.Demo.beam\"},\n {init,preloaded},{lists,\"/lists.beam\"}]\n";
        let modules: Vec<String> = from_files(answer).unwrap().into_iter().collect();
        assert_eq!(modules, ["Elixir.Demo", "lists"]);
        assert!(from_files("ok").is_err());
        assert!(from_files("[").is_err());
    }
}
