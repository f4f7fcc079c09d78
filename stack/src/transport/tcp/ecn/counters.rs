//! How many packets were marked, from a counter of three bits (RFC 9768 §3.2.2, appendix A).

use super::CE;
use super::option::{AccurateOption, growth};

/// Bytes by the two bits they came with: ECT(1), ECT(0), CE.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::transport::tcp) struct Bytes([u32; 3]);

impl Bytes {
    /// Bytes that came with these two bits; those that are not capable are not counted.
    pub(in crate::transport::tcp) fn get(&self, codepoint: u8) -> u32 {
        if codepoint == 0 { 0 } else { self.0[usize::from(codepoint - 1)] }
    }

    pub(super) fn add(&mut self, codepoint: u8, bytes: u32) {
        if codepoint != 0 {
            let counter = &mut self.0[usize::from(codepoint - 1)];
            *counter = counter.wrapping_add(bytes);
        }
    }
}

/// What one acknowledgement tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// The three bits, less what they begin with and what was told before.
    pub(super) delta: u32,
    /// Packets that it says have arrived ...
    pub(super) packets: u32,
    /// ... and their bytes.
    pub(super) bytes: u32,
    /// Bytes newly counted as marked, if an option says so.
    pub(super) marked_bytes: Option<u32>,
    pub(super) mss: u32,
    /// Bytes and packets can be believed to belong together.
    pub(super) is_precise: bool,
    /// Acknowledgements usually tell of more than four packets.
    pub(super) is_thinned: bool,
}

/// RFC 9768 appendix A.2: the three bits may have gone around once or more if more packets arrived than they can count. If that could hide
/// congestion the larger number counts, unless the bytes or the way of the acknowledgements speak against it (as in Linux).
pub(super) fn marked_packets(told: &Told) -> u32 {
    let Told { delta, packets, .. } = *told;
    if packets <= 7 {
        return delta;
    }
    let most = packets - ((packets - delta) & 7);
    let Some(marked) = told.marked_bytes else { return if told.is_thinned { delta } else { most } };
    if marked == 0 {
        return delta;
    }
    if packets >= 16 && told.is_precise {
        if told.bytes <= marked {
            return most;
        }
        let estimate = (u64::from(marked) * u64::from(packets)).div_ceil(u64::from(told.bytes)) as u32;
        return most.min(delta + (estimate & !7));
    }
    if u64::from(marked) > u64::from(delta) * u64::from(told.mss) {
        most
    } else if u64::from(marked) < u64::from(most) * u64::from(told.mss) / 2 {
        delta
    } else {
        most
    }
}

/// Takes the counters of an option into `counted`. `estimate` is the kind of bytes that grew last, 0 if that is not clear. Says whether what
/// grew can be relied on.
pub(super) fn take(counted: &mut Bytes, estimate: &mut u8, option: &AccurateOption) -> bool {
    let before = *estimate;
    let (mut first, mut ambiguous) = (None, false);
    for (codepoint, &value) in option.codepoints().into_iter().zip(&option.fields[..usize::from(option.count)]) {
        let grown = growth(counted.get(codepoint), codepoint, value);
        counted.add(codepoint, grown as u32);
        ambiguous |= grown < 0;
        if grown != 0 && codepoint != before {
            ambiguous |= first.replace(codepoint).is_some();
        }
    }
    *estimate = if ambiguous { 0 } else { first.unwrap_or(before) };
    before != 0 && !ambiguous
}

/// Without an option the bytes are of the kind that grew last, if that is clear.
pub(super) fn estimate(counted: &mut Bytes, estimate: u8, bytes: u32) -> bool {
    counted.add(estimate, bytes);
    estimate != 0
}

/// Marked bytes counted.
pub(super) fn marked(counted: &Bytes) -> u32 {
    counted.get(CE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(delta: u32, packets: u32) -> Told {
        Told { delta, packets, bytes: packets * 1000, marked_bytes: None, mss: 1000, is_precise: true, is_thinned: false }
    }

    /// RFC 9768 appendix A.2.1: what could be hidden counts, if nothing speaks against it.
    #[test]
    fn more_packets_than_three_bits_count_may_all_be_marked() {
        assert_eq!(marked_packets(&told(0, 7)), 0);
        assert_eq!(marked_packets(&told(0, 9)), 8);
        assert_eq!(marked_packets(&told(7, 10)), 7);
        assert_eq!(marked_packets(&told(1, 10)), 9);
        assert_eq!(marked_packets(&Told { is_thinned: true, ..told(1, 10) }), 1);
    }

    /// RFC 9768 appendix A.2.2: the option's bytes tell how often the bits went around.
    #[test]
    fn bytes_rule_it_out_or_prove_it() {
        let with = |delta, packets, marked| marked_packets(&Told { marked_bytes: Some(marked), ..told(delta, packets) });
        assert_eq!(with(0, 10, 0), 0);
        assert_eq!(with(1, 10, 1000), 1);
        assert_eq!(with(1, 10, 9000), 9);
        assert_eq!(with(1, 40, 17_000), 17);
        assert_eq!(with(1, 40, 1000), 1);
    }
}
