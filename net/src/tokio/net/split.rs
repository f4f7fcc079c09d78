//! Halves of a stream, for two tasks.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use loggia_stack::base::MsgFlags;

use super::stream::{self, Stream, async_read, async_write};
use crate::socket::Socket;

/// Reads from a stream that is borrowed.
#[derive(Debug)]
pub struct ReadHalf<'a, S>(&'a S);

/// Writes to a stream that is borrowed.
#[derive(Debug)]
pub struct WriteHalf<'a, S>(&'a S);

/// Reads from a stream that both halves own.
#[derive(Debug)]
pub struct OwnedReadHalf<S>(Arc<S>);

/// Writes to a stream that both halves own. Dropping it shuts writing down.
#[derive(Debug)]
pub struct OwnedWriteHalf<S: Stream> {
    stream: Arc<S>,
    shutdown_on_drop: bool,
}

pub(super) fn borrow<S>(stream: &mut S) -> (ReadHalf<'_, S>, WriteHalf<'_, S>) {
    (ReadHalf(stream), WriteHalf(stream))
}

pub(super) fn own<S: Stream>(stream: S) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
    let stream = Arc::new(stream);
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, shutdown_on_drop: true })
}

/// The halves are not of the same stream.
#[derive(Debug)]
pub struct ReuniteError<S: Stream>(pub OwnedReadHalf<S>, pub OwnedWriteHalf<S>);

impl<S: Stream> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl<S: Stream + fmt::Debug> Error for ReuniteError<S> {}

fn reunite<S: Stream>(read: OwnedReadHalf<S>, write: OwnedWriteHalf<S>) -> Result<S, ReuniteError<S>> {
    if !Arc::ptr_eq(&read.0, &write.stream) {
        return Err(ReuniteError(read, write));
    }
    write.forget();
    Ok(Arc::into_inner(read.0).expect("the two halves are all there are"))
}

impl<S: Stream> OwnedReadHalf<S> {
    /// The stream again.
    pub fn reunite(self, other: OwnedWriteHalf<S>) -> Result<S, ReuniteError<S>> {
        reunite(self, other)
    }
}

impl<S: Stream> OwnedWriteHalf<S> {
    /// The stream again.
    pub fn reunite(self, other: OwnedReadHalf<S>) -> Result<S, ReuniteError<S>> {
        reunite(other, self)
    }

    /// Drops the half without shutting writing down.
    pub fn forget(mut self) {
        self.shutdown_on_drop = false;
    }

    fn socket(&self) -> &Socket {
        self.stream.socket()
    }

    fn end_writing(&mut self) -> io::Result<()> {
        let done = stream::shutdown_write(self.socket());
        self.shutdown_on_drop &= done.is_err();
        done
    }
}

impl<S: Stream> Drop for OwnedWriteHalf<S> {
    fn drop(&mut self) {
        if self.shutdown_on_drop {
            // Nobody is left who could be told.
            let _ = stream::shutdown_write(self.socket());
        }
    }
}

impl<S: Stream> OwnedReadHalf<S> {
    fn socket(&self) -> &Socket {
        self.0.socket()
    }
}

impl<S: Stream> ReadHalf<'_, S> {
    fn socket(&self) -> &Socket {
        self.0.socket()
    }
}

impl<S: Stream> WriteHalf<'_, S> {
    fn socket(&self) -> &Socket {
        self.0.socket()
    }

    fn end_writing(&mut self) -> io::Result<()> {
        stream::shutdown_write(self.socket())
    }
}

macro_rules! reading_methods {
    () => {
        /// Waits until anything of `interest` is ready, and says what.
        pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
            self.socket().ready(interest).await
        }

        /// Waits until there is something to read, or the end.
        pub async fn readable(&self) -> io::Result<()> {
            self.ready(Interest::READABLE).await.map(drop)
        }

        /// Reads what is there; 0 is the end. [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing is.
        pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
            stream::try_read(self.socket(), buf)
        }

        /// As `try_read`, into pieces.
        pub fn try_read_vectored(&self, bufs: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
            stream::try_read_vectored(self.socket(), bufs)
        }

        /// As `try_read`, into the room that a buffer has at its end.
        pub fn try_read_buf<B: bytes::BufMut>(&self, buf: &mut B) -> io::Result<usize> {
            stream::try_read_buf(self.socket(), buf)
        }

        /// Reads and leaves it there.
        pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.socket().reading(|stack, id| stack.recv(id, buf, MsgFlags::PEEK)).await
        }

        /// Reads and leaves it there.
        pub fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
            stream::poll_peek(self.socket(), cx, buf)
        }
    };
}

macro_rules! writing_methods {
    () => {
        /// Waits until anything of `interest` is ready, and says what.
        pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
            self.socket().ready(interest).await
        }

        /// Waits until there is room to write.
        pub async fn writable(&self) -> io::Result<()> {
            self.ready(Interest::WRITABLE).await.map(drop)
        }

        /// Writes what there is room for. [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none.
        pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
            stream::try_write(self.socket(), buf)
        }

        /// As `try_write`, from pieces.
        pub fn try_write_vectored(&self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
            stream::try_write_vectored(self.socket(), bufs)
        }
    };
}

impl<S> AsRef<S> for ReadHalf<'_, S> {
    fn as_ref(&self) -> &S {
        self.0
    }
}

impl<S> AsRef<S> for WriteHalf<'_, S> {
    fn as_ref(&self) -> &S {
        self.0
    }
}

impl<S> AsRef<S> for OwnedReadHalf<S> {
    fn as_ref(&self) -> &S {
        &self.0
    }
}

impl<S: Stream> AsRef<S> for OwnedWriteHalf<S> {
    fn as_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: Stream> OwnedReadHalf<S> {
    reading_methods!();
}

impl<S: Stream> ReadHalf<'_, S> {
    reading_methods!();
}

impl<S: Stream> OwnedWriteHalf<S> {
    writing_methods!();
}

impl<S: Stream> WriteHalf<'_, S> {
    writing_methods!();
}

async_read!(<S: Stream> AsyncRead for ReadHalf<'_, S>);
async_read!(<S: Stream> AsyncRead for OwnedReadHalf<S>);
async_write!(<S: Stream> AsyncWrite for WriteHalf<'_, S>);
async_write!(<S: Stream> AsyncWrite for OwnedWriteHalf<S>);

macro_rules! names {
    ($($half:ty),*) => {
        $(impl $half {
            /// Our end's address.
            pub fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
                self.socket().local_addr()
            }

            /// The other end's address.
            pub fn peer_addr(&self) -> io::Result<std::net::SocketAddr> {
                self.socket().peer_addr()
            }
        })*
    };
}

names!(
    ReadHalf<'_, super::TcpStream>,
    WriteHalf<'_, super::TcpStream>,
    OwnedReadHalf<super::TcpStream>,
    OwnedWriteHalf<super::TcpStream>
);
