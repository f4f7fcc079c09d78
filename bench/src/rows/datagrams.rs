//! Row 11: datagrams of 64 bytes, checksums computed and checked, in one thread.

use loggia_bench::pair::{PORT, Pair, Time, Wire, name};
use loggia_stack::base::MsgFlags;

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

/// Datagrams of a batch.
const BATCH: usize = 64;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let each = (11, "UDP 64 B, a call each", effort.of(2_000_000), 1);
    let batched = (11, "UDP 64 B, batched", effort.of(4_000_000), BATCH);
    let samples = [each, batched].map(|(row, what, count, batch)| {
        let mut pair = Pair::new(Wire::Packets, Time::stepped());
        let (client, server) = (pair.client.datagram_socket(), pair.server.datagram_socket());
        pair.server.stack.bind(server, &name(2, PORT)).expect("bind");
        pair.client.stack.connect(client, &name(2, PORT)).expect("connect");
        let mut room = [0; 64];
        let took = timed(|| {
            for _ in 0..count / batch {
                for _ in 0..batch {
                    pair.client.stack.send(client, &[7; 64], MsgFlags::NONE).expect("room");
                }
                pair.step();
                for _ in 0..batch {
                    pair.server.stack.recv(server, &mut room, MsgFlags::NONE).expect("it has come");
                }
            }
        });
        Sample::per_second(row, what, "loggia", count / batch * batch, took)
    });
    Ok(samples.into())
}
