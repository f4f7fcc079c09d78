//! What is measured.

/// A thing to do, the same for all subjects.
#[derive(Debug)]
pub(crate) struct Workload {
    /// How it is called in the table.
    pub(crate) name: &'static str,
    /// The unit of the result.
    pub(crate) unit: &'static str,
    /// More is better (else less is).
    pub(crate) more_is_better: bool,
    /// What is done.
    pub(crate) pace: Pace,
}

/// The pattern of the traffic.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// One way, as fast as possible, in writes of 128 KiB.
    Bulk {
        /// Bytes at scale 1.
        bytes: usize,
        /// Largest packet.
        mtu: usize,
        /// Whether transport checksums are computed and verified.
        checksums: bool,
    },
    /// A byte there and a byte back.
    PingPong {
        /// How often at scale 1.
        times: usize,
    },
    /// Connect, one byte, close on both sides.
    Connect {
        /// How often at scale 1.
        times: usize,
    },
}

/// The largest packet where frames of 64 KiB are meant.
pub(crate) const BIG: usize = 65_535;
/// Socket buffers, in each direction.
pub(crate) const BUFFER: usize = 1 << 20;
/// Bytes given to one write call.
pub(crate) const WRITE: usize = 128 << 10;

/// All workloads.
pub(crate) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "bulk, 64 KiB frames, no checksums",
        unit: "Gbit/s",
        more_is_better: true,
        pace: Pace::Bulk { bytes: 2 << 30, mtu: BIG, checksums: false },
    },
    Workload {
        name: "bulk, MTU 1500, checksums",
        unit: "Gbit/s",
        more_is_better: true,
        pace: Pace::Bulk { bytes: 1 << 30, mtu: 1500, checksums: true },
    },
    Workload { name: "ping-pong of one byte", unit: "µs", more_is_better: false, pace: Pace::PingPong { times: 200_000 } },
    Workload { name: "connect, byte, close", unit: "1/s", more_is_better: true, pace: Pace::Connect { times: 50_000 } },
];

impl Workload {
    /// The figure in the workload's unit.
    pub(crate) fn figure(&self, amount: usize, seconds: f64) -> f64 {
        match self.pace {
            Pace::Bulk { .. } => amount as f64 * 8.0 / 1e9 / seconds,
            Pace::PingPong { .. } => seconds * 1e6 / amount as f64,
            Pace::Connect { .. } => amount as f64 / seconds,
        }
    }

    /// Bytes or times at `scale`.
    pub(crate) fn amount(&self, scale: f64) -> usize {
        let full = match self.pace {
            Pace::Bulk { bytes, .. } => bytes,
            Pace::PingPong { times } | Pace::Connect { times } => times,
        };
        ((full as f64 * scale) as usize).max(1)
    }
}

/// The bytes that are sent: recognisable, so that what arrives can be checked at the ends of each read.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}
