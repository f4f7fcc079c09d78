//! One run of a lab: who starts when, what passes between programs and world, how it ends and what is said of it.

pub mod conductor;
