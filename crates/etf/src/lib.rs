//! Erlang terms, pure.
//!
//! Everything that a release is made of is a term somewhere: `.boot` files are terms in the external term format,
//! `.app`, `.rel`, `.script` and `sys.config` are terms as text, and a running node speaks nothing else. This crate
//! holds one [`Term`] type and the two encodings of it, both ways:
//!
//! * [`encode`](encode::encode) and [`decode`](decode::decode): the external term format, byte-identical to
//!   `term_to_binary/2` of OTP 25 (Latin-1 atoms) and of OTP 26 and newer (UTF-8 atoms);
//! * [`text`]: what `file:consult/1` reads and what `io_lib:format("~tp", …)` writes.
//!
//! No function here does IO, and none panics, recurses without a limit or allocates more than its input warrants,
//! whatever the bytes are.

mod term;

pub use term::{Atom, BigInteger, Term};
