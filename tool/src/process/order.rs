//! What a keeper is told to run: a [`Command`](super::Command) with everything looked up.

use std::ffi::CString;

use super::Seat;
use super::wire::{Reader, Writer};
use crate::sys::filter::Instruction;

/// A program as its keeper needs it. Standard streams travel beside it.
#[derive(Debug)]
pub(super) struct Order {
    /// Paths to try.
    pub(super) candidates: Vec<CString>,
    pub(super) arguments: Vec<CString>,
    /// `NAME=value`.
    pub(super) environment: Vec<CString>,
    pub(super) directory: Option<CString>,
    pub(super) identity: Option<Identity>,
    pub(super) seat: Seat,
    /// What output and error are.
    pub(super) sinks: [Sink; 2],
    pub(super) filter: Option<Vec<Instruction>>,
}

/// Whom the program runs as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
}

/// What the descriptor beside the order is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sink {
    /// The program's own.
    Direct,
    /// A log, for the keeper to write.
    Log { limit: u64 },
}

impl Order {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        for strings in [&self.candidates, &self.arguments, &self.environment, self.directory.as_slice()] {
            out.list(strings, |out, string| out.bytes(string.as_bytes()));
        }
        out.list(self.identity.as_slice(), |out, identity| {
            let Identity { uid, gid, groups } = identity;
            out.number(u64::from(*uid)).number(u64::from(*gid)).list(groups, |out, &group| out.number(u64::from(group)))
        });
        out.number(u64::from(self.seat == Seat::Terminal));
        for sink in self.sinks {
            out.number(match sink {
                Sink::Direct => u64::MAX,
                Sink::Log { limit } => limit.min(u64::MAX - 1),
            });
        }
        out.list(self.filter.as_slice(), |out, program| {
            out.list(program, |out, &Instruction { code, jt, jf, k }| {
                out.number(u64::from(code)).number(u64::from(jt)).number(u64::from(jf)).number(u64::from(k))
            })
        });
        out.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        Some(Self {
            candidates: from.list(Reader::string)?,
            arguments: from.list(Reader::string)?,
            environment: from.list(Reader::string)?,
            directory: from.list(Reader::string)?.pop(),
            identity: from.list(identity)?.pop(),
            seat: if from.number()? == 1 { Seat::Terminal } else { Seat::Apart },
            sinks: [sink(&mut from)?, sink(&mut from)?],
            filter: from.list(|from| from.list(instruction))?.pop(),
        })
    }
}

fn identity(from: &mut Reader<'_>) -> Option<Identity> {
    Some(Identity { uid: from.small()?, gid: from.small()?, groups: from.list(Reader::small)? })
}

fn sink(from: &mut Reader<'_>) -> Option<Sink> {
    from.number().map(|limit| if limit == u64::MAX { Sink::Direct } else { Sink::Log { limit } })
}

fn instruction(from: &mut Reader<'_>) -> Option<Instruction> {
    Some(Instruction { code: from.small()?, jt: from.small()?, jf: from.small()?, k: from.small()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        let order = Order {
            candidates: vec![c"/bin/sh".into(), c"/usr/bin/sh".into()],
            arguments: vec![c"sh".into(), c"".into()],
            environment: vec![c"A=\xff".into()],
            directory: Some(c"/".into()),
            identity: Some(Identity { uid: 65534, gid: 1, groups: vec![1, 2] }),
            seat: Seat::Terminal,
            sinks: [Sink::Direct, Sink::Log { limit: 7 }],
            filter: Some(vec![Instruction { code: 6, jt: 1, jf: 2, k: 0x7fff_0000 }]),
        };
        let bytes = order.encode();
        assert_eq!(format!("{:?}", Order::decode(&bytes)), format!("{:?}", Some(order)));
        assert!((0..bytes.len()).all(|len| Order::decode(&bytes[..len]).is_none()), "a part is no order");
    }
}
