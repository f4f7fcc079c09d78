//! Requests and responses, one after the other.

use std::io;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use loggia::time::{sleep, timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ends::{Connect, Datagrams, Stream};
use super::failure::Attempt;
use super::pattern::Pattern;
use super::times::Times;
use super::values::{datagram, time};
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "rr", serves: false, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Sends a request to an echo server, waits for all of it to come back, and again; says how long that took.
#[derive(Parser, Debug)]
#[command(name = "rr")]
struct Args {
    #[command(flatten)]
    connect: Connect,
    /// How many requests.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    count: u64,
    /// Bytes of a request.
    #[arg(long, short, value_name = "SIZE", default_value = "64B", value_parser = datagram)]
    size: usize,
    /// Rest this long between two requests.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pause: Option<Duration>,
    /// By UDP: what does not come back is counted as lost.
    #[arg(long, conflicts_with = "unix")]
    udp: bool,
    /// How long to wait for an answer.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    timeout: Duration,
    /// A new connection for each request.
    #[arg(long, conflicts_with = "udp")]
    connect_each: bool,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let mut times = Times::default();
    let lost =
        if args.udp { by_datagrams(&args, &setting, &mut times).await? } else { by_stream(&args, &setting, &mut times).await? };
    setting.out.line(&format!("{} answers, {lost} lost", times.len()));
    if !times.is_empty() {
        setting.out.line(&Times::heading());
        setting.out.line(&times.row("rtt"));
    }
    if times.is_empty() && args.count > 0 { Err(Failure("no answer at all".into())) } else { Ok(()) }
}

async fn by_stream(args: &Args, setting: &Setting, times: &mut Times) -> Result<u64, Failure> {
    let target = args.connect.target();
    let mut open: Option<Stream> = None;
    for number in (0..args.count).take_while(|_| !setting.stop.is_told()) {
        let begin = setting.host.now();
        let mut stream = match open.take() {
            Some(stream) => stream,
            None => target.stream(&setting.host).await?,
        };
        stream.set_nodelay()?;
        let begin = if args.connect_each { begin } else { setting.host.now() };
        let answer = timeout(&setting.host, args.timeout, ask(&mut stream, number, args.size)).await;
        answer.attempt(format!("request {number} to {target}"))?.attempt(format!("request {number} to {target}"))?;
        times.add(setting.host.now() - begin);
        open = (!args.connect_each).then_some(stream);
        rest(args, setting).await;
    }
    Ok(0)
}

async fn rest(args: &Args, setting: &Setting) {
    if let Some(pause) = args.pause {
        setting.stop.unless_told(sleep(&setting.host, pause)).await;
    }
}

async fn ask(stream: &mut Stream, number: u64, size: usize) -> io::Result<()> {
    let request = Pattern::default().piece(number, size);
    let (mut from, mut to) = tokio::io::split(stream);
    let mut room = vec![0; request.len()];
    // A long request comes back while it is still being sent.
    let (sent, read) = tokio::join!(to.write_all(&request), from.read_exact(&mut room));
    sent?;
    read?;
    if room == request { Ok(()) } else { Err(io::Error::other("the answer is not what was sent")) }
}

async fn by_datagrams(args: &Args, setting: &Setting, times: &mut Times) -> Result<u64, Failure> {
    let target = args.connect.target();
    let socket = target.datagrams(&setting.host).await?;
    let mut lost = 0;
    for number in (0..args.count).take_while(|_| !setting.stop.is_told()) {
        let begin = setting.host.now();
        match timeout(&setting.host, args.timeout, ask_once(&socket, number, args.size)).await {
            Ok(answered) => {
                answered.attempt(format!("request {number} to {target}"))?;
                times.add(setting.host.now() - begin);
            }
            Err(_) => lost += 1,
        }
        rest(args, setting).await;
    }
    Ok(lost)
}

async fn ask_once(socket: &Datagrams, number: u64, size: usize) -> io::Result<()> {
    let request = Pattern::default().piece(number, size);
    socket.send(&request).await?;
    let mut room = vec![0; size + 1];
    // An answer to an earlier request, which was given up, is passed over.
    while socket.recv(&mut room).await? != size || room[..size] != request {}
    Ok(())
}
