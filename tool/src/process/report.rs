//! What a keeper reports, and what it is asked for.

use super::wire::{Reader, Writer};
use crate::sys::Pid;
use crate::sys::process::Usage;

/// At which step a start failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Order,
    Fork,
    Streams,
    Session,
    Filter,
    Listener,
    Identity,
    Directory,
    Execute,
    Inspect,
}

const STAGES: [Stage; 10] = {
    use Stage::*;
    [Order, Fork, Streams, Session, Filter, Listener, Identity, Directory, Execute, Inspect]
};

/// A step and its errno.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    pub(super) stage: Stage,
    pub(super) errno: i32,
}

impl Failure {
    /// The failure of `stage` by a call's error.
    pub(super) fn of(stage: Stage, error: &std::io::Error) -> Self {
        Self { stage, errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }

    /// In a form of fixed size, for who must not allocate much.
    pub(super) fn to_bytes(self) -> [u8; 5] {
        let errno = self.errno.to_le_bytes();
        [self.stage as u8, errno[0], errno[1], errno[2], errno[3]]
    }

    pub(super) fn from_bytes([stage, errno @ ..]: [u8; 5]) -> Option<Self> {
        Some(Self { stage: *STAGES.get(usize::from(stage))?, errno: i32::from_le_bytes(errno) })
    }
}

/// A keeper's message to loggia.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Report {
    /// The program runs; the filter's listener comes along.
    Started { pid: Pid },
    /// It does not, and the keeper ends.
    Failed(Failure),
    /// The program was stopped by this signal.
    Stopped { signal: i32 },
    /// The program goes on.
    Continued,
    /// The program ended; its tree may live on.
    Ended { status: i32, usage: Usage },
    /// A log cannot be written any more.
    LogFailed { stream: usize, errno: i32 },
    /// These do not end although they were killed.
    Surviving { processes: Vec<(Pid, Vec<u8>)> },
    /// Nothing of the tree is left, and the keeper ends.
    TreeEnded { usage: Usage, orphans: u64, left_out: [u64; 2] },
}

/// Loggia's message to a keeper.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// Send the program a signal.
    Signal { signal: i32 },
    /// Send the program a signal that loggia got, unless it has got it too.
    PassOn { signal: i32 },
    /// End the tree: first by this signal, after so many milliseconds by force.
    Stop { signal: i32, grace_ms: u64 },
    /// End the tree by force.
    Kill,
}

impl Report {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Started { pid } => out.number(0).number(*pid as u64),
            Self::Failed(Failure { stage, errno }) => out.number(1).number(*stage as u64).number(*errno as u64),
            Self::Stopped { signal } => out.number(2).number(*signal as u64),
            Self::Continued => out.number(3),
            Self::Ended { status, usage } => put_usage(out.number(4).number(*status as u64), usage),
            Self::LogFailed { stream, errno } => out.number(5).number(*stream as u64).number(*errno as u64),
            Self::Surviving { processes } => {
                out.number(6).list(processes, |out, (pid, name)| out.number(*pid as u64).bytes(name))
            }
            Self::TreeEnded { usage, orphans, left_out: [out_left, err_left] } => {
                put_usage(out.number(7), usage).number(*orphans).number(*out_left).number(*err_left)
            }
        };
        out.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        Some(match from.number()? {
            0 => Self::Started { pid: from.signed()? },
            1 => Self::Failed(Failure { stage: *STAGES.get(from.small::<usize>()?)?, errno: from.signed()? }),
            2 => Self::Stopped { signal: from.signed()? },
            3 => Self::Continued,
            4 => Self::Ended { status: from.signed()?, usage: take_usage(&mut from)? },
            5 => Self::LogFailed { stream: from.small()?, errno: from.signed()? },
            6 => Self::Surviving { processes: from.list(|from| Some((from.signed()?, from.bytes()?.to_vec())))? },
            7 => Self::TreeEnded {
                usage: take_usage(&mut from)?,
                orphans: from.number()?,
                left_out: [from.number()?, from.number()?],
            },
            _ => return None,
        })
    }
}

impl Wish {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut out = Writer::default();
        match self {
            Self::Signal { signal } => out.number(0).number(signal as u64),
            Self::PassOn { signal } => out.number(1).number(signal as u64),
            Self::Stop { signal, grace_ms } => out.number(2).number(signal as u64).number(grace_ms),
            Self::Kill => out.number(3),
        };
        out.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        Some(match from.number()? {
            0 => Self::Signal { signal: from.signed()? },
            1 => Self::PassOn { signal: from.signed()? },
            2 => Self::Stop { signal: from.signed()?, grace_ms: from.number()? },
            3 => Self::Kill,
            _ => return None,
        })
    }
}

fn put_usage<'a>(out: &'a mut Writer, usage: &Usage) -> &'a mut Writer {
    let Usage { user_us, system_us, max_rss, minor_faults, major_faults, voluntary_switches, involuntary_switches } = *usage;
    for number in [user_us, system_us, max_rss, minor_faults, major_faults, voluntary_switches, involuntary_switches] {
        out.number(number);
    }
    out
}

fn take_usage(from: &mut Reader<'_>) -> Option<Usage> {
    Some(Usage {
        user_us: from.number()?,
        system_us: from.number()?,
        max_rss: from.number()?,
        minor_faults: from.number()?,
        major_faults: from.number()?,
        voluntary_switches: from.number()?,
        involuntary_switches: from.number()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_wishes_arrive_as_they_were_sent() {
        let usage = Usage { user_us: 1, max_rss: 2, involuntary_switches: 3, ..Usage::default() };
        for report in [
            Report::Started { pid: 7 },
            Report::Failed(Failure { stage: Stage::Inspect, errno: 1 }),
            Report::Stopped { signal: 19 },
            Report::Continued,
            Report::Ended { status: 0x8b, usage },
            Report::LogFailed { stream: 1, errno: 28 },
            Report::Surviving { processes: vec![(9, b"dd".to_vec())] },
            Report::TreeEnded { usage, orphans: 4, left_out: [5, 6] },
        ] {
            assert_eq!(Report::decode(&report.encode()), Some(report));
        }
        for wish in
            [Wish::Signal { signal: 1 }, Wish::PassOn { signal: 2 }, Wish::Stop { signal: 15, grace_ms: 5000 }, Wish::Kill]
        {
            assert_eq!(Wish::decode(&wish.encode()), Some(wish));
        }
        assert_eq!((Report::decode(&[]), Wish::decode(&[9; 8])), (None, None));
    }

    #[test]
    fn a_failure_fits_in_five_bytes() {
        let failure = Failure { stage: Stage::Execute, errno: 2 };
        assert_eq!(Failure::from_bytes(failure.to_bytes()), Some(failure));
    }
}
