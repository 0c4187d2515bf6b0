//! What a release promises its launcher.
//!
//! `beamship` writes a release, and `bin/NAME`, another executable, runs it, perhaps years later. What both have to agree
//! on stands here and nowhere else: the names of files, the variables between them, and the formats of the files that are not
//! Erlang's. Nothing here reads or writes a file.

mod mode;
mod overlay_command;
mod start_erl_data;

pub use mode::Mode;
pub use overlay_command::OverlayCommand;
pub use start_erl_data::StartErlData;

/// The versions of ERTS and of the release ([`StartErlData`]). Every release has it, those of Mix and `systools` too.
pub const START_ERL_DATA: &str = "releases/start_erl.data";

/// The cookie of a release that has one of its own.
pub const COOKIE: &str = "releases/COOKIE";

/// The files that a build has put into a release, a path in each line: the next build removes these and no others.
pub const MANIFEST: &str = "releases/MANIFEST";

/// The commands of an image that need no shell, an [`OverlayCommand`] in each line.
pub const COMMANDS: &str = "releases/COMMANDS";

/// The boot script of a fast start, as `RELEASE_BOOT_SCRIPT` names it.
pub const FAST_BOOT_SCRIPT: &str = "start_fast";

/// The same as a file in `releases/VSN`.
pub const FAST_BOOT_FILE: &str = "start_fast.boot";

/// The variable with the number of the process that a trial start ends with: `beamship profile-boot` and
/// `explain-boot` may be killed.
pub const ENDS_WITH: &str = "BEAMSHIP_ENDS_WITH";

/// The release resource file among the names of the files in `releases/VSN`. Mix writes one; of several it is the first by
/// name.
pub fn resource_file<'names>(names: impl Iterator<Item = &'names str>) -> Option<&'names str> {
    names.filter(|name| name.len() > ".rel".len() && name.ends_with(".rel")).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_resource_file_counts_in_whatever_order_a_directory_lists_them() {
        let names = ["start.boot", "shop.rel", "other.rel", "sys.config", ".rel"];
        assert_eq!(resource_file(names.into_iter()), Some("other.rel"));
        assert_eq!(resource_file(names.into_iter().rev()), Some("other.rel"));
        assert_eq!(resource_file(["sys.config"].into_iter()), None);
    }

    #[test]
    fn the_boot_script_and_its_file_have_one_name() {
        assert_eq!(format!("{FAST_BOOT_SCRIPT}.boot"), FAST_BOOT_FILE);
    }
}
