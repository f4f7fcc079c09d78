//! Row 6: ipstack, with its defaults. Its streams can be dropped only where there are several threads.

use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ipstack::{IpStack, IpStackConfig, IpStackStream, IpStackTcpStream};
use loggia::device::Tun;
use tokio::runtime::Builder;

use super::device::{Device, give, run, take};

/// The first connection, and the stack that carries it.
async fn accept(tun: Tun) -> io::Result<(IpStack, IpStackTcpStream)> {
    let mut stack = IpStack::new(IpStackConfig::default(), Device::new(tun)?);
    loop {
        if let IpStackStream::Tcp(stream) = stack.accept().await.map_err(io::Error::other)? {
            return Ok((stack, stream));
        }
    }
}

pub(crate) fn sink(tun: Tun, _: bool, amount: usize) -> Result<Duration, String> {
    run(Builder::new_multi_thread(), async {
        let (_stack, mut stream) = accept(tun).await?;
        take(&mut stream, amount).await
    })
}

pub(crate) fn source(tun: Tun, _: bool, enough: &AtomicBool, _: usize) -> Result<(), String> {
    run(Builder::new_multi_thread(), async {
        let (_stack, mut stream) = accept(tun).await?;
        give(&mut stream, enough).await
    })
}
