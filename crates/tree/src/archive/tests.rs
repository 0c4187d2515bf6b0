//! The archive sink in temporary directories.
