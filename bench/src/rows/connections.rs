//! Row 10: connect, a byte, close on both sides, by calls of the core in one thread: with backlog, ports and TIME-WAIT.

use std::time::Duration;

use loggia_bench::crowd;
use loggia_bench::pair::{PORT, Pair, Time, Wire, name};

use crate::figure::{Sample, Unit};
use crate::probe::Effort;
use crate::timing::{timed, times};

pub(crate) fn core(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(100_000);
    Ok(vec![Sample::per_second(10, "connect, byte, close, one thread", "loggia", count, took(count))])
}

/// How long so many connections take, one after the other.
pub(super) fn took(count: usize) -> Duration {
    let mut pair = Pair::new(Wire::Large, Time::stepped());
    pair.steady_connections(4000);
    timed(|| pair.steady_connections(count))
}

/// As many connections with and without a hundred thousand others in TIME-WAIT, alternately.
pub(crate) fn among_time_wait(effort: Effort) -> Result<Vec<Sample>, String> {
    const WAITING: usize = 100_000;
    let count = effort.of(2000).max(400);
    let [mut alone, mut among] = [(); 2].map(|()| Pair::with_config(Wire::Large, Time::stepped(), &crowd::config()));
    // Four ports of the server's, so that the client's suffice.
    let listeners: Vec<_> = (1..=4).map(|number| (listen(&mut among, PORT + number), PORT + number)).collect();
    for number in 0..WAITING {
        let (listener, port) = listeners[number * listeners.len() / WAITING];
        let client = among.client.plain_socket();
        let ends = among.connect_to(client, listener, port);
        among.close(ends);
        among.forget_readiness();
    }
    let some = |pair: &mut Pair| {
        for _ in 0..count {
            pair.short_connection();
            pair.forget_readiness();
        }
    };
    let cost = times(5, &mut alone, &mut among, some);
    Ok(vec![Sample::new(10, "cost with 10^5 in TIME-WAIT over that with none", "loggia", Unit::Times, cost)])
}

fn listen(pair: &mut Pair, port: u16) -> loggia_stack::SocketId {
    let listener = pair.server.plain_socket();
    pair.server.stack.bind(listener, &name(2, port)).expect("bind");
    pair.server.stack.listen(listener, 128).expect("listen");
    listener
}
