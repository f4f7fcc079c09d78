//! Readiness: the bits `poll` reports, with Linux's numbers.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign};

/// A set of readiness bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ready(pub u16);

impl Ready {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// There is something to read, or end of stream, or a connection to accept.
    pub const IN: Self = Self(0x001);
    /// Urgent data.
    pub const PRI: Self = Self(0x002);
    /// There is room to write.
    pub const OUT: Self = Self(0x004);
    /// A pending error.
    pub const ERR: Self = Self(0x008);
    /// Both directions are closed.
    pub const HUP: Self = Self(0x010);
    /// The peer closed its direction (or we closed reading).
    pub const RDHUP: Self = Self(0x2000);

    /// True if all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if any bit of `other` is set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Ready {
    type Output = Self;
    fn bitor(self, rhs: Self) -> Self {
        Self(self.0 | rhs.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, rhs: Self) {
        self.0 |= rhs.0;
    }
}

impl BitAnd for Ready {
    type Output = Self;
    fn bitand(self, rhs: Self) -> Self {
        Self(self.0 & rhs.0)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::IN, "IN"),
            (Self::PRI, "PRI"),
            (Self::OUT, "OUT"),
            (Self::ERR, "ERR"),
            (Self::HUP, "HUP"),
            (Self::RDHUP, "RDHUP"),
        ];
        let mut separator = "";
        for (bit, name) in names {
            if self.contains(bit) {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        if self.0 == 0 { f.write_str("-") } else { Ok(()) }
    }
}
