//! The client against real nodes, and against peers that only pretend to be one.

mod calls;
mod hostile;
mod input_output;
mod node;
mod terms;
