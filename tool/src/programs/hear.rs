//! Says what it receives, as it receives it.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use loggia::time::{sleep, sleep_until, timeout_at};
use loggia_stack::base::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ends::{Listen, Peer, Stream};
use super::failure::Attempt;
use super::values::{buffer, time};
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program = Program {
    name: "hear",
    serves: false,
    command: Args::command,
    run: |args, setting| {
        start(args, setting, |args, setting| async {
            let stop = setting.stop.clone();
            stop.unless_told(run(args, setting)).await.unwrap_or(Ok(()))
        })
    },
};

/// Receives messages and prints what each receive call gave. Ends with its first connection. Its usual port is 7001.
#[derive(Parser, Debug)]
#[command(name = "hear")]
struct Args {
    #[command(flatten)]
    listen: Listen,
    /// Datagrams instead of a connection.
    #[arg(long)]
    udp: bool,
    /// How many connections, one after the other.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "udp")]
    connections: u64,
    /// Room of a receive call.
    #[arg(long, value_name = "SIZE", default_value = "4096B", value_parser = buffer)]
    room: usize,
    /// Wait this long before each receive call, and before closing what is not read.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pause: Option<Duration>,
    /// Each message has its length in front, in four bytes.
    #[arg(long, conflicts_with = "udp")]
    framed: bool,
    /// What to answer at the end; {bytes} stands for the number of bytes received.
    #[arg(long, value_name = "TEXT", conflicts_with = "udp")]
    answer: Option<String>,
    /// Read nothing, and close what has arrived unread.
    #[arg(long, conflicts_with_all = ["framed", "answer", "reset", "udp"])]
    unread: bool,
    /// Close with a RST, by SO_LINGER.
    #[arg(long, conflicts_with = "udp")]
    reset: bool,
    /// End after this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    r#for: Option<Duration>,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let end = args.r#for.map_or(Instant::NEVER, |time| setting.host.now() + time);
    if args.udp {
        return datagrams(&args, &setting, end).await;
    }
    let listener = args.listen.streams(&setting.host, 7001).await?;
    for _ in 0..args.connections {
        let accepted = timeout_at(&setting.host, end, listener.accept()).await;
        let Ok(accepted) = accepted else { return Ok(()) };
        let (stream, peer) = accepted.attempt("accept")?;
        let heard = timeout_at(&setting.host, end, connection(stream, &peer, &args, &setting)).await;
        let Ok(heard) = heard else { return Ok(()) };
        heard.attempt(&peer)?;
    }
    Ok(())
}

async fn connection(mut stream: Stream, peer: &Peer, args: &Args, setting: &Setting) -> std::io::Result<()> {
    if args.unread {
        stream.readable().await?;
        rest(args, setting).await;
        setting.out.line(&format!("{peer}: closed with bytes unread"));
        return Ok(());
    }
    let bytes = if args.framed {
        messages(&mut stream, peer, args, setting).await?
    } else {
        reads(&mut stream, peer, args, setting).await?
    };
    setting.out.line(&format!("{peer}: the end after {bytes} bytes"));
    if let Some(answer) = &args.answer {
        stream.write_all(answer.replace("{bytes}", &bytes.to_string()).as_bytes()).await?;
    }
    Ok(())
}

async fn rest(args: &Args, setting: &Setting) {
    if let Some(pause) = args.pause {
        sleep(&setting.host, pause).await;
    }
}

async fn reads(stream: &mut Stream, peer: &Peer, args: &Args, setting: &Setting) -> std::io::Result<u64> {
    let mut room = vec![0; args.room];
    let mut bytes = 0;
    loop {
        rest(args, setting).await;
        let len = stream.read(&mut room).await?;
        if len == 0 {
            return Ok(bytes);
        }
        bytes += len as u64;
        setting.out.line(&format!("{peer}: {len} bytes: {}", shown(&room[..len])));
        if args.reset {
            stream.set_zero_linger()?;
            setting.out.line(&format!("{peer}: closing with a RST"));
            return Ok(bytes);
        }
    }
}

async fn messages(stream: &mut Stream, peer: &Peer, args: &Args, setting: &Setting) -> std::io::Result<u64> {
    let mut bytes = 0;
    loop {
        rest(args, setting).await;
        let len = match stream.read_u32().await {
            Ok(len) => len as usize,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(bytes),
            Err(error) => return Err(error),
        };
        if len > args.room {
            return Err(std::io::Error::other(format!("a message of {len} bytes, for which there is no room")));
        }
        let mut message = vec![0; len];
        stream.read_exact(&mut message).await?;
        bytes += len as u64;
        setting.out.line(&format!("{peer}: a message of {len} bytes: {}", shown(&message)));
    }
}

async fn datagrams(args: &Args, setting: &Setting, end: Instant) -> Result<(), Failure> {
    let socket = args.listen.datagrams(&setting.host, 7001).await?;
    let mut room = vec![0; args.room];
    let mut count = 0;
    let hear = async {
        loop {
            rest(args, setting).await;
            let (len, from) = socket.recv_from(&mut room).await.attempt("receive")?;
            count += 1;
            setting.out.line(&format!("{from}: a datagram, {len} bytes: {}", shown(&room[..len])));
        }
    };
    let ended: Result<(), Failure> = tokio::select! {
        biased;
        failed = hear => failed,
        () = sleep_until(&setting.host, end) => Ok(()),
    };
    setting.out.line(&format!("{count} datagrams"));
    ended
}

/// The beginning of some bytes, readable.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 60;
    let more = if bytes.len() > MOST { " …" } else { "" };
    format!("\"{}\"{more}", bytes[..bytes.len().min(MOST)].escape_ascii())
}
