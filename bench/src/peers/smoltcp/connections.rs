//! Row 10. It has no backlog, chooses no ports, and its socket leaves TIME-WAIT when it is used again, which is done at once.

use loggia_bench::pair::LARGEST;
use smoltcp::socket::tcp::State;

use super::host::Pair;
use crate::figure::Sample;
use crate::peers::SMOLTCP;
use crate::probe::Effort;
use crate::timing::timed;

fn one(pair: &mut Pair, from: u16) {
    let mut byte = [0u8];
    pair.connect(from);
    pair.client.socket().send_slice(b"x").expect("open");
    while !pair.server.socket().can_recv() {
        pair.step();
    }
    pair.server.socket().recv_slice(&mut byte).expect("open");
    // The client closes first, so that TIME-WAIT is the client's.
    pair.client.socket().close();
    while pair.server.socket().may_recv() {
        pair.step();
    }
    pair.server.socket().close();
    while pair.server.socket().state() != State::Closed || pair.client.socket().state() != State::TimeWait {
        pair.step();
    }
    pair.client.socket().abort();
}

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(150_000);
    let mut pair = Pair::stepped(LARGEST, false);
    let took = timed(|| (0..count).for_each(|number| one(&mut pair, 40_000 + (number % 20_000) as u16)));
    Ok(vec![Sample::per_second(10, "connect, byte, close, one thread", SMOLTCP, count, took)])
}
