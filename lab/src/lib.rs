//! Described networks: hosts, the links between them, and the world they make together.
//!
//! A lab is one world of many stacks, sans-IO like the stacks themselves: nothing here has a clock, a thread or a file descriptor. Whoever
//! drives it passes the time in, from a virtual clock or from the real one.
//!
//! | module | what |
//! |---|---|
//! | [`file`](mod@file) | the lab file: text in, a description or errors with line and remedy out |
//! | [`plan`] | the description made concrete: every host, link end, address, route and name |
//! | [`link`] | one direction of a link: delay, loss, rate, queue; every fate drawn from the seed |
//! | [`world`] | stacks, switches and links under one agenda |
//! | [`record`] | the run folder: events, captures, connections; written and read back |
//! | [`capture`] | pcapng with a comment on what happened to each packet |
//! | [`metrics`] | what can be measured without changing the programs |
//! | [`check`] | what was expected, and whether it held |
//! | [`report`] | what a run was, as text |
//! | [`observe`] | what happens in a world, told once to whoever captures, logs, measures and checks |
#![forbid(unsafe_code)]

pub mod capture;
pub mod check;
pub mod file;
pub mod link;
pub mod metrics;
pub mod observe;
pub mod plan;
pub mod record;
pub mod report;
mod seed;
pub mod world;
