//! What a seed means: the link, the hosts, and what the applications do.

use loggia_stack::base::Addr;
use loggia_stack::base::time::Duration;
use loggia_stack::transport::tcp::congestion::Algorithm;

use crate::sim::{Bursts, Conditions, Random};

/// How an application ends its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// Writes everything, shuts down, reads to the end, closes.
    Orderly,
    /// Closes when it has read so many bytes, whatever is left.
    Leaves(u64),
    /// Resets (linger of zero) when it has written so many bytes.
    Aborts(u64),
}

/// What the application at one end does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndPlan {
    /// How many bytes it wants to send.
    pub(crate) bytes: u64,
    /// Largest write.
    pub(crate) write: usize,
    /// Largest read.
    pub(crate) read: usize,
    /// How likely it is to read when it could.
    pub(crate) appetite: f64,
    /// Longest pause between two actions.
    pub(crate) pause: Duration,
    /// How it ends.
    pub(crate) style: Style,
}

/// What a host is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostPlan {
    /// Timestamps, SACK, window scaling.
    pub(crate) extensions: [bool; 3],
    /// Segments that arrive together are joined.
    pub(crate) coalesce: bool,
    /// `tcp_syncookies`
    pub(crate) cookies: u8,
    /// Memory for everything, in bytes; none: enough.
    pub(crate) memory: Option<usize>,
}

/// A whole run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The seed it follows from.
    pub(crate) seed: u64,
    /// The hosts' addresses.
    pub(crate) addresses: [Addr; 2],
    /// Largest packet.
    pub(crate) mtu: u32,
    /// What each host is.
    pub(crate) hosts: [HostPlan; 2],
    /// Each host's congestion control.
    pub(crate) algorithms: [Algorithm; 2],
    /// An Ethernet instead of bare packets ...
    pub(crate) ethernet: bool,
    /// ... with this tag.
    pub(crate) vlan: Option<u16>,
    /// The link at first, in each direction.
    pub(crate) chaos: [Conditions; 2],
    /// When the link becomes perfect.
    pub(crate) heals: Duration,
    /// The ends of each connection: the one that connects, the one that accepts.
    pub(crate) connections: Vec<[EndPlan; 2]>,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 0x706c_616e);
        let addresses = if random.chance(0.5) {
            [Addr::v4(10, 0, 0, 1), Addr::v4(10, 0, 0, 2)]
        } else {
            let v6 = |last| Addr::from_v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            [v6(1), v6(2)]
        };
        let connections = (0..random.between(1, 3)).map(|_| [end(&mut random), end(&mut random)]).collect();
        Self {
            seed,
            addresses,
            mtu: random.one_of(&[1280, 1500, 1500, 9000, 65_535]),
            algorithms: algorithms(seed),
            hosts: [(); 2].map(|()| host(&mut random)),
            ethernet: random.chance(0.5),
            vlan: random.chance(0.3).then(|| random.between(1, 4094) as u16),
            chaos: [(); 2].map(|()| conditions(&mut random)),
            heals: Duration::from_millis(random.between(500, 10_000)),
            connections,
        }
    }

    /// True if no application gives up, so that everything must arrive.
    pub(crate) fn is_orderly(ends: &[EndPlan; 2]) -> bool {
        ends.iter().all(|end| end.style == Style::Orderly)
    }
}

/// Drawn apart, so that a seed's plan is otherwise what it was before there was a choice.
fn algorithms(seed: u64) -> [Algorithm; 2] {
    let mut random = Random::new(seed, 0x616c_676f);
    [(); 2].map(|()| random.one_of(&[Algorithm::Cubic, Algorithm::Cubic, Algorithm::NewReno, Algorithm::Bbr]))
}

fn host(random: &mut Random) -> HostPlan {
    HostPlan {
        extensions: [(); 3].map(|()| random.chance(0.8)),
        coalesce: random.chance(0.5),
        cookies: random.one_of(&[0, 1, 2]),
        memory: random.chance(0.3).then(|| random.between(150_000, 2_000_000) as usize),
    }
}

fn end(random: &mut Random) -> EndPlan {
    let bytes = match random.below(4) {
        0 => 0,
        1 => random.between(1, 3000),
        _ => random.between(1, 120_000),
    };
    let style = match random.below(8) {
        0 => Style::Leaves(random.below(50_000)),
        1 => Style::Aborts(random.below(bytes + 1)),
        _ => Style::Orderly,
    };
    EndPlan {
        bytes,
        write: random.between(1, 30_000) as usize,
        read: random.between(1, 30_000) as usize,
        appetite: random.one_of(&[0.05, 0.5, 1.0]),
        pause: Duration::from_micros(random.between(100, 40_000)),
        style,
    }
}

fn conditions(random: &mut Random) -> Conditions {
    let mut sometimes = |most: u64| if random.chance(0.5) { random.below(most) as f64 / 1000.0 } else { 0.0 };
    let [loss, duplicate, corrupt, reorder] = [sometimes(200), sometimes(100), sometimes(100), sometimes(200)];
    let bursts = Bursts { length: random.between(2, 10) as f64, density: 0.8 };
    Conditions {
        delay: Duration::from_micros(random.between(10, 100_000)),
        bursts: random.chance(0.3).then_some(bursts),
        jitter: if random.chance(0.3) { Duration::from_micros(random.between(1, 20_000)) } else { Duration::ZERO },
        loss,
        duplicate,
        corrupt,
        reorder,
        late: Duration::from_micros(random.between(1, 50_000)),
        rate: random.one_of(&[0, 1_000_000, 10_000_000, 1_000_000_000]),
        queue: random.between(70_000, 1 << 20),
        ..Conditions::default()
    }
}
