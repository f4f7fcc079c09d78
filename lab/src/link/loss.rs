//! Which packets are lost.

use std::sync::Arc;

use super::draw::{Draws, Odds, Purpose, fraction};
use super::flows::Flow;
use super::terms::Loss;

/// A loss model, ready to be asked.
#[derive(Debug)]
pub(super) enum Model {
    Never,
    Independent { odds: Odds, repeat: Odds },
    Chain(Box<Chain>),
    Periodic { every: u64, first: u64 },
    List(Arc<[u64]>),
}

impl Model {
    pub(super) fn new(loss: Option<&Loss>) -> Self {
        match loss {
            None => Self::Never,
            Some(Loss::Independent(chance)) => {
                Self::Independent { odds: Odds::new(chance.probability), repeat: Odds::new(chance.correlation) }
            }
            Some(&Loss::GilbertElliott { enter, leave, bad, good }) => {
                Self::Chain(Box::new(Chain::gilbert_elliott(enter, leave, bad, good)))
            }
            Some(&Loss::FourState { p13, p31, p32, p23, p14 }) => {
                Self::Chain(Box::new(Chain::four_state(p13, p31, p32, p23, p14)))
            }
            Some(&Loss::Periodic { every, first }) => Self::Periodic { every: every.max(1), first },
            Some(Loss::List(numbers)) => Self::List(numbers.clone()),
        }
    }

    /// True if the packet that `flow.number` counts is lost. To be asked once a packet, in order.
    pub(super) fn loses(&self, draws: &Draws, key: u64, flow: &mut Flow) -> bool {
        let number = flow.number;
        match self {
            Self::Never => false,
            Self::Independent { odds, repeat } => {
                odds.hit(draws.draw_after(Purpose::Loss, key, number, *repeat, &mut flow.last.loss))
            }
            Self::Chain(chain) => chain.loses(draws, key, flow),
            Self::Periodic { every, first } => number >= *first && (number - first).is_multiple_of(*every),
            Self::List(numbers) => numbers.binary_search(&number).is_ok(),
        }
    }
}

impl Model {
    /// [`Model::loses`] of the next packets of the flow, up to the first that is lost, `count` at most: how many go on before that one; none if
    /// all do.
    pub(super) fn first_lost(&self, draws: &Draws, key: u64, flow: &mut Flow, count: usize) -> Option<usize> {
        if let Self::Independent { odds, repeat: Odds::Never } = self {
            return first_hit(*odds, draws, key, flow, count);
        }
        (0..count).find(|_| {
            flow.number += 1;
            self.loses(draws, key, flow)
        })
    }
}

/// The first that is lost where no packet's fate hangs on that of others.
fn first_hit(odds: Odds, draws: &Draws, key: u64, flow: &mut Flow, count: usize) -> Option<usize> {
    let (before, mut last, draws) = (flow.number, flow.last.loss, draws.of_flow(Purpose::Loss, key));
    let found = (0..count).find(|n| {
        last = draws.draw(before + 1 + *n as u64);
        odds.hit(last)
    });
    flow.number += found.map_or(count, |found| found + 1) as u64;
    flow.last.loss = last;
    found
}

/// A Markov chain of up to four states. A flow begins in a state drawn from where the chain is in the long run, so that short flows
/// lose as much as long ones; at each packet it first takes a step, and the state it comes to decides.
#[derive(Debug)]
pub(super) struct Chain {
    start: Choice,
    step: [Choice; 4],
    lost: [Odds; 4],
}

/// Probabilities of four possibilities, summed up.
type Choice = [u64; 4];

impl Chain {
    /// States: good, bad.
    fn gilbert_elliott(enter: f64, leave: f64, bad: f64, good: f64) -> Self {
        let (enter, leave) = (probability(enter), probability(leave));
        Self {
            start: shares([leave, enter, 0.0, 0.0]),
            step: [
                choice([1.0 - enter, enter, 0.0, 0.0]),
                choice([leave, 1.0 - leave, 0.0, 0.0]),
                choice([1.0, 0.0, 0.0, 0.0]),
                choice([1.0, 0.0, 0.0, 0.0]),
            ],
            lost: [Odds::new(good), Odds::new(bad), Odds::Never, Odds::Never],
        }
    }

    /// netem's states: received in a gap, received in a burst, lost in a burst, lost alone.
    fn four_state(p13: f64, p31: f64, p32: f64, p23: f64, p14: f64) -> Self {
        let [p13, p31, p32, p23, p14] = [p13, p31, p32, p23, p14].map(probability);
        // In the long run as many leave each state as come to it.
        let burst = if p31 > 0.0 { p13 / p31 } else { 0.0 };
        let pause = if p23 > 0.0 { burst * p32 / p23 } else { 0.0 };
        Self {
            start: shares([1.0, pause, burst, p14]),
            step: [
                choice([1.0 - p13 - p14, 0.0, p13, p14]),
                choice([0.0, 1.0 - p23, p23, 0.0]),
                choice([p31, p32, 1.0 - p31 - p32, 0.0]),
                choice([1.0, 0.0, 0.0, 0.0]),
            ],
            lost: [Odds::Never, Odds::Never, Odds::Always, Odds::Always],
        }
    }

    fn loses(&self, draws: &Draws, key: u64, flow: &mut Flow) -> bool {
        let before = match flow.state {
            0 => pick(&self.start, draws.draw(Purpose::LossStart, key, 0)),
            state => usize::from(state - 1).min(3),
        };
        let state = pick(&self.step[before], draws.draw(Purpose::LossStep, key, flow.number));
        flow.state = state as u8 + 1;
        match self.lost[state] {
            odds @ Odds::Below(_) => odds.hit(draws.draw(Purpose::Loss, key, flow.number)),
            certain => certain.hit(0),
        }
    }
}

fn probability(number: f64) -> f64 {
    if number > 0.0 { number.min(1.0) } else { 0.0 }
}

/// Weights as a choice; the first if there are none.
fn shares(weights: [f64; 4]) -> Choice {
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 { choice(weights.map(|weight| weight / sum)) } else { choice([1.0, 0.0, 0.0, 0.0]) }
}

fn choice(probabilities: [f64; 4]) -> Choice {
    let mut sum = 0.0;
    probabilities.map(|part| {
        sum += part.max(0.0);
        fraction(sum)
    })
}

fn pick(choice: &Choice, draw: u64) -> usize {
    choice.iter().position(|bound| draw < *bound).unwrap_or(0)
}
