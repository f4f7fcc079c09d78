//! The program `loggia`: unmodified programs on a described network. See `docs/manual/`.
//!
//! | module | what |
//! |---|---|
//! | [`cli`] | what can be said on the command line |
//! | [`exit`] | exit codes |
//! | [`names`] | DNS answers inside a lab |

pub mod cli;
pub mod exit;
pub mod names;
