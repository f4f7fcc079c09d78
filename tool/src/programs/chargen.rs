//! Sends lines of characters without end (RFC 864).

use clap::{CommandFactory, Parser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ends::{Listen, Stream};
use super::service::{Protocols, both};
use super::{Failure, Program, Setting, Stop, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "chargen", serves: true, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Sends lines of characters: without end by TCP, some of them as the answer to a datagram by UDP (RFC 864). Its usual
/// port is 19.
#[derive(Parser, Debug)]
#[command(name = "chargen")]
struct Args {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    protocols: Protocols,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let Args { listen, protocols } = args;
    both(&setting, (&listen, 19), &protocols, |stream, _| chargen(stream, setting.stop.clone()), |_| Some(answer())).await
}

/// The printing characters.
const FIRST: u8 = b' ';
const COUNT: usize = 95;
/// Characters of a line.
const LINE: usize = 72;

/// The line of this number: 72 printing characters, each line beginning with the next one.
fn line(number: usize) -> impl Iterator<Item = u8> {
    (0..LINE).map(move |at| FIRST + ((number + at) % COUNT) as u8).chain(*b"\r\n")
}

/// RFC 864: a datagram of up to 512 characters. The same each time, so that a run can be repeated.
fn answer() -> Vec<u8> {
    (0..512 / (LINE + 2)).flat_map(line).collect()
}

/// To the end of the server, or of the client's patience.
async fn chargen(stream: Stream, stop: Stop) -> std::io::Result<()> {
    let lines: Vec<u8> = (0..COUNT).flat_map(line).collect();
    let (mut from, mut to) = tokio::io::split(stream);
    let send = async {
        while let Some(written) = stop.unless_told(to.write_all(&lines)).await {
            written?;
        }
        Ok(())
    };
    let ignore = async {
        let mut room = vec![0; 4096];
        // A client that has no more to say may still listen.
        while from.read(&mut room).await? != 0 {}
        std::future::pending().await
    };
    tokio::select! {
        biased;
        ended = send => ended,
        ended = ignore => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_rfc() {
        let first: Vec<u8> = line(0).collect();
        assert!(first.starts_with(b" !\"#$%&'()*+,-./0123456789:;<=>?@ABC"));
        assert_eq!(first.len(), 74);
        assert!(line(94).collect::<Vec<_>>().starts_with(b"~ !\""));
        assert!(answer().len() <= 512);
    }
}
