//! BBR told of round trips by hand: each call of `Path::round` is one, with one sample.

use super::losses::inflight_at_loss;
use super::*;
use crate::base::Entropy;

const MSS: u32 = 1000;
/// 10 MB/s over 100 ms: a million bytes are on the path.
const BANDWIDTH: u64 = 10_000_000;
const BDP: u32 = 1_000_000;

struct Path {
    bbr: Bbr,
    window: Window,
    now: Instant,
    delivered: u64,
    rtt: Duration,
    bandwidth: u64,
    app_limited: bool,
    recovering: bool,
}

impl Path {
    fn new() -> Self {
        let (mut bbr, mut window) = (Bbr::new(), Window::new(MSS));
        let (now, rtt) = (Instant::from_secs(1), Duration::from_millis(100));
        bbr.begin(&mut window, &Start { now, round_trip: Some(rtt), sack: true, seed: 3 });
        Self { bbr, window, now, delivered: 0, rtt, bandwidth: BANDWIDTH, app_limited: false, recovering: false }
    }

    /// One that has filled its pipe and cruises.
    fn cruising() -> Self {
        let mut path = Self::new();
        path.until(State::Cruise);
        path
    }

    fn until(&mut self, state: State) {
        for _ in 0..200 {
            if self.bbr.state == state {
                return;
            }
            self.round();
        }
        panic!("{:?} does not become {state:?}", self.bbr.state);
    }

    /// A round trip in which the window is sent as fast as pacing and the path allow.
    fn round(&mut self) {
        self.now += self.rtt;
        let paced = self.bbr.pacing_rate().unwrap_or(u64::MAX).min(self.bandwidth);
        let amount = u64::from(self.window.cwnd).min(paced / 10).max(1);
        let sample = self.sample(amount as u32);
        self.delivered += amount;
        self.bbr.sampled(&mut self.window, &sample);
    }

    fn sample(&self, amount: u32) -> Sample {
        let ahead = (u64::from(amount) * self.bbr.state.pacing_gain().max(100) / 100) as u32;
        Sample {
            now: self.now,
            rate: u64::from(amount) * 1000 / self.rtt.as_millis() as u64,
            delivered: amount.into(),
            prior_delivered: self.delivered,
            total_delivered: self.delivered + u64::from(amount),
            newly_acked: amount,
            lost: 0,
            sent_in_flight: amount,
            in_flight: ahead.min(self.window.cwnd),
            round_trip: Some(self.rtt),
            app_limited: self.app_limited,
            window_limited: amount >= self.window.cwnd,
            recovering: self.recovering,
        }
    }

    /// So much of what was in flight is found lost.
    fn lose(&mut self, bytes: u32) {
        let lost = Lost {
            bytes,
            total_delivered: self.delivered,
            sent_in_flight: self.window.cwnd,
            lost: bytes.into(),
            app_limited: self.app_limited,
        };
        self.bbr.lost(&mut self.window, &lost);
    }
}

#[test]
fn it_is_not_large() {
    assert!(size_of::<Bbr>() <= 416, "{}", size_of::<Bbr>());
}

/// draft-ietf-ccwg-bbr §5.3.1: the rate grows until three rounds bring no quarter more, then the queue is drained.
#[test]
fn startup_finds_the_bandwidth_and_drains() {
    let mut path = Path::new();
    assert_eq!(
        path.bbr.pacing_rate(),
        Some(10 * 1000 * 10 / 100 * 277),
        "§5.6.2: the initial window in a round trip, 2.77 times"
    );
    path.until(State::Drain);
    assert_eq!((path.bbr.bw, path.bbr.pacing_rate()), (BANDWIDTH, Some(BANDWIDTH / 2 * 99 / 100)));
    path.until(State::Down);
    assert_eq!(path.bbr.inflight_longterm, INFINITY, "nothing was lost");
}

/// draft-ietf-ccwg-bbr §5.3.1.3: a round of recovery in which more than 2 % were lost, at six times, ends it too.
#[test]
fn startup_ends_when_too_much_is_lost() {
    for (times, state) in [(5, State::Startup), (6, State::Drain)] {
        let mut path = Path::new();
        (0..3).for_each(|_| path.round());
        path.app_limited = true;
        path.recovering = true;
        path.round();
        (0..times).for_each(|_| path.lose(path.window.cwnd / 50));
        path.now += path.rtt;
        let amount = path.window.cwnd;
        let sample = Sample { lost: u64::from(amount / 10), ..path.sample(amount) };
        path.bbr.sampled(&mut path.window, &sample);
        assert_eq!(path.bbr.state, state, "{times} times");
        assert_eq!(path.bbr.inflight_longterm == INFINITY, state == State::Startup);
    }
}

/// draft-ietf-ccwg-bbr §5.3.3: slower, as fast, filling, faster, and again.
#[test]
fn the_cycle_goes_around() {
    let mut path = Path::cruising();
    for state in [State::Refill, State::Up, State::Down, State::Cruise] {
        path.until(state);
        let gain = [(State::Up, 125), (State::Down, 90)].iter().find(|(at, _)| *at == state).map_or(100, |(_, gain)| *gain);
        assert_eq!(path.bbr.pacing_rate(), Some(BANDWIDTH / 100 * gain / 100 * 99), "{state:?}");
        assert!(path.window.cwnd >= BDP * 2, "{state:?}: {}", path.window.cwnd);
    }
}

