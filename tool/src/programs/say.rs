//! Sends messages one can read.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use loggia::time::{sleep, timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ends::{Stream, Target};
use super::failure::Attempt;
use super::values::time;
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program = Program {
    name: "say",
    serves: false,
    command: Args::command,
    run: |args, setting| {
        start(args, setting, |args, setting| async {
            let stop = setting.stop.clone();
            stop.unless_told(run(args, setting)).await.unwrap_or(Ok(()))
        })
    },
};

/// Sends each message with a send call of its own.
#[derive(Parser, Debug)]
#[command(name = "say", override_usage = "say [OPTIONS] HOST:PORT [MESSAGE]...\n       say [OPTIONS] --unix PATH [MESSAGE]...")]
struct Args {
    /// Whom to talk to (not with --unix), and the messages.
    #[arg(value_name = "HOST:PORT MESSAGE")]
    words: Vec<String>,
    /// Talk to the Unix socket of this path instead; @NAME is an abstract one.
    #[arg(long, value_name = "PATH")]
    unix: Option<String>,
    /// Datagrams instead of a connection.
    #[arg(long)]
    udp: bool,
    /// Wait this long between two messages.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pause: Option<Duration>,
    /// Put the length in front of each message, in four bytes.
    #[arg(long, conflicts_with = "udp")]
    framed: bool,
    /// End our direction after the last message, and print what comes back.
    #[arg(long, conflicts_with = "udp")]
    half_close: bool,
    /// Do not end our direction, but print what comes back until the other end closes.
    #[arg(long, conflicts_with_all = ["udp", "half_close"])]
    until_end: bool,
    /// Close with a RST, by SO_LINGER.
    #[arg(long, conflicts_with_all = ["udp", "half_close", "until_end"])]
    reset: bool,
    /// How long to wait for what comes back.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    timeout: Duration,
}

async fn run(mut args: Args, setting: Setting) -> Result<(), Failure> {
    let target = match &args.unix {
        Some(path) => Target::Unix(path.clone()),
        None if args.words.is_empty() => return Err(Failure("say whom to talk to: HOST:PORT or --unix PATH".into())),
        None => Target::Inet(args.words.remove(0)),
    };
    if args.udp {
        return datagrams(&target, &args, &setting).await;
    }
    let mut stream = target.stream(&setting.host).await?;
    stream.set_nodelay()?;
    send(&mut stream, &args, &setting).await.attempt(format!("send to {target}"))?;
    if args.reset {
        stream.set_zero_linger()?;
        return Ok(());
    }
    if args.half_close {
        stream.shutdown().await.attempt(format!("end our direction to {target}"))?;
    }
    if args.half_close || args.until_end {
        let listened = timeout(&setting.host, args.timeout, listen(&mut stream, &setting)).await;
        listened.attempt(format!("wait for {target}"))?.attempt(format!("receive from {target}"))?;
    }
    Ok(())
}

async fn rest(args: &Args, setting: &Setting, first: bool) {
    if let Some(pause) = args.pause.filter(|_| !first) {
        sleep(&setting.host, pause).await;
    }
}

async fn send(stream: &mut Stream, args: &Args, setting: &Setting) -> std::io::Result<()> {
    for (number, message) in args.words.iter().enumerate() {
        rest(args, setting, number == 0).await;
        let mut bytes = Vec::new();
        if args.framed {
            bytes.extend_from_slice(&(message.len() as u32).to_be_bytes());
        }
        bytes.extend_from_slice(message.as_bytes());
        stream.write_all(&bytes).await?;
        setting.out.line(&format!("sent {} bytes", bytes.len()));
    }
    Ok(())
}

async fn listen(stream: &mut Stream, setting: &Setting) -> std::io::Result<()> {
    let mut room = vec![0; 4096];
    loop {
        let len = stream.read(&mut room).await?;
        if len == 0 {
            setting.out.line("the end");
            return Ok(());
        }
        setting.out.line(&format!("received {len} bytes: \"{}\"", room[..len].escape_ascii()));
    }
}

async fn datagrams(target: &Target, args: &Args, setting: &Setting) -> Result<(), Failure> {
    let socket = target.datagrams(&setting.host).await?;
    for (number, message) in args.words.iter().enumerate() {
        rest(args, setting, number == 0).await;
        socket.send(message.as_bytes()).await.attempt(format!("send to {target}"))?;
        setting.out.line(&format!("sent {} bytes", message.len()));
    }
    Ok(())
}
