//! Receives numbered datagrams.

use std::time::Duration;

use clap::{CommandFactory, Parser};
use loggia::time::timeout;
use loggia_stack::base::Instant;

use super::ends::Listen;
use super::pattern::Pattern;
use super::service::ROOM;
use super::times::Times;
use super::values::time;
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "udp-sink", serves: false, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Receives what udp-send sends until nothing has come for a while; says what was lost, repeated and reordered, and how long it was on
/// the way. Its usual port is 5002.
#[derive(Parser, Debug)]
#[command(name = "udp-sink")]
struct Args {
    #[command(flatten)]
    listen: Listen,
    /// End when nothing has come for this long after the first.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = time)]
    idle: Duration,
}

/// Bytes in front of each datagram: its number, and when it was sent in nanoseconds of lab time.
pub const HEADER: usize = 16;

/// What stands in front of a datagram.
pub fn header(number: u64, at: Instant) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..].copy_from_slice(&at.nanos().to_be_bytes());
    bytes
}

#[derive(Default)]
struct Account {
    seen: std::collections::BTreeSet<u64>,
    next: u64,
    repeated: u64,
    reordered: u64,
    damaged: u64,
    times: Times,
}

impl Account {
    fn take(&mut self, datagram: &[u8], now: Instant, pattern: &Pattern) {
        let Some((head, payload)) = datagram.split_at_checked(HEADER) else {
            self.damaged += 1;
            return;
        };
        let word = |at: usize| head[at..].first_chunk().map_or(0, |eight| u64::from_be_bytes(*eight));
        let (number, sent) = (word(0), Instant::from_nanos(word(8)));
        if pattern.wrong(number, payload).is_some() {
            self.damaged += 1;
        } else if !self.seen.insert(number) {
            self.repeated += 1;
        } else {
            self.reordered += u64::from(number < self.next);
            self.next = self.next.max(number + 1);
            self.times.add(now - sent);
        }
    }

    fn report(&self, setting: &Setting) {
        let Self { seen, next, repeated, reordered, damaged, times } = self;
        let (count, lost) = (seen.len() as u64, next - seen.len() as u64);
        let rest = format!("{repeated} repeated, {reordered} reordered, {damaged} damaged");
        setting.out.line(&format!("received {count} of {next} datagrams, {lost} lost, {rest}"));
        if !times.is_empty() {
            setting.out.line(&Times::heading());
            setting.out.line(&times.row("one way"));
        }
    }
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let socket = args.listen.datagrams(&setting.host, 5002).await?;
    let (mut account, pattern, mut room) = (Account::default(), Pattern::default(), vec![0; ROOM]);
    let mut received = setting.stop.unless_told(socket.recv(&mut room)).await.transpose()?;
    while let Some(len) = received {
        account.take(&room[..len], setting.host.now(), &pattern);
        let next = timeout(&setting.host, args.idle, socket.recv(&mut room));
        received = setting.stop.unless_told(next).await.and_then(Result::ok).transpose()?;
    }
    account.report(&setting);
    Ok(())
}
