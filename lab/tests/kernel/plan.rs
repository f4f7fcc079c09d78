//! What is transferred, over which links.

use std::time::Duration;

use loggia_lab::link::{Chance, Limit, Loss, Queue, QueueKind, Rate, Reorder, Terms};

use crate::sim::Random;

/// One connection over a link of its own.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// Which; also names its ports and its link's seed.
    pub(crate) number: u16,
    /// How much goes from the sender to the receiver.
    pub(crate) bytes: u64,
    /// Largest write and largest read.
    pub(crate) piece: usize,
    /// `SO_SNDBUF` of the sender; none: as it grows.
    pub(crate) sndbuf: Option<i32>,
    /// `SO_RCVBUF` of the receiver.
    pub(crate) rcvbuf: Option<i32>,
    /// The link, from the sender to the receiver and back.
    pub(crate) terms: [Terms; 2],
}

/// Links differ in what makes a sender send again.
impl Transfer {
    /// Its queue is short.
    pub(crate) fn is_short(&self) -> bool {
        matches!(self.terms[0].queue.limit, Limit::Bytes(_))
    }
}

impl Transfer {
    /// The transfer of a number: every other one over a link that does harm.
    pub(crate) fn new(number: u16) -> Self {
        let mut random = Random::new(number.into(), 0x6b65_726e);
        let most = random.one_of(&[100, 20_000, 300_000, 1_500_000]);
        let buffer = |random: &mut Random| random.chance(0.5).then(|| random.between(4_000, 400_000) as i32);
        let delay = Duration::from_micros(random.between(1_000, 10_000));
        let mut there = Terms { delay, ..Terms::default() };
        if random.chance(0.5) {
            let bits = random.between(10, 100) * 1_000_000;
            there.rate = Some(Rate::Fixed { bits, burst: 0, overhead: 0 });
            let limit = if random.chance(0.5) { short(bits, delay, &mut random) } else { Limit::Infinite };
            there.queue = Queue { kind: QueueKind::DropTail, limit, ecn: false };
        }
        let mut back = Terms { delay, ..Terms::default() };
        if number.is_multiple_of(2) {
            harm(&mut there, &mut random);
            if random.chance(0.3) {
                back.loss = Some(Loss::Independent(chance(0.02)));
            }
        }
        Self {
            number,
            bytes: random.between(1, most),
            piece: random.between(1_000, 100_000) as usize,
            sndbuf: buffer(&mut random),
            rcvbuf: buffer(&mut random),
            terms: [there, back],
        }
    }

    /// The port it is sent from ...
    pub(crate) fn source_port(&self) -> u16 {
        20_000 + self.number
    }

    /// ... and the one it is sent to.
    pub(crate) fn target_port(&self) -> u16 {
        40_000 + self.number
    }

    /// The transfer that a packet with these ports belongs to, and whether it goes from the sender to the receiver.
    pub(crate) fn of_ports(src: u16, dst: u16) -> Option<(u16, bool)> {
        match (src, dst) {
            (20_000..40_000, 40_000..) => Some((src - 20_000, true)),
            (40_000.., 20_000..40_000) => Some((dst - 20_000, false)),
            _ => None,
        }
    }
}

/// A queue of a quarter of what the path holds, up to all of it; not less than a first flight.
fn short(bits: u64, delay: Duration, random: &mut Random) -> Limit {
    let held = bits as f64 / 8.0 * 2.0 * delay.as_secs_f64();
    Limit::Bytes((held * random.between(25, 100) as f64 / 100.0).max(15_000.0) as u64)
}

fn chance(probability: f64) -> Chance {
    Chance { probability, correlation: 0.0 }
}

/// Loss by chance or in bursts, packets that overtake, copies: at least one of them.
fn harm(terms: &mut Terms, random: &mut Random) {
    let mut some = |most: u64| random.between(most / 4, most) as f64 / 1000.0;
    let [loss, reorder, copies] = [some(30), some(50), some(30)];
    let burst = random.between(2, 8) as f64;
    match random.below(4) {
        0 => terms.loss = Some(Loss::Independent(chance(loss))),
        1 => {
            let leave = 1.0 / burst;
            terms.loss = Some(Loss::GilbertElliott { enter: leave * loss / (1.0 - loss), leave, bad: 1.0, good: 0.0 });
        }
        2 => {
            terms.loss = Some(Loss::Independent(chance(loss)));
            terms.duplicate = chance(copies);
        }
        _ => {}
    }
    if terms.loss.is_none() || random.chance(0.3) {
        terms.reorder = Some(Reorder { chance: chance(reorder), by: Some(terms.delay.mul_f64(0.5)) });
    }
}
