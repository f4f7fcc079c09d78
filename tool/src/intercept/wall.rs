//! The moments that ancillary data tells of, by the clock that a program compares them with: that of the machine. The stack counts from
//! its epoch.

use std::time::{Duration, SystemTime};

use loggia_stack::socket::Control;

/// What the machine's clock showed at the world's epoch, since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wall(Duration);

impl Wall {
    pub(super) fn new(epoch: SystemTime) -> Self {
        Self(epoch.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }

    /// The same with moments of this clock.
    pub(super) fn tell(self, mut controls: Vec<Control>) -> Vec<Control> {
        for control in &mut controls {
            if let Control::TimestampMicros(at) | Control::TimestampNanos(at) | Control::Timestamping(at) = control {
                *at += self.0;
            }
        }
        controls
    }
}

#[cfg(test)]
mod tests {
    use loggia_stack::base::Instant;

    use super::*;

    #[test]
    fn a_moment_is_told_since_1970() {
        let wall = Wall::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        let told = wall.tell(vec![Control::Ttl(3), Control::TimestampNanos(Instant::from_millis(5))]);
        let [Control::Ttl(3), Control::TimestampNanos(at)] = told[..] else { panic!("{told:?}") };
        assert_eq!(at, Instant::from_millis(1_000_005));
    }
}
