//! An alias that beamship does not follow.
//!
//! Mix replaces a task by the alias of its name, so `mix release` runs the alias `release` of a project that has one. beamship
//! does not run the task, and so not the alias; the user has to know.

/// What is said of a project that has such an alias.
pub(crate) const WARNING: &str =
    "the project has an alias `release`, which `mix release` would run and beamship does not";

/// Whether it is among the aliases of a project.
pub(crate) fn is_among<'a>(mut aliases: impl Iterator<Item = &'a str>) -> bool {
    aliases.any(|alias| alias == "release")
}