/// draft-ietf-ccwg-bbr §5.3.3.5.3: as often as Reno would come back, and every two to three seconds.
#[test]
fn it_probes_every_two_to_three_seconds() {
    let mut path = Path::cruising();
    let mut probes = 0;
    while probes < 5 {
        path.until(State::Down);
        let (since, mut paused) = (path.now, false);
        while path.bbr.state != State::Refill {
            path.round();
            paused |= path.bbr.state == State::ProbeRtt;
        }
        let waited = path.now.since(since).as_millis();
        assert!((2000..=3200).contains(&waited) || paused, "{waited} ms");
        probes += u32::from(!paused);
    }
}

/// draft-ietf-ccwg-bbr §5.5.10.2: what was lost in a probe says how much is too much, but no less than 0.7 of what is wanted.
#[test]
fn a_probe_that_loses_sets_the_long_term_bound() {
    let mut path = Path::cruising();
    path.until(State::Up);
    path.round();
    let in_flight = path.window.cwnd;
    path.lose(in_flight / 10);
    assert_eq!(path.bbr.state, State::Down);
    // A fiftieth of what was in flight may be lost: that is where it stopped to be safe.
    let before = u64::from(in_flight - in_flight / 10);
    assert_eq!(u64::from(path.bbr.inflight_longterm), before + before * 2 / 98);
    path.until(State::Cruise);
    assert!(path.window.cwnd <= part(path.bbr.inflight_longterm, 85) + 1, "room is left to others");
    assert!(path.bbr.probe.was_too_high);
}

/// draft-ietf-ccwg-bbr §5.3.3.5.2: after a probe that went too far the next one turns back at the bound, and if that did no harm, another
/// one follows at once.
#[test]
fn after_a_probe_that_went_too_far_the_next_is_careful() {
    let mut path = Path::cruising();
    path.until(State::Up);
    path.round();
    path.lose(path.window.cwnd / 10);
    path.until(State::Up);
    path.now += path.rtt;
    let sample = Sample { in_flight: path.bbr.inflight_longterm, ..path.sample(BDP) };
    path.delivered = sample.total_delivered;
    path.bbr.sampled(&mut path.window, &sample);
    assert_eq!(path.bbr.state, State::Down, "as much in flight as was too much");
    path.round();
    assert_eq!(path.bbr.state, State::Refill);
}

/// draft-ietf-ccwg-bbr §5.5.10.3: less arrives than was sent: the bounds of the short term fall, by 0.3 at most, and the next probe
/// forgets them.
#[test]
fn losses_lower_the_bounds_until_the_next_probe() {
    let mut path = Path::cruising();
    (0..3).for_each(|_| path.round());
    path.bandwidth = BANDWIDTH / 10;
    path.round();
    for bw in [BANDWIDTH / 10 * 7, BANDWIDTH / 100 * 49] {
        path.lose(10 * MSS);
        path.round();
        assert_eq!(path.bbr.bw, bw);
    }
    assert!(path.window.cwnd <= path.bbr.short_term.inflight);
    path.until(State::Refill);
    assert_eq!((path.bbr.short_term.bw, path.bbr.bw), (u64::MAX, BANDWIDTH));
}

/// A loss while everything else arrives as it was sent lowers nothing.
#[test]
fn a_few_losses_lower_nothing() {
    let mut path = Path::cruising();
    for _ in 0..10 {
        path.round();
        path.lose(MSS);
    }
    assert_eq!(path.bbr.bw, BANDWIDTH);
}

/// draft-ietf-ccwg-bbr §3.8: a mark is congestion. RFC 8511 §3: less of it than a loss.
#[test]
fn a_mark_lowers_what_is_in_flight() {
    let mut path = Path::cruising();
    path.round();
    let before = path.window.cwnd.min(path.bbr.latest.inflight);
    path.bbr.marked(&mut path.window);
    assert_eq!(path.window.cwnd, part(before, 85));
    path.round();
    assert!(path.window.cwnd <= part(before, 85));
    let mut path = Path::new();
    (0..3).for_each(|_| path.round());
    path.bbr.marked(&mut path.window);
    path.round();
    assert_eq!(path.bbr.state, State::Drain, "a queue that is marked is long enough");
}

/// draft-ietf-ccwg-bbr §5.5.11: a loss that was none is forgotten, and so is what it ended.
#[test]
fn what_was_not_lost_is_taken_back() {
    let mut path = Path::cruising();
    path.until(State::Up);
    path.round();
    path.lose(path.window.cwnd / 10);
    assert_eq!(path.bbr.state, State::Down);
    path.bbr.undone(&mut path.window);
    assert_eq!((path.bbr.state, path.bbr.inflight_longterm), (State::Refill, INFINITY));
}

