//! Sends many bytes.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ends::{Connect, Stream};
use super::failure::Attempt;
use super::pattern::Pattern;
use super::values::{buffer, bytes, show_bytes, show_rate, show_time, time};
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "bulk", serves: false, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Sends many bytes to a sink, which checks each and says how many arrived.
#[derive(Parser, Debug)]
#[command(name = "bulk")]
struct Args {
    #[command(flatten)]
    connect: Connect,
    /// How many bytes.
    #[arg(long, short = 'n', value_name = "SIZE", default_value = "10MB", value_parser = bytes)]
    bytes: u64,
    /// As many as go in this time instead.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "bytes")]
    time: Option<Duration>,
    /// How many with each write.
    #[arg(long, value_name = "SIZE", default_value = "64kB", value_parser = buffer)]
    write: usize,
    /// Rest this long between two writes.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pause: Option<Duration>,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let target = args.connect.target();
    let mut stream = target.stream(&setting.host).await?;
    let begin = setting.host.now();
    let sent = send(&mut stream, &args, &setting).await.attempt(format!("send to {target}"))?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.attempt(format!("wait for the end of {target}"))?;
    let took = setting.host.now() - begin;
    setting.out.line(&format!("sent {} in {}, {}", show_bytes(sent), show_time(took), show_rate(sent, took)));
    match arrived(&answer) {
        Some(count) if count != sent => Err(Failure(format!("{sent} bytes were sent, {count} arrived"))),
        _ => Ok(()),
    }
}

async fn send(stream: &mut Stream, args: &Args, setting: &Setting) -> std::io::Result<u64> {
    let pattern = Pattern::default();
    let until = args.time.map(|time| setting.host.now() + time);
    let mut sent = 0;
    loop {
        let left = if until.is_some() { u64::MAX } else { args.bytes - sent };
        if left == 0 || setting.stop.is_told() || until.is_some_and(|until| setting.host.now() >= until) {
            return Ok(sent);
        }
        let piece = pattern.piece(sent, args.write.min(usize::try_from(left).unwrap_or(usize::MAX)));
        stream.write_all(&piece).await?;
        sent += piece.len() as u64;
        if let Some(pause) = args.pause {
            setting.stop.unless_told(loggia::time::sleep(&setting.host, pause)).await;
        }
    }
}

/// What the sink says at the end: `N bytes`. Others may say something else.
fn arrived(answer: &[u8]) -> Option<u64> {
    std::str::from_utf8(answer).ok()?.strip_suffix(" bytes\n")?.parse().ok()
}
