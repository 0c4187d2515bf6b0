//! What a build has read and made, kept for the next one.
//!
//! The names of the fields in the file are older than those here, and stay.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::{
    Difference, Environment, EnvironmentScope, InitialSnapshot, Origin, Scope, Snapshot, Stamp, Stamps,
    checksummed_file,
};

/// The inputs and the outputs of a build.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    scope: Scope,
    snapshot: Snapshot,
    environment: Environment,
    /// Files of the toolchain and of compiled code that are in the release, by their stamps; none when that is uncertain.
    sources: BTreeMap<String, Option<Stamp>>,
    /// What was made.
    #[serde(rename = "made")]
    outputs: BTreeMap<String, Output>,
    /// What changed while the build ran.
    #[serde(rename = "disturbed")]
    changed_during_build: Option<Utf8PathBuf>,
    /// What the caller needs to tell its user about this build.
    pub summary: serde_json::Value,
}

/// A file or link that was made.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Output {
    #[serde(rename = "l")]
    Link(String),
    #[serde(rename = "f")]
    File(Stamp, Option<Origin>),
}

/// What the caller knows about a build that has finished.
#[derive(Debug)]
pub struct FinishedBuild<'a> {
    /// Where it may have read.
    pub scope: Scope,
    /// What it began with.
    pub initial: &'a InitialSnapshot,
    /// Which variables it has asked for.
    pub variables: EnvironmentScope,
    /// Files that are in the release, as they were before it was written.
    pub sources: Stamps,
    /// What it has made, and what from.
    pub outputs: Vec<(Utf8PathBuf, Option<Origin>)>,
    /// What to keep for the user.
    pub summary: serde_json::Value,
}

impl Record {
    /// Looks at everything once more, now that the build has finished.
    #[must_use]
    pub fn new(build: FinishedBuild<'_>, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let FinishedBuild { scope, initial, variables: asked, sources, outputs, summary } = build;
        let snapshot = Snapshot::take(&scope, initial.snapshot());
        let changed_during_build = initial.change_during_build(&snapshot, &scope);
        // One that has changed since may be in the release with either content.
        let sources: Vec<_> = sources.iter().collect();
        let places = Places::of(sources.iter().map(|(path, _)| *path));
        // What is in the snapshot is compared by content.
        let is_elsewhere =
            |path: &Utf8Path| !places.of_file(path).is_some_and(|place| snapshot.contains(&place));
        let sources = sources
            .into_par_iter()
            .filter(|(path, _)| is_elsewhere(path))
            .map(|(path, stamp)| (path.to_string(), stamp.filter(|stamp| has_stamp(path, Some(stamp)))))
            .collect();
        let outputs = outputs
            .par_iter()
            .filter_map(|(path, origin)| Some((path.to_string(), Output::look(path, origin.clone())?)))
            .collect();
        Self {
            environment: Environment::new(asked, variables),
            scope,
            snapshot,
            sources,
            outputs,
            changed_during_build,
            summary,
        }
    }

    /// The record in a file; none when there is no such file, or it is damaged.
    #[must_use]
    pub fn load(path: &Utf8Path) -> Option<Self> {
        checksummed_file::load(path)
    }

    /// Keeps it, whole or not at all. One that cannot be kept only costs time, so that is not an error.
    pub fn save(&self, path: &Utf8Path) {
        let _ = checksummed_file::save(self, path);
    }

