//! What a sink tells while it works.

/// Hears how far a sink is. Its methods are called from several threads.
pub trait Progress: Sync {
    /// So many of so many files are written.
    fn files(&self, done: usize, total: usize);

    /// Something that a person should know, in one sentence without a full stop.
    fn message(&self, text: &str);
}

/// Hears nothing.
impl Progress for () {
    fn files(&self, _done: usize, _total: usize) {}

    fn message(&self, _text: &str) {}
}
