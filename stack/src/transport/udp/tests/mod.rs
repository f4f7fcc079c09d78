//! Stories of UDP sockets.

mod arriving;
mod calls;
mod errors;
mod groups;
mod options;
mod short;
mod train;