/// draft-ietf-ccwg-bbr §5.3.4: five seconds without a new lowest round trip: half of what the path holds, for 200 ms and a round trip.
#[test]
fn probe_rtt_comes_every_five_seconds_and_lasts_a_moment() {
    let mut path = Path::cruising();
    path.rtt = Duration::from_millis(101);
    path.until(State::ProbeRtt);
    let since = path.now;
    assert!(path.bbr.holds_back());
    assert!((BDP / 2 - 10 * MSS..=BDP / 2).contains(&path.window.cwnd), "{}", path.window.cwnd);
    path.until(State::Cruise);
    let lasted = path.now.since(since).as_millis();
    assert!((200..600).contains(&lasted), "{lasted} ms");
    path.round();
    assert!(path.window.cwnd >= BDP, "the window is what it was");
}

/// draft-ietf-ccwg-bbr §5.4.1: silence has drained the queue already.
#[test]
fn after_silence_there_is_no_probe_rtt() {
    let mut path = Path::cruising();
    path.now += Duration::from_secs(20);
    path.bbr.restarts(&mut path.window, path.now);
    path.app_limited = true;
    path.round();
    assert_eq!((path.bbr.state == State::ProbeRtt, path.bbr.bw), (false, BANDWIDTH));
}

/// draft-ietf-ccwg-bbr §5.6.4.4: a timeout leaves one segment; when it is mended the window is as before.
#[test]
fn after_a_timeout_the_window_comes_back() {
    let mut path = Path::cruising();
    path.round();
    let before = path.window.cwnd;
    path.bbr.reduce(&mut path.window);
    path.window.set_cwnd(MSS);
    path.bbr.timed_out(&mut path.window);
    path.recovering = true;
    path.round();
    assert!(path.window.cwnd <= 6 * MSS, "{}", path.window.cwnd);
    path.recovering = false;
    path.round();
    assert!(path.window.cwnd >= before / 2, "{}", path.window.cwnd);
}

#[test]
fn inflight_at_loss_is_where_a_fiftieth_was_lost() {
    let lost = |bytes, sent_in_flight, lost| Lost { bytes, total_delivered: 0, sent_in_flight, lost, app_limited: false };
    // 98,000 in flight before it, of which nothing was lost: after 2,000 more it is 2 %.
    assert_eq!(inflight_at_loss(&lost(10_000, 108_000, 10_000)), 100_000);
    assert_eq!(inflight_at_loss(&lost(10_000, 108_000, 20_000)), 98_000, "it was before");
    assert_eq!(inflight_at_loss(&lost(10_000, 1_000, 0)), 0);
}

#[test]
fn no_sequence_of_events_leaves_the_bounds() {
    for seed in 0..200 {
        let mut entropy = Entropy::new(seed.into());
        let mut path = Path::new();
        for _ in 0..300 {
            let number = |entropy: &mut Entropy| entropy.next_u32() >> entropy.below(32);
            path.now += Duration::from_nanos(entropy.next_u64() >> (24 + entropy.below(40)));
            match entropy.below(10) {
                0 => path.lose(number(&mut entropy)),
                1 => path.bbr.marked(&mut path.window),
                2 => path.bbr.reduce(&mut path.window),
                3 => path.bbr.undone(&mut path.window),
                4 => path.bbr.restarts(&mut path.window, path.now),
                5 => {
                    path.window.set_cwnd(0);
                    path.bbr.timed_out(&mut path.window);
                }
                6 => path.window.set_mss(number(&mut entropy)),
                _ => {
                    let amount = number(&mut entropy);
                    let sample = Sample {
                        rate: entropy.next_u64() >> entropy.below(64),
                        lost: number(&mut entropy).into(),
                        in_flight: number(&mut entropy),
                        prior_delivered: path.delivered.saturating_sub(number(&mut entropy).into()),
                        round_trip: Some(Duration::from_nanos(number(&mut entropy).into())),
                        window_limited: entropy.below(2) == 0,
                        app_limited: entropy.below(4) == 0,
                        ..path.sample(amount)
                    };
                    path.delivered = sample.total_delivered;
                    path.bbr.sampled(&mut path.window, &sample);
                    assert!(path.window.cwnd >= (MIN_PIPE * path.window.mss).min(1 << 30), "seed {seed}");
                }
            }
            assert!((1..=1 << 30).contains(&path.window.cwnd), "seed {seed}: {}", path.window.cwnd);
            assert!(path.bbr.pacing_rate().is_some());
        }
    }
}

/// §5.3.3.5.3 where the path holds less than a segment: Reno's rounds are none, and probes would follow each other at once.
#[test]
fn where_the_path_holds_less_than_a_segment_it_rests_between_probes() {
    let mut path = Path { bandwidth: 5_000, ..Path::new() };
    for _ in 0..5 {
        path.until(State::Refill);
        path.until(State::Down);
        let mut rounds = 0;
        while path.bbr.state != State::Refill {
            path.round();
            rounds += 1;
        }
        assert!(rounds >= MIN_PIPE - 1, "{rounds} rounds");
    }
}
