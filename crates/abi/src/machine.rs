//! The architecture that an ELF file is for.

use std::fmt;

use object::elf;
use serde::{Serialize, Serializer};

/// As much of a file as says what it is for, in bytes.
pub const HEADER_SIZE: usize = 20;

/// An architecture: the instruction set, the size of its words and their byte order. Files of different ones cannot be
/// in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine {
    /// `e_machine` of the ELF header.
    number: u16,
    is_64: bool,
    is_little_endian: bool,
}

/// What is known about an architecture.
struct Known {
    machine: Machine,
    name: &'static str,
    /// The name in an OCI image's `platform`.
    oci: Option<&'static str>,
    /// Debian's directories for several architectures below /lib and /usr/lib.
    triplets: &'static [&'static str],
}

const fn machine(number: elf::Machine, is_64: bool, is_little_endian: bool) -> Machine {
    Machine { number: number.0, is_64, is_little_endian }
}

const KNOWN: &[Known] = &[
    Known {
        machine: machine(elf::EM_X86_64, true, true),
        name: "x86-64",
        oci: Some("amd64"),
        triplets: &["x86_64-linux-gnu"],
    },
    Known {
        machine: machine(elf::EM_AARCH64, true, true),
        name: "aarch64",
        oci: Some("arm64"),
        triplets: &["aarch64-linux-gnu"],
    },
    Known {
        machine: machine(elf::EM_ARM, false, true),
        name: "arm (32 bit)",
        oci: Some("arm"),
        triplets: &["arm-linux-gnueabihf", "arm-linux-gnueabi"],
    },
    Known {
        machine: machine(elf::EM_386, false, true),
        name: "x86 (32 bit)",
        oci: Some("386"),
        triplets: &["i386-linux-gnu"],
    },
    Known {
        machine: machine(elf::EM_X86_64, false, true),
        name: "x32",
        oci: None,
        triplets: &["x86_64-linux-gnux32"],
    },
    Known {
        machine: machine(elf::EM_RISCV, true, true),
        name: "riscv64",
        oci: Some("riscv64"),
        triplets: &["riscv64-linux-gnu"],
    },
    Known {
        machine: machine(elf::EM_PPC64, true, true),
        name: "ppc64le",
        oci: Some("ppc64le"),
        triplets: &["powerpc64le-linux-gnu"],
    },
    Known {
        machine: machine(elf::EM_S390, true, false),
        name: "s390x",
        oci: Some("s390x"),
        triplets: &["s390x-linux-gnu"],
    },
    Known {
        machine: machine(elf::EM_LOONGARCH, true, true),
        name: "loongarch64",
        oci: Some("loong64"),
        triplets: &["loongarch64-linux-gnu"],
    },
];

impl Machine {
    pub(crate) fn new(number: u16, is_64: bool, is_little_endian: bool) -> Self {
        Self { number, is_64, is_little_endian }
    }

    /// The one that the first [`HEADER_SIZE`] bytes of a file name; none when it is not an ELF file.
    pub fn of_header(header: &[u8]) -> Option<Self> {
        let [0x7f, b'E', b'L', b'F', class @ (1 | 2), order @ (1 | 2), ..] = header else { return None };
        let number = [*header.get(18)?, *header.get(19)?];
        let is_little_endian = *order == 1;
        let number = if is_little_endian { u16::from_le_bytes(number) } else { u16::from_be_bytes(number) };
        Some(Self { number, is_64: *class == 2, is_little_endian })
    }

    /// The name in an OCI image's `platform`, where it has one.
    pub fn oci(self) -> Option<&'static str> {
        self.known().and_then(|known| known.oci)
    }

    /// The directories for several architectures in which Debian's loader looks.
    pub(crate) fn triplets(self) -> &'static [&'static str] {
        self.known().map_or(&[], |known| known.triplets)
    }

    /// The name of the second set of library directories of systems with two word sizes.
    pub(crate) fn library_directory(self) -> Option<&'static str> {
        match self.known().map(|known| known.name) {
            Some("x32") => Some("libx32"),
            _ if self.is_64 => Some("lib64"),
            _ => None,
        }
    }

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.machine == self)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(known) => formatter.write_str(known.name),
            None => {
                let bits = if self.is_64 { 64 } else { 32 };
                let order = if self.is_little_endian { "little" } else { "big" };
                write!(formatter, "machine {} ({bits} bit, {order}-endian)", self.number)
            }
        }
    }
}

impl Serialize for Machine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_has_a_name_of_its_own_in_images() {
        let names: Vec<_> = KNOWN.iter().filter_map(|known| known.machine.oci()).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name}");
        }
        assert!(names.contains(&"amd64") && names.contains(&"arm64"));
    }

    #[test]
    fn an_unknown_one_is_described() {
        assert_eq!(Machine::new(75, false, true).to_string(), "machine 75 (32 bit, little-endian)");
        assert_eq!(Machine::new(62, true, true).to_string(), "x86-64");
    }
}
