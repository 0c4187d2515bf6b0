//! The dynamic section: names and symbol versions.

use object::elf::{self, DynamicTag, Verdaux, Verdef, Vernaux, Verneed, VersionFlags};
use object::read::StringTable;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, Pod, ReadRef};

use super::{ElfError, NeededVersion, NeededVersions};
use crate::SymbolVersion;

/// 65,536 entries of a 64-bit file. A large program has fifty.
const MAXIMUM_SIZE: u64 = 1 << 20;

/// More libraries than a program can name.
const MAXIMUM_NEEDED: usize = 4096;

/// More entries of symbol versions than a library has: libstdc++ has a hundred.
const MAXIMUM_VERSIONS: usize = 8192;

/// The longest name of a library or a version.
const MAXIMUM_NAME: usize = 1024;

/// The longest search path.
const MAXIMUM_TEXT: usize = 64 * 1024;

/// The dynamic section of a file.
pub(super) struct Dynamic<'data, Header: FileHeader, R: ReadRef<'data>> {
    endian: Endianness,
    segments: &'data [Header::ProgramHeader],
    data: R,
    entries: &'data [Header::Dyn],
    strings: StringTable<'data, R>,
}

impl<'data, Header, R> Dynamic<'data, Header, R>
where
    Header: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    /// The one of this file, if it has one.
    pub(super) fn find(
        endian: Endianness,
        segments: &'data [Header::ProgramHeader],
        data: R,
    ) -> Result<Option<Self>, ElfError> {
        let Some(segment) = segments.iter().find(|segment| segment.p_type(endian) == elf::PT_DYNAMIC) else {
            return Ok(None);
        };
        if segment.p_filesz(endian).into() > MAXIMUM_SIZE {
            return Err(ElfError::new("its dynamic section is larger than any"));
        }
        let entries = segment.dynamic(endian, data)?.unwrap_or_default();
        let mut dynamic = Self { endian, segments, data, entries, strings: StringTable::default() };
        if let Some(address) = dynamic.value(elf::DT_STRTAB) {
            let start = dynamic.position(address)?;
            let size = dynamic.value(elf::DT_STRSZ).unwrap_or(0);
            let length = data.len().map_err(|()| ElfError::new("its size cannot be found out"))?;
            dynamic.strings = StringTable::new(data, start, start.saturating_add(size).min(length));
        }
        Ok(Some(dynamic))
    }

    /// The entries up to the one that ends them.
    fn entries(&self) -> impl Iterator<Item = (DynamicTag, u64)> {
        let endian = self.endian;
        self.entries
            .iter()
            .map(move |entry| (entry.tag(endian), entry.val(endian)))
            .take_while(|(tag, _)| *tag != elf::DT_NULL)
    }

    /// The value of an entry. As in the loader, the last of several counts.
    pub(super) fn value(&self, tag: DynamicTag) -> Option<u64> {
        self.entries().filter(|entry| entry.0 == tag).last().map(|entry| entry.1)
    }

    /// The text that an entry refers to.
    pub(super) fn text(&self, tag: DynamicTag) -> Result<Option<String>, ElfError> {
        self.value(tag).map(|offset| self.string(offset, MAXIMUM_TEXT)).transpose()
    }

    /// The texts of all entries with this tag.
    pub(super) fn texts(&self, tag: DynamicTag) -> Result<Vec<String>, ElfError> {
        let mut texts = Vec::new();
        for (_, offset) in self.entries().filter(|entry| entry.0 == tag) {
            if texts.len() == MAXIMUM_NEEDED {
                return Err(ElfError::new("it needs more libraries than a program can have"));
            }
            texts.push(self.string(offset, MAXIMUM_NAME)?);
        }
        Ok(texts)
    }

    fn string(&self, offset: u64, maximum: usize) -> Result<String, ElfError> {
        let bytes = u32::try_from(offset).ok().and_then(|offset| self.strings.get(offset).ok());
        let bytes = bytes
            .filter(|bytes| bytes.len() <= maximum)
            .ok_or_else(|| ElfError::new("a name in its dynamic section is cut off or far too long"))?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(ElfError::new(format!(
                "a name in its dynamic section is not valid UTF-8: {}",
                bytes.escape_ascii()
            ))),
        }
    }

    /// Where in the file the byte is that will be at this address.
    fn position(&self, address: u64) -> Result<u64, ElfError> {
        let endian = self.endian;
        self.segments
            .iter()
            .filter(|segment| segment.p_type(endian) == elf::PT_LOAD)
            .find_map(|segment| {
                let within = address.checked_sub(segment.p_vaddr(endian).into())?;
                let offset: u64 = segment.p_offset(endian).into();
                (within < segment.p_filesz(endian).into()).then(|| offset.checked_add(within))?
            })
            .ok_or_else(|| ElfError::new("its dynamic section points outside of the file"))
    }

    fn at<T: Pod>(&self, position: u64) -> Result<&'data T, ElfError> {
        self.data
            .read_at::<T>(position)
            .map_err(|()| ElfError::new("its table of symbol versions is cut off"))
    }

    /// The versions that it needs.
    pub(super) fn needed_versions(&self) -> Result<Vec<NeededVersions>, ElfError> {
        let Some(address) = self.value(elf::DT_VERNEED) else { return Ok(Vec::new()) };
        let mut budget = Budget(MAXIMUM_VERSIONS);
        let mut all = Vec::new();
        let mut position = self.position(address)?;
        loop {
            budget.spend()?;
            let entry: &Verneed<Endianness> = self.at(position)?;
            let library = self.string(entry.vn_file.get(self.endian).into(), MAXIMUM_NAME)?;
            let mut versions = Vec::new();
            let mut auxiliary = position.saturating_add(entry.vn_aux.get(self.endian).into());
            for _ in 0..entry.vn_cnt.get(self.endian) {
                budget.spend()?;
                let version: &Vernaux<Endianness> = self.at(auxiliary)?;
                let name = self.string(version.vna_name.get(self.endian).into(), MAXIMUM_NAME)?;
                let flags: VersionFlags = version.vna_flags.get(self.endian);
                let is_weak = flags.0 & elf::VER_FLG_WEAK.0 != 0;
                let index = version.vna_other.get(self.endian).0 & 0x7fff;
                versions.push(NeededVersion { version: SymbolVersion::new(name), is_weak, index });
                match version.vna_next.get(self.endian) {
                    0 => break,
                    next => auxiliary = auxiliary.saturating_add(next.into()),
                }
            }
            all.push(NeededVersions { library, versions });
            match entry.vn_next.get(self.endian) {
                0 => return Ok(all),
                next => position = position.saturating_add(next.into()),
            }
        }
    }

    /// The versions that it provides, without the one that names the library itself.
    pub(super) fn provided_versions(&self) -> Result<Vec<SymbolVersion>, ElfError> {
        let Some(address) = self.value(elf::DT_VERDEF) else { return Ok(Vec::new()) };
        let mut budget = Budget(MAXIMUM_VERSIONS);
        let mut versions = Vec::new();
        let mut position = self.position(address)?;
        loop {
            budget.spend()?;
            let entry: &Verdef<Endianness> = self.at(position)?;
            let flags: VersionFlags = entry.vd_flags.get(self.endian);
            if flags.0 & elf::VER_FLG_BASE.0 == 0 {
                // The first name is its own, others are those of its predecessors.
                let auxiliary = position.saturating_add(entry.vd_aux.get(self.endian).into());
                let name: &Verdaux<Endianness> = self.at(auxiliary)?;
                let name = self.string(name.vda_name.get(self.endian).into(), MAXIMUM_NAME)?;
                versions.push(SymbolVersion::new(name));
            }
            match entry.vd_next.get(self.endian) {
                0 => return Ok(versions),
                next => position = position.saturating_add(next.into()),
            }
        }
    }
}

/// How many entries are read before a file counts as hostile.
struct Budget(usize);

impl Budget {
    fn spend(&mut self) -> Result<(), ElfError> {
        self.0 = self
            .0
            .checked_sub(1)
            .ok_or_else(|| ElfError::new("its table of symbol versions is longer than any"))?;
        Ok(())
    }
}
