//! Row 6: netstack-smoltcp, with its defaults.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use loggia::device::Tun;
use netstack_smoltcp::{StackBuilder, TcpStream};
use tokio::runtime::Builder;

use super::device::{Device, give, run, take};

/// Runs the stack beside what is done with its first connection.
async fn with<T, F: Future<Output = io::Result<T>>>(tun: Tun, work: impl FnOnce(TcpStream) -> F) -> io::Result<T> {
    let device = Rc::new(Device::new(tun)?);
    let (stack, runner, _, listener) = StackBuilder::default().enable_tcp(true).mtu(1500).build()?;
    let runner = tokio::spawn(runner.ok_or(io::ErrorKind::Unsupported)?);
    let mut listener = listener.ok_or(io::ErrorKind::Unsupported)?;
    let (mut to_stack, mut from_stack) = stack.split();
    let out = async {
        while let Some(Ok(packet)) = from_stack.next().await {
            device.send(&packet);
        }
    };
    let inwards = async {
        let mut room = [0; 2048];
        while let Ok(len) = device.receive(&mut room).await {
            // Packets that it does not know are its concern.
            let _ = to_stack.send(room[..len].to_vec()).await;
        }
    };
    let work = async {
        let (stream, ..) = listener.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
        work(stream).await
    };
    let result = tokio::select! {
        result = work => result,
        () = out => Err(io::ErrorKind::UnexpectedEof.into()),
        () = inwards => Err(io::ErrorKind::UnexpectedEof.into()),
    };
    runner.abort();
    result
}

pub(crate) fn sink(tun: Tun, _: bool, amount: usize) -> Result<Duration, String> {
    run(Builder::new_current_thread(), with(tun, |mut stream| async move { take(&mut stream, amount).await }))
}

pub(crate) fn source(tun: Tun, _: bool, enough: &AtomicBool, _: usize) -> Result<(), String> {
    run(Builder::new_current_thread(), with(tun, |mut stream| async move { give(&mut stream, enough).await }))
}
