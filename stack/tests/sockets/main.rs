//! The socket layer as programs see it, over whole stacks: stories over loopback and between two hosts in virtual time, the errno of every
//! state, options, and the same list of calls on the kernel of this machine and on ours.

#[path = "../common/mod.rs"]
mod common;

mod ancillary;
mod gateway;
mod many;
mod options;
mod random;
mod shards;
mod states;
mod super_segments;
mod tcp;
mod udp;
mod unix;
