//! Receives many bytes and checks them.

use std::io;

use clap::{CommandFactory, Parser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ends::{Listen, Peer, Stream};
use super::pattern::Pattern;
use super::service::connections;
use super::values::{show_bytes, show_rate, show_time};
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "sink", serves: true, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Receives what bulk sends, checks every byte, and says at the end how many arrived. Its usual port is 5001.
#[derive(Parser, Debug)]
#[command(name = "sink")]
struct Args {
    #[command(flatten)]
    listen: Listen,
    /// Take any bytes.
    #[arg(long)]
    no_check: bool,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let listener = args.listen.streams(&setting.host, 5001).await?;
    let pattern = (!args.no_check).then(Pattern::default);
    let serve = |stream, peer| swallow(stream, peer, pattern.clone(), setting.clone());
    connections(&setting, listener, serve).await;
    Ok(())
}

async fn swallow(mut stream: Stream, peer: Peer, pattern: Option<Pattern>, setting: Setting) -> io::Result<()> {
    let begin = setting.host.now();
    let mut room = vec![0; 262_144];
    let mut count = 0;
    loop {
        let len = match stream.read(&mut room).await {
            Ok(len) => len,
            Err(error) => {
                setting.out.error(&format!("sink: {peer}: {error} after {count} bytes"));
                return Err(error);
            }
        };
        if len == 0 {
            break;
        }
        if let Some(at) = pattern.as_ref().and_then(|pattern| pattern.wrong(count, &room[..len])) {
            setting.out.error(&format!("sink: {peer}: byte {at} is not what was sent"));
            stream.set_zero_linger()?;
            return Ok(());
        }
        count += len as u64;
    }
    let took = setting.host.now() - begin;
    setting.out.line(&format!("{peer}: {} in {}, {}", show_bytes(count), show_time(took), show_rate(count, took)));
    stream.write_all(format!("{count} bytes\n").as_bytes()).await?;
    stream.shutdown().await
}
