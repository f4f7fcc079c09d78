//! Row 11.

use loggia_bench::pair::BUFFER;
use smoltcp::iface::SocketHandle;
use smoltcp::phy::Device;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};

use super::host::{Host, PORT, Pair, SERVER};
use crate::figure::Sample;
use crate::peers::SMOLTCP;
use crate::probe::Effort;
use crate::timing::timed;

/// Datagrams of a batch.
const BATCH: usize = 64;

fn socket<D: Device>(host: &mut Host<D>, port: u16) -> SocketHandle {
    let room = || PacketBuffer::new(vec![PacketMetadata::EMPTY; 2 * BATCH], vec![0; BUFFER]);
    let mut socket = Socket::new(room(), room());
    socket.bind(port).expect("bind");
    host.sockets.add(socket)
}

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let each = ("UDP 64 B, a call each", effort.of(2_000_000), 1);
    let batched = ("UDP 64 B, batched", effort.of(4_000_000), BATCH);
    let samples = [each, batched].map(|(what, count, batch)| {
        let mut pair = Pair::stepped(1500, true);
        let client = socket(&mut pair.client, 40_000);
        let server = socket(&mut pair.server, PORT);
        let mut room = [0; 64];
        let took = timed(|| {
            for _ in 0..count / batch {
                for _ in 0..batch {
                    let socket = pair.client.sockets.get_mut::<Socket<'_>>(client);
                    socket.send_slice(&[7; 64], (SERVER, PORT)).expect("room");
                }
                let mut received = 0;
                while received < batch {
                    pair.step();
                    let socket = pair.server.sockets.get_mut::<Socket<'_>>(server);
                    while socket.recv_slice(&mut room).is_ok() {
                        received += 1;
                    }
                }
            }
        });
        Sample::per_second(11, what, SMOLTCP, count / batch * batch, took)
    });
    Ok(samples.into())
}
