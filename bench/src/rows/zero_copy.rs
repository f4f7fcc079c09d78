//! Row 5: chunks that are shared from the sender to the reader.

use bytes::Bytes;
use loggia_bench::pair::{Ends, Pair, Time, Wire, pattern};
use loggia_stack::base::MsgFlags;

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

fn transfer(pair: &mut Pair, (client, server): Ends, amount: usize, source: &Bytes) {
    let (mut sent, mut received) = (0, 0);
    let mut rest = source.clone();
    while received < amount {
        if sent < amount
            && let Ok(taken) = pair.client.stack.send_bytes(client, rest.clone(), MsgFlags::NONE)
        {
            sent += taken;
            rest = if taken == rest.len() { source.clone() } else { rest.slice(taken..) };
        }
        pair.step();
        while let Ok(bytes) = pair.server.stack.recv_bytes(server, usize::MAX) {
            received += bytes.len();
        }
    }
}

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(8 << 30);
    let mut pair = Pair::new(Wire::Large, Time::real());
    let ends = pair.connect();
    let source = Bytes::from(pattern(Wire::Large.write()));
    transfer(&mut pair, ends, 8 << 20, &source);
    let took = timed(|| transfer(&mut pair, ends, amount, &source));
    Ok(vec![Sample::rate(5, "bulk of `Bytes`, no copy", "loggia", amount, took)])
}
