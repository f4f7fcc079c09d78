//! Row 12: what a connection in TIME-WAIT and a half-open one hold, as the counting allocator sees it. Established ones are measured in `growth`.

use loggia_bench::crowd::{self, Crowd};
use loggia_bench::heap::Heap;
use loggia_bench::pair::{Host, PORT, Wire, name};
use loggia_bench::syn;

use crate::child;
use crate::figure::{Sample, Unit};
use crate::probe::Effort;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    child::send(&[], "memory", effort)
}

/// So many that what does not grow with them (ports) does not count.
const COUNT: usize = 1_000_000;

pub(crate) fn in_child(_: Effort) -> Result<Vec<Sample>, String> {
    Ok(vec![
        Sample::new(12, "TIME-WAIT", "loggia", Unit::Bytes, time_wait(COUNT)),
        Sample::new(12, "half-open connection", "loggia", Unit::Bytes, half_open(COUNT)),
    ])
}

/// Opened and closed in small groups, so that only their ends are left.
fn time_wait(count: usize) -> f64 {
    let mut crowd = Crowd::new(Wire::Large, 128);
    crowd.pass_by(128);
    let before = Heap::now();
    crowd.pass_by(count);
    Heap::since(before).live as f64 / count as f64
}

/// SYNs whose SYN-ACKs are lost, at a listener with room for them.
fn half_open(count: usize) -> f64 {
    let mut config = crowd::config();
    config.tcp.syncookies = 0;
    config.tcp.somaxconn = 1 << 22;
    let mut server = Host::new(2, Wire::Packets, config);
    let listener = server.plain_socket();
    server.stack.bind(listener, &name(2, PORT)).expect("bind");
    server.stack.listen(listener, 1 << 22).expect("listen");
    let before = Heap::now();
    let answers = syn::flood(&mut server, PORT, count as u32);
    // Without cookies only what is remembered is answered.
    assert_eq!(answers as usize, count);
    Heap::since(before).live as f64 / count as f64
}
