//! Flags of the send and receive calls, with Linux's numbers.

use core::ops::{BitOr, BitOrAssign};

/// `MSG_*` flags of a call, or of what a receive call gives back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct MsgFlags(pub u32);

impl MsgFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `MSG_OOB`: urgent data.
    pub const OOB: Self = Self(0x1);
    /// `MSG_PEEK`: look without taking.
    pub const PEEK: Self = Self(0x2);
    /// `MSG_DONTROUTE`: only to hosts on a link of ours.
    pub const DONTROUTE: Self = Self(0x4);
    /// `MSG_CTRUNC`: ancillary data did not fit.
    pub const CTRUNC: Self = Self(0x8);
    /// `MSG_TRUNC`: the datagram was longer; as a flag of the call: give its true length.
    pub const TRUNC: Self = Self(0x20);
    /// `MSG_DONTWAIT`: every call of the core is one.
    pub const DONTWAIT: Self = Self(0x40);
    /// `MSG_EOR`: end of a record.
    pub const EOR: Self = Self(0x80);
    /// `MSG_WAITALL`: give nothing until the whole room can be filled.
    pub const WAITALL: Self = Self(0x100);
    /// `MSG_NOSIGNAL`: no `SIGPIPE`; the core knows no signals, the errno is the same.
    pub const NOSIGNAL: Self = Self(0x4000);
    /// `MSG_MORE`: more will follow, do not send a partial segment yet.
    pub const MORE: Self = Self(0x8000);
    /// `MSG_WAITFORONE`: `recvmmsg` waits for its first message alone.
    pub const WAITFORONE: Self = Self(0x10000);
    /// `MSG_ERRQUEUE`: from the error queue.
    pub const ERRQUEUE: Self = Self(0x2000);
    /// `MSG_ZEROCOPY`: the error queue tells when the memory is free again.
    pub const ZEROCOPY: Self = Self(0x0400_0000);
    /// `MSG_FASTOPEN`: connect, with the data in the SYN if the peer takes it there.
    pub const FASTOPEN: Self = Self(0x2000_0000);
    /// `MSG_CONFIRM`: the neighbour is known to be alive.
    pub const CONFIRM: Self = Self(0x800);

    /// True if all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if no flag but those of `other` is set.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// These without the flags of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if any flag of `other` is set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for MsgFlags {
    type Output = Self;
    fn bitor(self, rhs: Self) -> Self {
        Self(self.0 | rhs.0)
    }
}

impl BitOrAssign for MsgFlags {
    fn bitor_assign(&mut self, rhs: Self) {
        self.0 |= rhs.0;
    }
}
