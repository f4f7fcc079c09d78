//! TCP Fast Open (RFC 7413): data in the SYN, for a peer that has proved once that it is where it says it is.
//!
//! | file | what |
//! |---|---|
//! | `cookie` | the proof: made of both addresses and a secret, checked, written into an option |
//! | `remembered` | cookies that servers gave us, and what else we know of their ways |
//! | `server` | a SYN with a good cookie opens a connection at once |
//! | `client` | a SYN with data, and what its answer means |
//!
//! A server gives a cookie to who asks (RFC 7413 §4.1.2) and takes data with it later (§4.2.2). The option is 34, or the experimental
//! 254 with a magic number (RFC 6994), in which older peers speak. Linux decides where the RFC leaves choices: which retransmissions go
//! without data, when the experimental option is tried, how much fits into a SYN.

pub(super) mod client;
pub(in crate::transport::tcp) mod cookie;
pub(super) mod remembered;
pub(super) mod server;

pub use cookie::{Cookie, FastOpenOption};

/// The bits of `tcp_fastopen`.
pub(super) mod mode {
    /// `connect` and `sendto` may send data with a SYN.
    pub(in crate::transport::tcp) const CLIENT: u32 = 0x1;
    /// Listeners may take data from a SYN.
    pub(in crate::transport::tcp) const SERVER: u32 = 0x2;
    /// Data is sent even without a cookie.
    pub(in crate::transport::tcp) const CLIENT_NO_COOKIE: u32 = 0x4;
    /// Data is taken even without a cookie.
    pub(in crate::transport::tcp) const SERVER_NO_COOKIE: u32 = 0x200;
    /// All listeners do so, also those that did not ask (`TCP_FASTOPEN`).
    pub(in crate::transport::tcp) const ALL_LISTENERS: u32 = 0x400;
}

/// What a connection that uses Fast Open has beyond others.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::transport::tcp) struct FastOpen {
    /// What our first SYN says: a cookie, or an empty one that asks for it. None: data without a cookie.
    pub(in crate::transport::tcp) option: Option<FastOpenOption>,
    /// Bytes of data in our first SYN.
    pub(in crate::transport::tcp) data: u16,
    /// `connect` was called, and the SYN waits for the first write (`TCP_FASTOPEN_CONNECT`).
    pub(in crate::transport::tcp) deferred: bool,
    /// The application has more to write than the SYN holds and will do so at once.
    pub(in crate::transport::tcp) more: bool,
    /// We took data from the peer's SYN.
    pub(in crate::transport::tcp) passive: bool,
    /// Data in a SYN arrived, ours or the peer's (`TCPI_OPT_SYN_DATA`).
    pub(in crate::transport::tcp) taken: bool,
}
