//! What the tests of all crates share: how one says that this machine cannot run it.
//!
//! A test that needs a compiler, another user or a mount point is worth having where these are missing, too, but there
//! it checks nothing. `cargo test` shows nothing of what a passing test prints, so such a test would look like one
//! that passed, on every machine, for ever. [`skip`] makes it a failure where it must not happen: `./test` installs
//! what the tests need and sets [`NO_SKIP`].

/// The variable that makes every skipped test fail.
pub const NO_SKIP: &str = "BEAMSHIP_NO_SKIP";

/// Says that a test cannot check anything here, for want of `missing`; the test then has to return.
///
/// # Panics
///
/// If [`NO_SKIP`] is set.
#[track_caller]
pub fn skip(missing: &str) {
    assert!(std::env::var_os(NO_SKIP).is_none(), "skipped, where {NO_SKIP} forbids it: {missing}");
    #[allow(clippy::print_stderr, reason = "for whoever runs the tests with --nocapture")]
    {
        eprintln!("skipped: {missing}");
    }
}

#[cfg(test)]
mod tests {
    /// Both are one test: the variable belongs to the whole process.
    #[test]
    fn a_skipped_test_fails_where_it_must_not_be_skipped() {
        let skipped = std::panic::catch_unwind(|| super::skip("there is no moon"));
        assert_eq!(skipped.is_err(), std::env::var_os(super::NO_SKIP).is_some());
    }
}
