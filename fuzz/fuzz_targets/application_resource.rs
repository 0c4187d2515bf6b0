//! Any file is an application's resource file, or an error that names it.
#![no_main]

use beamship_etf::Atom;
use beamship_release::{Application, ApplicationOrigin, FileSource, SourceEntry, SourceError};
use camino::{Utf8Path, Utf8PathBuf};
use libfuzzer_sys::fuzz_target;

/// A machine on which every file has the same content.
struct Everywhere<'a>(&'a [u8]);

impl FileSource for Everywhere<'_> {
    fn read(&self, _path: &Utf8Path) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Some(self.0.to_vec()))
    }

    fn entries(&self, _directory: &Utf8Path) -> Result<Option<Vec<SourceEntry>>, SourceError> {
        Ok(Some(Vec::new()))
    }

    fn canonical(&self, path: &Utf8Path) -> Utf8PathBuf {
        path.to_owned()
    }
}

fuzz_target!(|bytes: &[u8]| {
    for otp_release in [25, 29] {
        let name = Atom::new("kernel");
        let directory = Utf8Path::new("/otp/kernel");
        match Application::read(&name, directory, ApplicationOrigin::Otp, otp_release, &Everywhere(bytes)) {
            Ok(application) => assert_eq!(application.name, name),
            Err(error) => assert!(error.to_string().contains("kernel.app"), "{error}"),
        }
    }
});
