//! Erlang terms, pure.
//!
//! Everything that a release is made of is a term somewhere: `.boot` files are terms in the external term format,
//! `.app`, `.rel`, `.script` and `sys.config` are terms as text, and a running node speaks nothing else. This crate
//! holds one [`Term`] type and the two encodings of it, both ways:
//!
//! * [`encode()`] and [`decode()`]: the external term format, byte-identical to `term_to_binary/2` of OTP 25 (Latin-1
//!   atoms) and of OTP 26 and newer (UTF-8 atoms);
//! * [`RawTerm`]: a term that stays encoded, to be looked at, or passed on, without building it;
//! * [`text`]: what `file:consult/1` reads and what `io_lib:format("~tp", …)` writes.
//!
//! No function here does IO, and none panics, recurses without a limit or allocates more than its input warrants,
//! whatever the bytes are.

pub mod decode;
pub mod encode;
mod integer;
mod order;
mod raw;
mod tag;
mod term;
pub mod text;

pub use decode::{DecodeError, DecodeLimits, DecodeProblem, Decoder, decode, decode_with};
pub use encode::{AtomEncoding, EncodeError, encode, encode_without_version};
pub use raw::{CharacterEncoding, CharactersError, Elements, RawTerm};
pub use term::{Atom, BigInteger, Term};

/// How deeply terms may be nested, wherever they come from.
///
/// [`Term`] is a recursive type: walking, comparing and dropping it takes stack. A limit at every entrance keeps all
/// of that safe on the smallest stacks that Rust programs commonly have (2 MiB). Term files nest ten levels or so.
pub const MAXIMUM_DEPTH: usize = 256;

/// The number that starts every term in the external format.
const VERSION: u8 = 131;
