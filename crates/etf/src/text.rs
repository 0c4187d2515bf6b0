//! Erlang terms as text.
