//! Congestion controls: those of the house by their names, and one's own.
//!
//! A host's connections use CUBIC unless [`Builder::congestion_control`](crate::Builder::congestion_control) or a socket's `TCP_CONGESTION` says
//! otherwise: `reno`, `cubic`, `bbr`, or one that was made known with
//! [`Builder::own_congestion_control`](crate::Builder::own_congestion_control). That is a type that implements [`Control`]: two methods are
//! needed, and `examples/congestion.rs` has one of forty lines.
//!
//! ```
//! use loggia::Host;
//! use loggia::congestion::{Ack, Control, Own, Window};
//!
//! /// Half of every window that was acknowledged is added to it, and a loss takes a quarter away.
//! #[derive(Debug)]
//! struct Bold;
//!
//! static BOLD: Own = Own { name: "bold", make: || Box::new(Bold) };
//!
//! impl Control for Bold {
//!     fn acked(&mut self, window: &mut Window, ack: &Ack) {
//!         if ack.limited {
//!             window.grow(ack.acked / 2);
//!         }
//!     }
//!
//!     fn reduce(&mut self, window: &mut Window) {
//!         window.reduce(3, 4);
//!     }
//! }
//!
//! let host = Host::builder().own_congestion_control(&BOLD).congestion_control("bold").start()?;
//! # drop(host);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! These are the core's own types, which this crate's version covers.

pub use loggia_stack::transport::tcp::congestion::{Ack, BbrInfo, Control, Info, Lost, Own, Sample, Start, Window};
