//! A client of a running Erlang node.
//!
//! Asking a node something does not take a second virtual machine: it takes a TCP connection, a handshake that proves
//! knowledge of the cookie, and messages in the external term format (`erts/doc/guides/erl_dist_protocol.md`). This
//! crate speaks that protocol as a *hidden, dynamically named* node: it registers nowhere, shows up in no
//! `nodes/0`, and its name is one that the peer assigns and takes back.
//!
//! * [`Address`] says where a node is: its name, how its host is resolved, how its port is found;
//! * [`Connection::open`] goes through EPMD and the handshake;
//! * [`Connection::call`] is `erpc:call/4`; [`Session`] is the same with a group leader, so that what the called
//!   function prints and reads is printed and read here.
//!
//! Peers are not trusted. Every read has a deadline, every frame a size limit, memory grows with what arrives and not
//! with what is announced, and nothing here recurses over what a peer sends. Names are resolved from literals and
//! `/etc/hosts` only: the system's resolver cannot be linked statically, and it can hang.

mod address;
mod capability;
mod connection;
mod cookie;
mod deadline;
mod device;
pub mod epmd;
mod error;
pub mod handshake;
mod host;
mod input_buffer;
mod io_request;
pub mod message;
mod session;
mod wire;

pub use address::{Address, Family, Port};
pub use connection::{Connection, Reply, is_listening};
pub use cookie::Cookie;
pub use deadline::Deadline;
pub use device::{Device, Geometry, Input, Prompt, ReadKind, Ready};
pub use error::{NodeError, Step};
pub use host::own_host_name;
pub use session::{Session, Shell};
