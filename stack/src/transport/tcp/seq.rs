//! Sequence numbers: 32 bits, compared around the circle (RFC 9293 §3.4).

use core::ops::{Add, AddAssign, Sub};

/// A sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Seq(pub u32);

impl Seq {
    /// True if `self` comes before `other`: less than half the circle away.
    pub const fn before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as i32) < 0
    }

    /// True if `self` comes after `other`.
    pub const fn after(self, other: Self) -> bool {
        other.before(self)
    }

    /// True if `self` is `other` or comes before it.
    pub const fn at_or_before(self, other: Self) -> bool {
        !other.before(self)
    }

    /// True if `self` is `other` or comes after it.
    pub const fn at_or_after(self, other: Self) -> bool {
        !self.before(other)
    }

    /// The place in an endless stream nearest to the place `near` whose low 32 bits are this number. Places, unlike sequence
    /// numbers, are ordered: they can be keys. Keep `near` away from zero.
    pub const fn place(self, near: u64) -> u64 {
        let ahead = self.0.wrapping_sub(near as u32) as i32;
        near.saturating_add_signed(ahead as i64)
    }

    /// The number of a place.
    pub const fn at_place(place: u64) -> Self {
        Self(place as u32)
    }

    /// The later of two.
    pub const fn max(self, other: Self) -> Self {
        if self.before(other) { other } else { self }
    }

    /// The earlier of two.
    pub const fn min(self, other: Self) -> Self {
        if self.before(other) { self } else { other }
    }
}

impl Add<u32> for Seq {
    type Output = Self;
    fn add(self, rhs: u32) -> Self {
        Self(self.0.wrapping_add(rhs))
    }
}

impl AddAssign<u32> for Seq {
    fn add_assign(&mut self, rhs: u32) {
        *self = *self + rhs;
    }
}

impl Sub<u32> for Seq {
    type Output = Self;
    fn sub(self, rhs: u32) -> Self {
        Self(self.0.wrapping_sub(rhs))
    }
}

impl Sub for Seq {
    type Output = u32;
    /// How far `self` is ahead of `rhs`, around the circle.
    fn sub(self, rhs: Self) -> u32 {
        self.0.wrapping_sub(rhs.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_goes_around_the_circle() {
        assert!(Seq(u32::MAX).before(Seq(3)));
        assert!(Seq(3).after(Seq(u32::MAX)));
        assert_eq!(Seq(3) - Seq(u32::MAX), 4);
        assert_eq!(Seq(u32::MAX).max(Seq(3)), Seq(3));
        assert!(Seq(5).at_or_before(Seq(5)) && Seq(5).at_or_after(Seq(5)));
    }

    #[test]
    fn places_do_not_wrap() {
        let near = 7 << 32 | 5;
        assert_eq!(Seq(9).place(near), near + 4);
        assert_eq!(Seq(u32::MAX).place(near), near - 6);
        assert_eq!(Seq::at_place(Seq(u32::MAX).place(near)), Seq(u32::MAX));
    }
}
