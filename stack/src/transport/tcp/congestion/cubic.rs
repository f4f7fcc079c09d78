//! CUBIC (RFC 9438) in integers: the same numbers on every machine.
//!
//! ```text
//!  cwnd                                     ╱  convex: probing
//!   │                                     ╱
//!   │ W_max ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄____┄─────‾‾
//!   │              ______‾‾‾‾     ▲
//!   │      ___──‾‾‾  concave      K
//!   │   ╱‾‾
//!   │ cwnd_epoch                            W_cubic(t) = C (t - K)³ + W_max
//!   └──────────────────────────────── t
//! ```
//!
//! Time is counted in ticks of 2⁻¹³ s (122 µs). `t` is not the time since the epoch began but the sum of the intervals in which the
//! window was what held the sender back: idle and application-limited time is left out (RFC 9438 §5.8).

use super::Ack;
use super::hystart::{Careful, HyStart};
use super::window::{UNLIMITED, Window};
use crate::base::{Duration, Instant};

/// Ticks a second, as a shift.
const TICK: u32 = 13;
/// The cube of more ticks than this does not fit; the cubic of 128 s is far beyond any window.
const LONGEST: u64 = 1 << 20;
/// beta_cubic 0.7 (RFC 9438 §4.6).
const BETA: (u32, u32) = (7, 10);
/// RFC 8511 §3: who marks has a short queue, so that a smaller step back keeps the path full: 0.85 for CUBIC.
const BETA_ECN: (u32, u32) = (17, 20);
/// (1 + beta_cubic) / 2, for fast convergence (RFC 9438 §4.7).
const FAST_CONVERGENCE: (u64, u64) = (17, 20);
/// alpha_cubic = 3 (1 - beta) / (1 + beta) (RFC 9438 §4.3).
const ALPHA: (u64, u64) = (9, 17);

#[derive(Clone, Debug, Default)]
pub(super) struct Cubic {
    /// The window before the last reduction, bytes; 0: unknown.
    w_max: u32,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    /// The first slow start.
    Start(HyStart),
    /// After it.
    Avoid(Epoch),
}

impl Default for Phase {
    fn default() -> Self {
        Self::Start(HyStart::default())
    }
}

/// One stage of congestion avoidance.
#[derive(Clone, Debug, Default)]
struct Epoch {
    /// cwnd_prior: the window when it was last reduced.
    prior: u32,
    /// When W_cubic reaches w_max, in ticks.
    k: u32,
    /// t, in ticks.
    elapsed: u32,
    /// The tick of the last acknowledgement.
    last: u32,
    /// W_est: what Reno would have, in bytes and 2^-16 of them.
    w_est: u32,
    w_est_part: u16,
    /// Growth that is owed, in parts of a byte of which `cwnd` make one.
    owed: u32,
    began: bool,
    /// The interval that ends with the next acknowledgement does not count.
    paused: bool,
}

impl Cubic {
    pub(super) fn acked(&mut self, window: &mut Window, ack: &Ack, careful: Careful) {
        let mut left = ack.acked;
        if window.in_slow_start() {
            left = match &mut self.phase {
                Phase::Start(start) if window.ssthresh == UNLIMITED => {
                    start.acked(window, ack, careful);
                    0
                }
                _ if ack.limited => window.slow_start(ack.acked),
                _ => 0,
            };
        }
        if left > 0 {
            self.avoid(window, ack, left);
        }
    }

    fn avoid(&mut self, window: &mut Window, ack: &Ack, acked: u32) {
        if let Phase::Start(_) = self.phase {
            // RFC 9438 §4.10: slow start ended without a loss.
            self.phase = Phase::Avoid(Epoch { prior: window.cwnd, ..Epoch::default() });
        }
        let Phase::Avoid(epoch) = &mut self.phase else { return };
        epoch.pass(ack);
        if !ack.limited {
            return;
        }
        if !epoch.began {
            epoch.begin(window, &mut self.w_max);
        }
        epoch.grow(window, self.w_max, acked, ack.srtt);
    }

