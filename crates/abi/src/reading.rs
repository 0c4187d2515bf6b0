//! The difference between a damaged file and one that the operating system cannot read.
//!
//! The parser of ELF files takes whatever it cannot read for damage. Somebody who reads that a file is damaged builds it
//! again, which does not help where a disk fails.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};

use camino::Utf8Path;

use crate::elf::ElfError;
use crate::{AbiError, Elf};

/// Reads an ELF file. The inner error is one of the file, the outer one is of the operating system.
pub(crate) fn read_elf(
    path: &Utf8Path,
    file: impl Read + Seek,
) -> Result<Result<Option<Elf>, ElfError>, AbiError> {
    let failure = RefCell::new(None);
    let read = Elf::read(ErrorRecorder { file, failure: &failure });
    match failure.into_inner() {
        Some(error) => Err(AbiError::new("read", path, error)),
        None => Ok(read),
    }
}

/// A reader that keeps the first error of the operating system.
struct ErrorRecorder<'a, F> {
    file: F,
    failure: &'a RefCell<Option<io::Error>>,
}

impl<F: Read> Read for ErrorRecorder<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.file.read(buffer);
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let recorded =
                error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.failure.borrow_mut().get_or_insert(recorded);
        }
        result
    }
}

impl<F: Seek> Seek for ErrorRecorder<'_, F> {
    // Where a damaged file points to may be an offset that cannot be sought: that is not a failure of the system.
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file on a disk that fails behind the first bytes.
    struct Failing(io::Cursor<Vec<u8>>);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.position() > 0 {
                return Err(io::Error::from_raw_os_error(5));
            }
            self.0.read(buffer)
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
            self.0.seek(position)
        }
    }

    #[test]
    fn a_failing_disk_is_not_a_damaged_file() {
        let own = fs_err::read("/proc/self/exe").unwrap();
        let path = Utf8Path::new("/app/bin/demo");
        let error = read_elf(path, Failing(io::Cursor::new(own.clone()))).unwrap_err();
        assert_eq!((error.path.as_path(), error.source.raw_os_error()), (path, Some(5)));
        assert!(read_elf(path, io::Cursor::new(&own[..100])).unwrap().is_err());
        assert!(read_elf(path, io::Cursor::new(own)).unwrap().is_ok());
    }
}
