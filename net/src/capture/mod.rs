//! A capture of what passes a host's devices, in a pcapng file that Wireshark reads.
//!
//! [`Host::capture`](crate::Host::capture) writes to a file, [`Host::capture_to`](crate::Host::capture_to) to whatever takes bytes. Packets
//! are written as a wire would carry them: large ones as their segments, with complete checksums. A comment says of a packet that it was
//! sent again and why, that the host dropped it and why, or that the device refused it.
//!
//! ```text
//!   device <── packet ──> host
//!                 │ shared, not copied
//!                 ▼
//!              queue (bounded: what does not fit is counted) ──> thread of its own: cut, checksums, blocks ──> writer
//! ```
//!
//! The host never waits for a writer. What a host sends to itself passes no device and is not captured.
//!
//! ```no_run
//! use loggia::Host;
//! use loggia::capture::Options;
//! use loggia::device::Tun;
//!
//! let host = Host::builder().address("10.0.0.2/24").device(Tun::open("tun0")?).start()?;
//! let capture = host.capture("tun0.pcapng", &Options::default().snaplen(128))?;
//! // …
//! let summary = capture.stop()?;
//! println!("{} packets, {} missing", summary.packets, summary.missing);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `options` | what is kept, and how much may wait |
//! | `queue` | packets on their way from the host to the writer |
//! | `tap` | the host's end |
//! | `writer` | the thread that writes |
//! | `handle` | who stops it |

mod handle;
mod options;
mod queue;
mod tap;
mod writer;

pub use handle::{Capture, Summary};
pub use options::Options;
pub use tap::Tap;
pub(crate) use tap::Taps;
