//! What `tokio::net::unix` has: addresses, credentials, halves.

use super::split;
use super::unix_stream::UnixStream;

pub use crate::unix::{SocketAddr, UCred};

/// Reads; see [`UnixStream::split`].
pub type ReadHalf<'a> = split::ReadHalf<'a, UnixStream>;
/// Writes; see [`UnixStream::split`].
pub type WriteHalf<'a> = split::WriteHalf<'a, UnixStream>;
/// Reads; see [`UnixStream::into_split`].
pub type OwnedReadHalf = split::OwnedReadHalf<UnixStream>;
/// Writes; see [`UnixStream::into_split`]. Dropping it shuts writing down.
pub type OwnedWriteHalf = split::OwnedWriteHalf<UnixStream>;
/// Halves of two streams do not go together.
pub type ReuniteError = split::ReuniteError<UnixStream>;
