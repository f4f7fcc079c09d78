//! Sends back what it receives (RFC 862).

use clap::{CommandFactory, Parser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ends::{Listen, Stream};
use super::service::{Protocols, both};
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "echo", serves: true, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Sends back what it receives, by TCP and UDP (RFC 862). Its usual port is 7.
#[derive(Parser, Debug)]
#[command(name = "echo")]
struct Args {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    protocols: Protocols,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let Args { listen, protocols } = args;
    both(&setting, (&listen, 7), &protocols, |stream, _| echo(stream), |datagram| Some(datagram.to_vec())).await
}

async fn echo(mut stream: Stream) -> std::io::Result<()> {
    stream.set_nodelay()?;
    let mut room = vec![0; 65_536];
    loop {
        let len = stream.read(&mut room).await?;
        if len == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&room[..len]).await?;
    }
}
