//! What byte streams have in common: reading, writing, shutting down.

use std::io::{self, IoSlice, IoSliceMut};
use std::task::{Context, Poll};

use ::tokio::io::ReadBuf;
use bytes::BufMut;
use loggia_stack::base::MsgFlags;
use loggia_stack::socket::numbers::SHUT_WR;

use crate::driver::Slot;
use crate::socket::{Socket, send};

/// Most pieces of one vectored call, as Linux's `UIO_MAXIOV` bounds them.
const PIECES: usize = 1024;

/// A type that is one socket; only those here are.
pub trait Stream {
    #[doc(hidden)]
    fn socket(&self) -> &Socket;
}

pub(super) fn poll_read(socket: &Socket, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    if buf.remaining() == 0 {
        return Poll::Ready(Ok(()));
    }
    let room = buf.initialize_unfilled();
    let read = socket.poll_call(cx, Slot::Reader, |stack, id| stack.recv(id, room, MsgFlags::NONE));
    read.map_ok(|len| buf.advance(len))
}

pub(super) fn poll_peek(socket: &Socket, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
    let room = buf.initialize_unfilled();
    let read = socket.poll_call(cx, Slot::Reader, |stack, id| stack.recv(id, room, MsgFlags::PEEK));
    read.map_ok(|len| {
        buf.advance(len);
        len
    })
}

pub(super) fn poll_write(socket: &Socket, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
    socket.poll_call(cx, Slot::Writer, |stack, id| send(stack, id, &[buf], None))
}

pub(super) fn poll_write_vectored(socket: &Socket, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
    let pieces: Vec<&[u8]> = bufs.iter().take(PIECES).map(|piece| &**piece).collect();
    socket.poll_call(cx, Slot::Writer, |stack, id| send(stack, id, &pieces, None))
}

/// Ends writing. One that was never connected, or is not any more, has ended.
pub(super) fn shutdown_write(socket: &Socket) -> io::Result<()> {
    match socket.shutdown(SHUT_WR) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        done => done,
    }
}

pub(super) fn try_read(socket: &Socket, buf: &mut [u8]) -> io::Result<usize> {
    socket.call(|stack, id| stack.recv(id, buf, MsgFlags::NONE))
}

pub(super) fn try_read_vectored(socket: &Socket, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let mut pieces: Vec<&mut [u8]> = bufs.iter_mut().take(PIECES).map(|piece| &mut **piece).collect();
    socket.call(|stack, id| stack.recvmsg(id, &mut pieces, 0, MsgFlags::NONE)).map(|received| received.len)
}

pub(super) fn try_read_buf(socket: &Socket, buf: &mut impl BufMut) -> io::Result<usize> {
    let room = buf.chunk_mut().len();
    let bytes = socket.call(|stack, id| stack.recv_bytes(id, room))?;
    buf.put_slice(&bytes);
    Ok(bytes.len())
}

pub(super) fn try_write(socket: &Socket, buf: &[u8]) -> io::Result<usize> {
    socket.call(|stack, id| send(stack, id, &[buf], None))
}

pub(super) fn try_write_vectored(socket: &Socket, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let pieces: Vec<&[u8]> = bufs.iter().take(PIECES).map(|piece| &**piece).collect();
    socket.call(|stack, id| send(stack, id, &pieces, None))
}

/// Methods of whatever has a `socket(&self) -> &Socket`: waiting for readiness.
macro_rules! readiness_methods {
    () => {
        /// Waits until anything of `interest` is ready, and says what.
        pub async fn ready(&self, interest: ::tokio::io::Interest) -> std::io::Result<::tokio::io::Ready> {
            self.socket().ready(interest).await
        }

        /// Waits until there is something to read, or the end.
        pub async fn readable(&self) -> std::io::Result<()> {
            self.socket().ready(::tokio::io::Interest::READABLE).await.map(drop)
        }

        /// Waits until there is room to write.
        pub async fn writable(&self) -> std::io::Result<()> {
            self.socket().ready(::tokio::io::Interest::WRITABLE).await.map(drop)
        }

        /// Runs `work` if the socket is ready for `interest`, else gives [`WouldBlock`](std::io::ErrorKind::WouldBlock).
        pub fn try_io<R>(
            &self,
            interest: ::tokio::io::Interest,
            work: impl FnOnce() -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            self.socket().try_io(interest, work)
        }

        /// Runs `work` when the socket is ready for `interest`, again while it gives
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock).
        pub async fn async_io<R>(
            &self,
            interest: ::tokio::io::Interest,
            work: impl FnMut() -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            self.socket().async_io(interest, work).await
        }

        /// The error that waits on the socket, which is taken off it.
        pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
            self.socket().take_error()
        }
    };
}

/// Methods of a byte stream.
macro_rules! stream_methods {
    () => {
        /// Ready when there is something to read, or the end.
        pub fn poll_read_ready(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
            self.socket().poll_ready(cx, $crate::driver::Slot::Reader)
        }

        /// Ready when there is room to write.
        pub fn poll_write_ready(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
            self.socket().poll_ready(cx, $crate::driver::Slot::Writer)
        }

        /// Reads what is there; 0 is the end. [`WouldBlock`](std::io::ErrorKind::WouldBlock) if nothing is.
        pub fn try_read(&self, buf: &mut [u8]) -> std::io::Result<usize> {
            stream::try_read(self.socket(), buf)
        }

        /// As `try_read`, into pieces.
        pub fn try_read_vectored(&self, bufs: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
            stream::try_read_vectored(self.socket(), bufs)
        }

        /// As `try_read`, into the room that a buffer has at its end.
        pub fn try_read_buf<B: bytes::BufMut>(&self, buf: &mut B) -> std::io::Result<usize> {
            stream::try_read_buf(self.socket(), buf)
        }

        /// Writes what there is room for. [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is none.
        pub fn try_write(&self, buf: &[u8]) -> std::io::Result<usize> {
            stream::try_write(self.socket(), buf)
        }

        /// As `try_write`, from pieces.
        pub fn try_write_vectored(&self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
            stream::try_write_vectored(self.socket(), bufs)
        }

        /// Halves that borrow the stream.
        pub fn split(&mut self) -> (split::ReadHalf<'_, Self>, split::WriteHalf<'_, Self>) {
            split::borrow(self)
        }

        /// Halves that own the stream together. Dropping the writing half shuts writing down.
        pub fn into_split(self) -> (split::OwnedReadHalf<Self>, split::OwnedWriteHalf<Self>) {
            split::own(self)
        }
    };
}

/// `AsyncRead` of whatever has a `socket(&self) -> &Socket`.
macro_rules! async_read {
    ($($what:tt)*) => {
        impl $($what)* {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &mut ::tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                stream::poll_read(self.socket(), cx, buf)
            }
        }
    };
}

/// `AsyncWrite` of whatever has `socket(&self) -> &Socket` and `end_writing(&mut self) -> io::Result<()>`.
macro_rules! async_write {
    ($($what:tt)*) => {
        impl $($what)* {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                stream::poll_write(self.socket(), cx, buf)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bufs: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                stream::poll_write_vectored(self.socket(), cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            /// What was written is the stack's already.
            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(Ok(()))
            }

            fn poll_shutdown(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(self.end_writing())
            }
        }
    };
}

pub(super) use {async_read, async_write, readiness_methods, stream_methods};
