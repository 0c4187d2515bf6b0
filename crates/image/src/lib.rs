//! Container images of releases.
//!
//! An image is a release, the system that it needs, and a few documents that say how it is run. Nothing here needs Docker:
//! layers are written straight from the tree of the release ([`Layer`]), the system of an image from nothing is found by
//! following the release's native code to its libraries ([`system`](system()), crate `abi`), documents are made with fixed
//! fields and times ([`Image`]), and the result is put into a layout or an archive ([`Layout`], [`archive`]), sent to a
//! registry ([`registry`]) or loaded into an engine ([`Engine`]).
//!
//! The same release gives the same digests on every machine: what goes into a layer is ordered, belongs to root, has a mode
//! and a time that follow from the content. Layers are split by how often they change ([`contents`]), so that a deploy sends
//! what has changed and no more.

pub mod archive;
mod base;
mod cache;
pub mod contents;
mod digest;
pub mod document;
mod engine;
mod error;
mod image;
mod layer;
pub mod layout;
pub mod overlay_command;
mod reference;
pub mod registry;
mod root;
mod system;

pub use contents::LayerKind;
pub use digest::{Digest, DigestError};
pub use engine::Engine;
pub use error::ImageError;
pub use image::{Base, Document, Image, ImageOptions, Images, rfc3339};
pub use layer::Layer;
pub use layout::Layout;
pub use reference::{Reference, ReferenceError};
pub use root::ImageRoot;
pub use system::{Interpreter, Shell, System, SystemOptions, USER, system};
