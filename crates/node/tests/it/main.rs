//! The client against real nodes, and against peers that only pretend to be one.

#![allow(clippy::disallowed_methods, reason = "these tests run Erlang")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "that is how tests fail")]

mod calls;
mod hostile;
mod input_output;
mod node;
mod terms;
