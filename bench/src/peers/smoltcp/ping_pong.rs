//! Row 8.

use loggia_bench::pair::LARGEST;

use super::host::Pair;
use crate::figure::Sample;
use crate::peers::SMOLTCP;
use crate::probe::Effort;
use crate::timing::timed;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(300_000);
    let mut pair = Pair::new(LARGEST, false);
    pair.connect(40_000);
    let (client, server) = (pair.client.first, pair.server.first);
    (0..1000).for_each(|_| pair.ping_pong(client, server));
    let took = timed(|| (0..count).for_each(|_| pair.ping_pong(client, server)));
    Ok(vec![Sample::each(8, "ping-pong, core calls", SMOLTCP, count, took)])
}