    /// RFC 9438 §4.6 multiplicative decrease, §4.7 fast convergence.
    pub(super) fn reduce(&mut self, window: &mut Window) {
        self.reduce_by(window, BETA);
    }

    /// The same for a mark (RFC 8511 §3, alternative backoff with ECN).
    pub(super) fn marked(&mut self, window: &mut Window) {
        self.reduce_by(window, BETA_ECN);
    }

    fn reduce_by(&mut self, window: &mut Window, beta: (u32, u32)) {
        let cwnd = u64::from(window.cwnd);
        let converging = window.cwnd < self.w_max;
        self.w_max = if converging { (cwnd * FAST_CONVERGENCE.0 / FAST_CONVERGENCE.1) as u32 } else { window.cwnd };
        self.phase = Phase::Avoid(Epoch { prior: window.cwnd, ..Epoch::default() });
        window.reduce(beta.0, beta.1);
    }

    /// RFC 9438 §4.8: after a timeout K is 0 and W_max the window at which congestion avoidance begins again.
    pub(super) fn timed_out(&mut self) {
        self.w_max = 0;
        if let Phase::Avoid(epoch) = &mut self.phase {
            epoch.began = false;
        }
    }

    /// RFC 9438 §5.8: idle time is not part of t. If the window decayed, slow start leads to where an epoch begins anew.
    pub(super) fn idle(&mut self) {
        if let Phase::Avoid(epoch) = &mut self.phase {
            epoch.paused = true;
            epoch.began = false;
        }
    }
}

#[cfg(test)]
impl Cubic {
    pub(super) fn w_max(&self) -> u32 {
        self.w_max
    }
}

impl Epoch {
    /// RFC 9438 §4.2: K is the time in which W_cubic comes from `cwnd` to `W_max`.
    fn begin(&mut self, window: &Window, w_max: &mut u32) {
        *w_max = window.cwnd.max(*w_max);
        self.k = k(*w_max - window.cwnd, window.mss);
        self.elapsed = 0;
        self.w_est = window.cwnd;
        self.w_est_part = 0;
        self.owed = 0;
        self.began = true;
    }

    /// Time passed: it counts if the window was the limit.
    fn pass(&mut self, ack: &Ack) {
        let tick = ticks(ack.now.since(Instant::EPOCH)) as u32;
        if ack.limited && self.began && !self.paused {
            self.elapsed = self.elapsed.saturating_add(tick.wrapping_sub(self.last));
        }
        self.paused = false;
        self.last = tick;
    }

    fn grow(&mut self, window: &mut Window, w_max: u32, acked: u32, srtt: Option<Duration>) {
        self.grow_as_reno(window, acked);
        let elapsed = u64::from(self.elapsed);
        if self.w_cubic(elapsed, w_max, window.mss) < u64::from(self.w_est) {
            // RFC 9438 §4.3, the Reno-friendly region.
            window.set_cwnd(self.w_est.max(window.cwnd));
            return;
        }
        // RFC 9438 §4.4 and §4.5: towards where the cubic is a round trip from now, not faster than half as much again in it.
        let cwnd = u64::from(window.cwnd);
        let ahead = self.w_cubic(elapsed + ticks(srtt.unwrap_or_default()), w_max, window.mss);
        let target = ahead.clamp(cwnd, cwnd + cwnd / 2);
        let owed = (target - cwnd) * u64::from(acked) + u64::from(self.owed);
        self.owed = (owed % cwnd) as u32;
        // One that acknowledges several windows at once still asks for the target only.
        window.grow((owed / cwnd).min(target - cwnd) as u32);
    }

    /// RFC 9438 §4.3: `W_est += alpha * acked / cwnd` segments; alpha is 1 once the window before the reduction is reached again.
    fn grow_as_reno(&mut self, window: &Window, acked: u32) {
        let alpha = if self.w_est >= self.prior { (1, 1) } else { ALPHA };
        let acked = u64::from(acked.min(1 << 24));
        let growth = ((acked * u64::from(window.mss)) << 16) / u64::from(window.cwnd) * alpha.0 / alpha.1;
        let w_est = (u64::from(self.w_est) << 16 | u64::from(self.w_est_part)) + growth;
        self.w_est = (w_est >> 16).min(u64::from(u32::MAX)) as u32;
        self.w_est_part = w_est as u16;
    }

