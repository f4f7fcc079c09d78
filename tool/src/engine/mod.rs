//! What drives a world: time, real or virtual, and everybody who has a hand in it.
//!
//! | module | what |
//! |---|---|
//! | [`shared`] | a world under a lock, with those who wait in it |
//! | [`paused`] | virtual time: when everybody waits, the world goes on |

pub mod paused;
pub mod shared;

#[cfg(test)]
pub(crate) mod tests;
