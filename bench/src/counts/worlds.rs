//! What is counted of a world of the lab.

use std::time::Duration;

use loggia_stack::Instant;
use loggia_stack::engine::Config;

use super::scenarios::{Meter, Scenario};
use crate::lab::{Lab, lossy};

/// Those of the lab. They have a program of their own: what else is linked changes what the compiler makes of the core.
pub const WORLDS: &[Scenario] = &[Scenario { name: "capture-1500", run: capture_1500 }];

/// As row 17: a link that loses one packet of a thousand, and captures of headers at both ends.
fn capture_1500(meter: Meter<'_>) {
    let mut lab = Lab::captured(&Config::default(), lossy(Duration::from_micros(100)));
    let mut bulk = |amount| assert!(lab.bulk(amount, Instant::from_secs(3600)) >= amount);
    // Until samples of metrics are in histograms.
    bulk(24 << 20);
    meter(&mut || bulk(8 << 20));
}
