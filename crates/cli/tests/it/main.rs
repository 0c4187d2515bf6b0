//! End to end: the real `beamship` on real projects with the Elixir in PATH, beside Mix.

mod broken_input;
mod command_line;
mod differences;
mod interruption;
mod project;
mod release_command;
mod reproducibility;
mod running;
mod sandbox;