    /// RFC 9438 §4.2 figure 1, in bytes: `C (t - K)³ + W_max` with C = 0.4 segments a second cubed.
    fn w_cubic(&self, t: u64, w_max: u32, mss: u32) -> u64 {
        let k = u64::from(self.k);
        let distance = t.abs_diff(k).min(LONGEST);
        // 2⁻³⁹ of a segment at first; so ordered nothing overflows and a byte is still seen.
        let offset = (((distance * distance * distance) >> TICK) * u64::from(mss) / 5 * 2) >> (2 * TICK);
        if t >= k { u64::from(w_max) + offset } else { u64::from(w_max).saturating_sub(offset) }
    }
}

/// `cbrt(bytes / mss / C)` seconds, in ticks.
fn k(bytes: u32, mss: u32) -> u32 {
    let (bytes, mss) = (u64::from(bytes), u64::from(mss));
    let segments = (bytes / mss).min(1 << 21);
    let scaled = (segments << (3 * TICK)) + ((bytes % mss) << (3 * TICK)) / mss;
    cube_root(scaled / 2 * 5)
}

/// The largest number whose cube is not above `n`, bit by bit; `n` is below 2⁶³.
fn cube_root(n: u64) -> u32 {
    let mut root = 0u64;
    for bit in (0..22).rev() {
        let higher = root | 1 << bit;
        if higher * higher * higher <= n {
            root = higher;
        }
    }
    root as u32
}

fn ticks(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1 << TICK).saturating_add((u64::from(time.subsec_nanos()) << TICK) / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cube_roots() {
        for n in [0u64, 1, 7, 8, 26, 27, 28, 1 << 39, u64::MAX / 8, (1 << 63) - 1] {
            let root = u64::from(cube_root(n));
            assert!(root.pow(3) <= n && u128::from(root + 1).pow(3) > u128::from(n), "{n}: {root}");
        }
    }

    /// RFC 9438 §4.2: K = cbrt((W_max - cwnd_epoch) / C). After a loss at 1000 segments: cbrt(300 / 0.4) = 9.0856 s.
    #[test]
    fn k_of_known_windows() {
        let seconds = |segments: u32, mss: u32| f64::from(k(segments * mss, mss)) / 8192.0;
        assert!((seconds(300, 1000) - 9.0856).abs() < 0.001);
        assert!((seconds(30, 1448) - 4.2172).abs() < 0.001);
        assert_eq!(k(0, 1448), 0);
        assert!(k(u32::MAX, 1) > 1 << 20);
    }

    /// RFC 9438 §4.2: W_cubic(0) is cwnd_epoch, W_cubic(K) is W_max, and it goes as far beyond in the time after.
    #[test]
    fn the_cubic_goes_through_its_three_points() {
        let (mss, w_max) = (1448, 1448 * 1000);
        let epoch = Epoch { k: k(w_max * 3 / 10, mss), ..Epoch::default() };
        let k = u64::from(epoch.k);
        let near = |a: u64, b: u32| a.abs_diff(u64::from(b)) < u64::from(mss);
        assert!(near(epoch.w_cubic(0, w_max, mss), w_max / 10 * 7));
        assert_eq!(epoch.w_cubic(k, w_max, mss), u64::from(w_max));
        assert!(near(epoch.w_cubic(2 * k, w_max, mss), w_max / 10 * 13));
        // Nothing overflows.
        epoch.w_cubic(u64::from(u32::MAX) * 2, u32::MAX, 1 << 16);
        // One second after K it is C segments more.
        assert_eq!(epoch.w_cubic(k + 8192, w_max, mss), u64::from(w_max + mss * 2 / 5));
    }
}
