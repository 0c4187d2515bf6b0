//! Static assets: what `mix phx.digest` (`Phoenix.Digester`) does.
//!
//! Files get a digest of their content into their name, so that browsers may keep them for ever; names in stylesheets and
//! modules follow; everything is compressed, and a manifest tells the endpoint which file is the current one.
//!
//! [`references`], [`resolve`], [`name`] and [`manifest`] are pure. [`digest()`], [`clean()`] and [`carry()`] read and
//! write directories.

mod asset;
mod cache;
mod carry;
mod clean;
mod compression;
mod digest;
mod error;
mod hashed;
pub mod manifest;
mod memory;
pub mod name;
mod naming;
mod options;
mod output;
pub mod references;
pub mod resolve;
mod siblings;
mod summary;
mod walk;

pub use carry::carry;
pub use clean::{Choice, clean};
pub use compression::{Encoder, Format};
pub use digest::{Progress, digest};
pub use error::AssetsError;
pub use options::{EXTENSIONS, Options, ReferenceSyntax};
pub use summary::{Kind, Summary};
