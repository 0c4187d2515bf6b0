//! Which symbols a file needs in a version: for messages only, so whatever is odd gives none.

use object::elf::{self, Versym};
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{Endianness, ReadRef};

/// Enough to recognise what it is about.
const MAXIMUM: usize = 10;

/// Far more than the symbols of the largest library.
const MAXIMUM_SIZE: u64 = 64 << 20;

/// The names of undefined symbols whose version has this number.
pub(super) fn in_version<'data, Header, R>(data: R, version: u16) -> Option<Vec<String>>
where
    Header: FileHeader<Endian = Endianness>,
    R: ReadRef<'data>,
{
    let header = Header::parse(data).ok()?;
    let endian = header.endian().ok()?;
    if header.shnum(endian, data).ok()? > u32::from(u16::MAX) {
        return None;
    }
    let sections = header.sections(endian, data).ok()?;
    let is_read = [elf::SHT_DYNSYM, elf::SHT_GNU_VERSYM, elf::SHT_SYMTAB_SHNDX];
    let is_huge = sections.iter().any(|section| {
        is_read.contains(&section.sh_type(endian)) && section.sh_size(endian).into() > MAXIMUM_SIZE
    });
    if is_huge {
        return None;
    }
    let versions = sections.iter().find(|section| section.sh_type(endian) == elf::SHT_GNU_VERSYM)?;
    let versions: &[Versym<Endianness>] = versions.data_as_array(endian, data).ok()?;
    let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM).ok()?;
    let mut found = Vec::new();
    for (symbol, number) in symbols.iter().zip(versions) {
        if symbol.st_shndx(endian) == elf::SHN_UNDEF
            && number.0.get(endian).index().0 == version
            && let Ok(name) = symbol.name(endian, symbols.strings())
        {
            found.push(String::from_utf8_lossy(name).into_owned());
            if found.len() == MAXIMUM {
                break;
            }
        }
    }
    Some(found)
}
