//! A TUN for tasks, and what both directions of a stream have in common there.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use loggia::device::{Device as _, Tun};
use loggia_bench::pair::{WRITE, pattern};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::runtime::Builder;

use crate::timing::stay_on_core;

struct Descriptor(Tun);

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.descriptor(0).expect("a TUN has a descriptor")
    }
}

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// One packet a read, one a write.
pub(super) struct Device(AsyncFd<Descriptor>);

impl Device {
    /// To be called within a runtime.
    // Its successor is unsafe because a descriptor might be closed behind its back; this one is the TUN's for as long as that is held.
    #[allow(deprecated)]
    pub(super) fn new(tun: Tun) -> io::Result<Self> {
        AsyncFd::new(Descriptor(tun)).map(Self)
    }

    /// The next packet.
    pub(super) async fn receive(&self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut guard = self.0.readable().await?;
            if let Ok(result) = guard.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut *room)?)) {
                return result;
            }
        }
    }

    /// What the device does not take is lost, as packets are.
    pub(super) fn send(&self, packet: &[u8]) {
        let _ = rustix::io::write(self.0.get_ref(), packet);
    }
}

impl AsyncRead for Device {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            if let Ok(result) = guard.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), room.initialize_unfilled())?)) {
                return Poll::Ready(result.map(|len| room.advance(len)));
            }
        }
    }
}

impl AsyncWrite for Device {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<usize>> {
        self.send(packet);
        Poll::Ready(Ok(packet.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Longest time for one direction.
const PATIENCE: Duration = Duration::from_secs(8);

/// Runs tasks on the core where all subjects run.
pub(super) fn run<T>(mut runtime: Builder, work: impl Future<Output = io::Result<T>>) -> Result<T, String> {
    stay_on_core(1);
    let runtime = runtime.enable_all().build().map_err(|error| error.to_string())?;
    let result = runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
    // Tasks of the stack end with the runtime, and let go of the device.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.map_err(|_| "it did not end in time".to_owned())?.map_err(|error| error.to_string())
}

/// Reads `amount` bytes; how long that took from the first on.
pub(super) async fn take(stream: &mut (impl AsyncRead + Unpin), amount: usize) -> io::Result<Duration> {
    let mut room = vec![0; WRITE];
    let mut received = stream.read(&mut room).await?;
    let began = Instant::now();
    while received < amount {
        match stream.read(&mut room).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => received += count,
        }
    }
    Ok(began.elapsed())
}

/// Writes until the other end has had enough.
pub(super) async fn give(stream: &mut (impl AsyncWrite + Unpin), enough: &AtomicBool) -> io::Result<()> {
    let source = pattern(WRITE);
    while !enough.load(Ordering::Acquire) {
        // A writer that stands still looks whether it is over.
        let _ = tokio::time::timeout(Duration::from_millis(50), stream.write(&source)).await;
    }
    Ok(())
}