    /// Where the build may have read.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What was there.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether another build would make the same. Files that were touched and have the same content get their new stamps in this
    /// record; the result says whether there were any, so that the record is worth saving.
    ///
    /// # Errors
    ///
    /// Why another build might make something else.
    pub fn difference(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<bool, Difference> {
        if let Some(path) = &self.changed_during_build {
            return Err(Difference::DuringBuild(path.clone()));
        }
        if let Some(name) = self.environment.difference(variables) {
            return Err(Difference::Variable(name));
        }
        let outputs: Vec<_> = self.outputs.iter().collect();
        if let Some(path) = outputs
            .par_iter()
            .find_map_first(|(path, output)| (!output.is_unchanged(Utf8Path::new(path))).then_some(*path))
        {
            return Err(Difference::Made(path.as_str().into()));
        }
        let sources: Vec<_> = self.sources.iter().collect();
        let changed = sources.par_iter().find_map_first(|(path, stamp)| {
            (!has_stamp(Utf8Path::new(path), stamp.as_ref())).then_some(*path)
        });
        if let Some(path) = changed.map(Utf8PathBuf::from) {
            return Err(if path.exists() { Difference::Changed(path) } else { Difference::Gone(path) });
        }
        let now = Snapshot::take(&self.scope, &self.snapshot);
        if let Some(difference) = self.snapshot.difference(&now) {
            return Err(difference);
        }
        let touched = now != self.snapshot;
        self.snapshot = now;
        Ok(touched)
    }

    /// The size of this output in bytes if the last build has made it from this origin and with this mode, and neither the output
    /// nor the source has changed since.
    #[must_use]
    pub fn size_if_up_to_date(&self, path: &Utf8Path, origin: &Origin, mode: u32) -> Option<u64> {
        let Some(Output::File(stamp, Some(made_from))) = self.outputs.get(path.as_str()) else {
            return None;
        };
        let source_stamp = self.sources.get(origin.source.as_str()).and_then(Option::as_ref);
        let is_up_to_date = made_from == origin
            && stamp.mode() & 0o7777 == mode
            && has_stamp(path, Some(stamp))
            && has_stamp(&origin.source, source_stamp);
        is_up_to_date.then(|| stamp.size())
    }
}

/// Where files really are, the directories above them by their names. Thousands of files are in some dozen directories.
struct Places<'p>(HashMap<&'p Utf8Path, Option<Utf8PathBuf>>);

impl<'p> Places<'p> {
    fn of(files: impl Iterator<Item = &'p Utf8Path>) -> Self {
        let mut places = HashMap::new();
        for directory in files.filter_map(Utf8Path::parent) {
            places.entry(directory).or_insert_with(|| directory.canonicalize_utf8().ok());
        }
        Self(places)
    }

    /// The file behind a path, if it is there.
    fn of_file(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        if fs::symlink_metadata(path).ok()?.is_symlink() {
            return path.canonicalize_utf8().ok();
        }
        Some(self.0.get(path.parent()?)?.as_ref()?.join(path.file_name()?))
    }
}

impl Output {
    fn look(path: &Utf8Path, origin: Option<Origin>) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        if metadata.is_symlink() {
            return Some(Self::Link(fs::read_link(path).ok()?.to_str()?.to_owned()));
        }
        metadata.is_file().then(|| Self::File(Stamp::of(&metadata), origin))
    }

    /// Whether it is still at this path as the build left it.
    fn is_unchanged(&self, path: &Utf8Path) -> bool {
        match (self, Self::look(path, None)) {
            (Self::File(was, _), Some(Self::File(is, _))) => *was == is,
            (Self::Link(was), Some(Self::Link(is))) => *was == is,
            _ => false,
        }
    }
}

