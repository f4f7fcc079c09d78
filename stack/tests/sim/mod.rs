//! A simulator for tests: stacks on wires in virtual time. Everything follows from the seed.
#![allow(dead_code)] // Each test uses its part.

pub(crate) mod random;
pub(crate) mod wire;
