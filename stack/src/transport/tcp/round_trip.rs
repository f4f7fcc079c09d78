//! Round trip and retransmission timeout (RFC 6298), with Linux's floor of 200 ms, its ceiling of 120 s, its way of taking the
//! variance (`mdev` with a decaying maximum), in microseconds.

use crate::base::Duration;

/// Estimator and timeout of a connection.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl RoundTrip {
    /// Nothing measured: RTO 1 s (RFC 6298 §2.1).
    pub const fn new() -> Self {
        Self { _todo: () }
    }
    pub fn sample(&mut self, rtt: Duration) {
        todo!()
    }
    /// Smoothed round trip; none before the first sample.
    pub fn smoothed(&self) -> Option<Duration> {
        todo!()
    }
    pub fn variance(&self) -> Duration {
        todo!()
    }
    /// Lowest sample seen.
    pub fn lowest(&self) -> Option<Duration> {
        todo!()
    }
    /// The timeout, backed off (RFC 6298 §5.5), between floor and ceiling.
    pub fn timeout(&self) -> Duration {
        todo!()
    }
    pub fn back_off(&mut self) {
        todo!()
    }
    /// New data was acknowledged: no back-off any more.
    pub fn reset_back_off(&mut self) {
        todo!()
    }
    pub fn backed_off(&self) -> u8 {
        todo!()
    }
    /// The SYN had to be sent again and nothing was measured: RTO 3 s for data (RFC 6298 §5.7).
    pub fn handshake_was_resent(&mut self) {
        todo!()
    }
}
