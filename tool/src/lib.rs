//! The program `loggia`: unmodified programs on a described network. See `docs/manual/`.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | what can be said on the command line |
//! | [`engine`] | what drives a world |
//! | [`exit`] | exit codes |
//! | [`gateway`] | between a lab and the machine: published ports, the uplink |
//! | [`intercept`] | unmodified programs on the sockets of a lab |
//! | [`names`] | DNS answers inside a lab |
//! | [`process`] | programs: started, watched, stopped, ended with all that they start |
//! | [`programs`] | programs that ship with Loggia |
//! | [`progress`] | what is shown on a terminal while something goes on |
//! | [`say`] | printing |
//! | [`sys`] | system calls, the only place with `unsafe` |
#![deny(unsafe_code)]

#[macro_use]
pub mod say;

pub mod cli;
pub mod commands;
pub mod engine;
pub mod exit;
pub mod gateway;
pub mod intercept;
pub mod names;
pub mod process;
pub mod programs;
pub mod progress;
pub mod run;
pub mod sys;
