//! What a sink reports while it works.

/// Is told how far a sink has come. Its methods are called from several threads.
pub trait Progress: Sync {
    /// How many files are written, of how many.
    fn files(&self, done: usize, total: usize);

    /// Something that a person should know, in one sentence without a full stop.
    fn message(&self, text: &str);
}

/// Ignores everything.
impl Progress for () {
    fn files(&self, _done: usize, _total: usize) {}

    fn message(&self, _text: &str) {}
}
