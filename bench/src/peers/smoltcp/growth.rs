//! Rows 12 to 14 on smoltcp, in a process of its own. Its sockets own their buffers: 4 KiB each here, which is little. Crowds beyond ten
//! thousand would take hours.

use loggia_bench::heap::Heap;
use loggia_bench::pair::{LARGEST, WRITE, pattern};
use smoltcp::iface::SocketHandle;

use super::host::{Pair, tcp};
use crate::child;
use crate::figure::{Sample, Unit};
use crate::peers::SMOLTCP;
use crate::probe::Effort;
use crate::timing::times;

const CROWDS: [u32; 2] = [3, 4];
const TURNS: usize = 3;
const BUFFER: usize = 4096;
/// The first port of the crowd.
const FIRST: u16 = 2000;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    child::send(&[], "smoltcp-growth", effort)
}

struct Beside {
    pair: Pair,
    members: Vec<(SocketHandle, SocketHandle)>,
    turn: usize,
}

impl Beside {
    fn new() -> Self {
        let mut pair = Pair::stepped(LARGEST, false);
        pair.connect(40_000);
        Self { pair, members: Vec::with_capacity(10_000), turn: 0 }
    }

    /// Adds established connections until there are `count`, all at once: each poll looks at every socket.
    fn grow(&mut self, count: usize) {
        let before = self.members.len();
        for number in before..count {
            let (client, server) = (self.pair.client.sockets.add(tcp(BUFFER)), self.pair.server.sockets.add(tcp(BUFFER)));
            let port = FIRST + number as u16;
            self.pair.server.at(server).listen(port).expect("listen");
            self.pair.client.begin(client, port, 20_000 + number as u16);
            self.members.push((client, server));
        }
        while !self.members[before..]
            .iter()
            .all(|(client, _)| self.pair.client.sockets.get::<smoltcp::socket::tcp::Socket<'_>>(*client).may_send())
        {
            self.pair.step();
        }
    }
}

fn ping_pong(beside: &mut Beside) {
    let (client, server) = (beside.pair.client.first, beside.pair.server.first);
    (0..100).for_each(|_| beside.pair.ping_pong(client, server));
}

fn bulk(beside: &mut Beside) {
    let (source, mut sink) = (pattern(WRITE), vec![0; WRITE]);
    beside.pair.bulk(32 << 20, &source, &mut sink);
}

fn in_turn(beside: &mut Beside) {
    for _ in 0..100 {
        beside.turn += 1;
        let (client, server) = beside.members[beside.turn % beside.members.len()];
        beside.pair.ping_pong(client, server);
    }
}

pub(crate) fn in_child(_: Effort) -> Result<Vec<Sample>, String> {
    let mut samples = Vec::new();
    let (mut alone, mut grown) = (Beside::new(), Beside::new());
    alone.grow(1);
    let empty = Heap::now();
    for power in CROWDS {
        let count = 10usize.pow(power);
        grown.grow(count);
        if power == 4 {
            let each = Heap::since(empty).live as f64 / count as f64 / 2.0;
            samples.push(Sample::new(12, "idle established connection, one end", SMOLTCP, Unit::Bytes, each));
        }
        let mut add = |row, what: String, work: fn(&mut Beside)| {
            samples.push(Sample::new(row, what, SMOLTCP, Unit::Times, times(TURNS, &mut alone, &mut grown, work)));
        };
        add(13, format!("ping-pong beside 10^{power} idle"), ping_pong);
        add(13, format!("bulk beside 10^{power} idle"), bulk);
        add(14, format!("ping-pong, each of 10^{power} in turn"), in_turn);
    }
    Ok(samples)
}
