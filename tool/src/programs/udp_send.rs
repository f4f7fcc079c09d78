//! Sends numbered datagrams.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use loggia::time::interval;

use super::ends::Connect;
use super::failure::Attempt;
use super::pattern::Pattern;
use super::udp_sink::{HEADER, header};
use super::values::{bits, datagram, show_bytes, show_time, time};
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "udp-send", serves: false, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Sends numbered datagrams at an even pace, to a udp-sink.
#[derive(Parser, Debug)]
#[command(name = "udp-send")]
struct Args {
    #[command(flatten)]
    connect: Connect,
    /// How many.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    count: u64,
    /// Bytes of each; at least 16.
    #[arg(long, short, value_name = "SIZE", default_value = "1000B", value_parser = datagram)]
    size: usize,
    /// From one to the next.
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = time)]
    interval: Duration,
    /// So many bits of payload a second instead.
    #[arg(long, value_name = "RATE", value_parser = bits, conflicts_with = "interval")]
    rate: Option<u64>,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let size = args.size.max(HEADER);
    let pace = args.rate.map_or(args.interval, |rate| Duration::from_secs_f64(size as f64 * 8.0 / rate as f64));
    if pace.is_zero() {
        return Err(Failure("--interval 0s has no end: in virtual time no time would ever pass".into()));
    }
    let target = args.connect.target();
    let socket = target.datagrams(&setting.host).await?;
    let pattern = Pattern::default();
    let mut ticks = interval(&setting.host, pace);
    let begin = setting.host.now();
    let (mut refused, mut tried) = (0, 0);
    for number in 0..args.count {
        if setting.stop.unless_told(ticks.tick()).await.is_none() {
            break;
        }
        tried += 1;
        let mut bytes = header(number, setting.host.now()).to_vec();
        bytes.extend_from_slice(&pattern.piece(number, size - HEADER));
        match socket.send(&bytes).await {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => refused += 1,
            Err(error) => return Err(error).attempt(format!("send to {target}")),
        }
    }
    let (took, sent) = (setting.host.now() - begin, tried - refused);
    let bytes = show_bytes(sent * size as u64);
    setting.out.line(&format!("sent {sent} datagrams, {bytes}, in {}; {refused} were refused", show_time(took)));
    Ok(())
}
