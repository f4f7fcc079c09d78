//! Throws away what it receives (RFC 863).

use clap::{CommandFactory, Parser};
use tokio::io::AsyncReadExt;

use super::ends::{Listen, Stream};
use super::service::{Protocols, both};
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "discard", serves: true, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Throws away what it receives, by TCP and UDP (RFC 863). Its usual port is 9.
#[derive(Parser, Debug)]
#[command(name = "discard")]
struct Args {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    protocols: Protocols,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let Args { listen, protocols } = args;
    both(&setting, (&listen, 9), &protocols, |stream, _| discard(stream), |_| None).await
}

async fn discard(mut stream: Stream) -> std::io::Result<()> {
    let mut room = vec![0; 65_536];
    while stream.read(&mut room).await? != 0 {}
    Ok(())
}