/// Whether the file still has this stamp. Without one nothing was certain about the file, and nothing is now.
fn has_stamp(path: &Utf8Path, stamp: Option<&Stamp>) -> bool {
    stamp.is_some_and(|stamp| fs::metadata(path).is_ok_and(|metadata| Stamp::of(&metadata) == *stamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Moment;

    struct Build {
        _directory: tempfile::TempDir,
        root: Utf8PathBuf,
    }

    fn origin(source: &Utf8Path, transformation: &str) -> Origin {
        Origin { source: source.to_owned(), transformation: transformation.to_owned() }
    }

    const NO_VARIABLES: [(OsString, OsString); 0] = [];

    impl Build {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
            fs::create_dir_all(root.join("project")).unwrap();
            for name in ["project/a.ex", "otp.beam", "made.beam"] {
                fs::write(root.join(name), name).unwrap();
            }
            let build = Self { _directory: directory, root };
            for name in ["project/a.ex", "otp.beam"] {
                let path = build.root.join(name);
                while !Stamp::of(&fs::metadata(&path).unwrap()).is_certain(Moment::now()) {}
            }
            build
        }

        fn record(&self) -> Record {
            self.record_with(|| ())
        }

        /// `written` happens while the release is written.
        fn record_with(&self, written: impl FnOnce()) -> Record {
            let scope = Scope { directories: [self.root.join("project")].into(), ..Scope::default() };
            let initial = InitialSnapshot::take(scope.clone(), &Snapshot::default());
            let otp = self.root.join("otp.beam");
            let sources = Stamps::take(std::slice::from_ref(&otp));
            written();
            let build = FinishedBuild {
                scope,
                initial: &initial,
                variables: EnvironmentScope::default(),
                sources,
                outputs: vec![(self.root.join("made.beam"), Some(origin(&otp, "stripped")))],
                summary: serde_json::json!({"name": "demo"}),
            };
            Record::new(build, NO_VARIABLES)
        }
    }

    #[test]
    fn nothing_has_changed() {
        let build = Build::new();
        let file = build.root.join("cache/record");
        build.record().save(&file);
        let mut record = Record::load(&file).unwrap();
        assert_eq!(record.difference(NO_VARIABLES), Ok(false));
        assert_eq!(record.summary["name"], "demo");
        // Touched, but the same.
        fs::write(build.root.join("project/a.ex"), "project/a.ex").unwrap();
        assert_eq!(record.difference(NO_VARIABLES), Ok(true));
    }

    #[test]
    fn every_kind_of_change_is_named() {
        for (name, difference) in [
            ("project/a.ex", Difference::Changed as fn(Utf8PathBuf) -> Difference),
            ("otp.beam", Difference::Changed),
            ("made.beam", Difference::Made),
            ("project/new", Difference::New),
        ] {
            let build = Build::new();
            let mut record = build.record();
            fs::write(build.root.join(name), "something else").unwrap();
            assert_eq!(record.difference(NO_VARIABLES), Err(difference(build.root.join(name))));
        }
        let mut record = Build::new().record();
        let variables = [("MIX_ENV".into(), "test".into())];
        assert_eq!(record.difference(variables), Err(Difference::Variable("MIX_ENV".to_owned())));
    }

    #[test]
    fn what_was_made_of_an_unchanged_source_is_known() {
        let build = Build::new();
        let record = build.record();
        let (made, otp) = (build.root.join("made.beam"), build.root.join("otp.beam"));
        let mode = fs::metadata(&made).map(|metadata| Stamp::of(&metadata).mode() & 0o7777).unwrap();
        let size = "made.beam".len() as u64;
        assert_eq!(record.size_if_up_to_date(&made, &origin(&otp, "stripped"), mode), Some(size));
        assert!(record.size_if_up_to_date(&made, &origin(&otp, "kept"), mode).is_none());
        assert!(record.size_if_up_to_date(&made, &origin(&otp, "stripped"), 0o600).is_none());
        assert!(record.size_if_up_to_date(&otp, &origin(&otp, "stripped"), mode).is_none());
        // In place, the same size: another content all the same.
        fs::write(&made, "MADE.beam").unwrap();
        assert!(record.size_if_up_to_date(&made, &origin(&otp, "stripped"), mode).is_none());
        let record = build.record();
        assert!(record.size_if_up_to_date(&made, &origin(&otp, "stripped"), mode).is_some());
        fs::write(&otp, "other").unwrap();
        assert!(record.size_if_up_to_date(&made, &origin(&otp, "stripped"), mode).is_none());
    }

    /// Compiled again while the release was written: nobody knows which code is in it.
    #[test]
    fn what_has_changed_since_it_was_written_is_not_taken_over() {
        let build = Build::new();
        let (made, otp) = (build.root.join("made.beam"), build.root.join("otp.beam"));
        let mode = fs::metadata(&made).map(|metadata| Stamp::of(&metadata).mode() & 0o7777).unwrap();
        let mut record = build.record_with(|| fs::write(&otp, "OTP.beam").unwrap());
        assert!(record.size_if_up_to_date(&made, &origin(&otp, "stripped"), mode).is_none());
        assert_eq!(record.difference(NO_VARIABLES), Err(Difference::Changed(otp)));
    }

    #[test]
    fn a_file_is_where_links_lead() {
        let build = Build::new();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, build.root.join(name)).unwrap();
        link("project", "linked");
        link("../otp.beam", "project/b.ex");
        link("gone", "project/c.ex");
        for path in
            ["project/a.ex", "linked/a.ex", "linked/b.ex", "linked/../otp.beam", "project/c.ex", "no/file"]
        {
            let path = build.root.join(path);
            let place = Places::of([path.as_path()].into_iter()).of_file(&path);
            assert_eq!(place, path.canonicalize_utf8().ok(), "{path}");
        }
    }

    #[test]
    fn a_damaged_record_counts_as_none() {
        let build = Build::new();
        let file = build.root.join("record");
        assert!(Record::load(&file).is_none());
        build.record().save(&file);
        let whole = fs::read(&file).unwrap();
        for length in [0, 10, 64, 65, whole.len() - 1] {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(Record::load(&file).is_none(), "{length}");
        }
        for position in (0..whole.len()).step_by(7) {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            fs::write(&file, &damaged).unwrap();
            assert!(Record::load(&file).is_none(), "{position}");
        }
        // A file where the directory should be, or a full disk, is not an error.
        build.record().save(&file.join("below/a/file"));
    }
}
