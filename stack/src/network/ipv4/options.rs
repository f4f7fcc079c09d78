//! IPv4 options (RFC 791 §3.1): checked where they arrive, filled in where packets pass, copied into fragments.
//!
//! Understood are end, no-operation, record route, timestamp and router alert (RFC 2113). Source routes are seen and refused by
//! the caller, as Linux does by default (`accept_source_route`). All others are passed over.

use alloc::vec::Vec;

use crate::base::Addr;

const END: u8 = 0;
const NOP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_SOURCE_ROUTE: u8 = 131;
const STRICT_SOURCE_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;
/// The bit of an option's type that says it goes into every fragment.
const COPIED: u8 = 0x80;

/// What the options of a packet ask for. Places count from the start of the options.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Routers should look at the packet.
    pub router_alert: bool,
    /// There is a loose or strict source route.
    pub source_route: bool,
    /// Where a record route option starts.
    pub record_route: Option<u8>,
    /// Where a timestamp option starts.
    pub timestamp: Option<u8>,
}

/// Where in the options the first wrong byte is, for the "parameter problem".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wrong(pub u8);

/// Checks options as Linux's `ip_options_compile` does.
pub fn parse(options: &[u8]) -> Result<Options, Wrong> {
    let mut found = Options::default();
    let mut at = 0;
    while let Some(&kind) = options.get(at) {
        match kind {
            END => break,
            NOP => at += 1,
            _ => {
                let option = option_at(options, at)?;
                check(option, at, &mut found)?;
                at += option.len();
            }
        }
    }
    Ok(found)
}

fn option_at(options: &[u8], at: usize) -> Result<&[u8], Wrong> {
    let len = options.get(at + 1).map_or(0, |&len| usize::from(len));
    if len < 2 { Err(wrong(at)) } else { options.get(at..at + len).ok_or(wrong(at)) }
}

const fn wrong(at: usize) -> Wrong {
    Wrong(at as u8)
}

fn check(option: &[u8], at: usize, found: &mut Options) -> Result<(), Wrong> {
    match option[0] {
        LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE => check_source_route(option, at, found),
        RECORD_ROUTE => check_record_route(option, at, found),
        TIMESTAMP => check_timestamp(option, at, found),
        ROUTER_ALERT => {
            if option.len() < 4 {
                return Err(wrong(at + 1));
            }
            found.router_alert |= option[2..4] == [0, 0];
            Ok(())
        }
        _ => Ok(()),
    }
}

fn check_source_route(option: &[u8], at: usize, found: &mut Options) -> Result<(), Wrong> {
    check_pointer(option, at, 3, 4)?;
    // RFC 1122 §3.2.1.8 (d): not more than one source route.
    if core::mem::replace(&mut found.source_route, true) { Err(wrong(at)) } else { Ok(()) }
}

fn check_record_route(option: &[u8], at: usize, found: &mut Options) -> Result<(), Wrong> {
    if found.record_route.is_some() {
        return Err(wrong(at));
    }
    check_pointer(option, at, 3, 4)?;
    let pointer = usize::from(option[2]);
    if pointer <= option.len() && pointer + 3 > option.len() {
        return Err(wrong(at + 2));
    }
    found.record_route = Some(at as u8);
    Ok(())
}

fn check_timestamp(option: &[u8], at: usize, found: &mut Options) -> Result<(), Wrong> {
    if found.timestamp.is_some() {
        return Err(wrong(at));
    }
    check_pointer(option, at, 4, 5)?;
    let pointer = usize::from(option[2]);
    if pointer <= option.len() {
        let times_only = matches!(option[3] & 0x0f, 0);
        let need = if times_only { 3 } else { 7 };
        if pointer + need > option.len() {
            return Err(wrong(at + 2));
        }
    } else if option[3] >> 4 == 15 {
        // RFC 791 §3.1: the count of hosts that found no room has no room itself.
        return Err(wrong(at + 3));
    }
    found.timestamp = Some(at as u8);
    Ok(())
}

fn check_pointer(option: &[u8], at: usize, min_len: usize, min_pointer: u8) -> Result<(), Wrong> {
    if option.len() < min_len {
        Err(wrong(at + 1))
    } else if option[2] < min_pointer {
        Err(wrong(at + 2))
    } else {
        Ok(())
    }
}

/// Enters this host into the record route and timestamp options, which [`parse`] has checked. `own` is the address of ours that
/// the packet leaves from (or was sent to), `time` the timestamp to write, `is_own` tells prespecified addresses of ours.
/// RFC 1122 §3.2.1.8, RFC 1812 §5.3.13.
pub fn record(options: &mut [u8], found: &Options, own: Addr, time: u32, is_own: impl FnOnce(Addr) -> bool) {
    if let Some(option) = found.record_route.and_then(|at| slot(options, at)) {
        record_route(option, own);
    }
    if let Some(option) = found.timestamp.and_then(|at| slot(options, at)) {
        record_time(option, own, time, is_own);
    }
}

fn slot(options: &mut [u8], at: u8) -> Option<&mut [u8]> {
    let at = usize::from(at);
    let len = usize::from(*options.get(at + 1)?);
    options.get_mut(at..at + len)
}

fn record_route(option: &mut [u8], own: Addr) {
    let pointer = usize::from(option[2]);
    if let Some(room) = option.get_mut(pointer - 1..pointer + 3) {
        room.copy_from_slice(&own.v4_octets());
        option[2] += 4;
    }
}

fn record_time(option: &mut [u8], own: Addr, time: u32, is_own: impl FnOnce(Addr) -> bool) {
    let at = usize::from(option[2]) - 1;
    if at >= option.len() {
        if option[3] < 0xf0 {
            option[3] += 0x10;
        }
        return;
    }
    match option[3] & 0x0f {
        0 => write_time(option, at, time),
        1 => {
            if let Some(room) = option.get_mut(at..at + 4) {
                room.copy_from_slice(&own.v4_octets());
                write_time(option, at + 4, time);
            }
        }
        3 => {
            let next = option.get(at..at + 4).map(|o| Addr::v4(o[0], o[1], o[2], o[3]));
            if next.is_some_and(is_own) {
                write_time(option, at + 4, time);
            }
        }
        _ => {}
    }
}

fn write_time(option: &mut [u8], at: usize, time: u32) {
    if let Some(room) = option.get_mut(at..at + 4) {
        room.copy_from_slice(&time.to_be_bytes());
        option[2] = at as u8 + 5;
    }
}

/// The record route and timestamp options alone, padded to four bytes.
pub fn only_records(options: &[u8], found: &Options) -> Vec<u8> {
    let mut only = Vec::new();
    for at in [found.record_route, found.timestamp].into_iter().flatten().map(usize::from) {
        let len = options.get(at + 1).map_or(0, |&len| usize::from(len));
        only.extend_from_slice(options.get(at..at + len).unwrap_or_default());
    }
    only.resize(only.len().next_multiple_of(4), END);
    only
}

/// Options as a fragment that is not the first carries them: those without the "copied" bit become no-operations (RFC 791 §3.1).
pub fn for_later_fragments(options: &[u8]) -> Vec<u8> {
    let mut copy = Vec::from(options);
    let mut at = 0;
    while let Some(&kind) = options.get(at) {
        let len = match kind {
            END => break,
            NOP => 1,
            _ => usize::from(options.get(at + 1).copied().unwrap_or(0)).max(2),
        };
        if kind & COPIED == 0 {
            let end = (at + len).min(copy.len());
            copy[at..end].fill(NOP);
        }
        at += len;
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    const OWN: Addr = Addr::v4(10, 0, 0, 1);

    #[test]
    fn each_malformed_option_is_pointed_at() {
        // RFC 1122 §3.2.1.8, RFC 792: the pointer of a parameter problem is the octet where the error was detected.
        let cases: &[(&[u8], u8)] = &[
            (&[RECORD_ROUTE], 0),
            (&[NOP, RECORD_ROUTE, 1], 1),
            (&[RECORD_ROUTE, 40, 4, 0], 0),
            (&[RECORD_ROUTE, 7, 3, 0, 0, 0, 0], 2),
            (&[RECORD_ROUTE, 7, 5, 0, 0, 0, 0], 2),
            (&[RECORD_ROUTE, 2, 0, 0], 1),
            (&[RECORD_ROUTE, 3, 4, RECORD_ROUTE, 3, 4, 0, 0], 3),
            (&[TIMESTAMP, 8, 5, 1, 0, 0, 0, 0], 2),
            (&[TIMESTAMP, 8, 9, 0xf0, 0, 0, 0, 0], 3),
            (&[TIMESTAMP, 8, 4, 0, 0, 0, 0, 0], 2),
            (&[TIMESTAMP, 3, 5, 0], 1),
            (&[ROUTER_ALERT, 3, 0, 0], 1),
            (&[LOOSE_SOURCE_ROUTE, 3, 4, STRICT_SOURCE_ROUTE, 3, 4, 0, 0], 3),
            (&[LOOSE_SOURCE_ROUTE, 3, 3, 0], 2),
            (&[99, 0, 0, 0], 0),
        ];
        for &(options, at) in cases {
            assert_eq!(parse(options), Err(Wrong(at)), "{options:?}");
        }
    }

    #[test]
    fn what_follows_the_end_does_not_matter() {
        assert_eq!(parse(&[NOP, END, RECORD_ROUTE, 0]), Ok(Options::default()));
        assert!(parse(&[ROUTER_ALERT, 4, 0, 0]).unwrap().router_alert);
        assert!(parse(&[STRICT_SOURCE_ROUTE, 3, 4, NOP]).unwrap().source_route);
    }

    #[test]
    fn a_route_is_recorded_until_the_option_is_full() {
        let mut options = [RECORD_ROUTE, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, END];
        for (host, pointer) in [(1, 8), (2, 12), (3, 12)] {
            let found = parse(&options).unwrap();
            record(&mut options, &found, Addr::v4(10, 0, 0, host), 0, |_| false);
            assert_eq!(options[2], pointer);
        }
        assert_eq!(options[3..11], [10, 0, 0, 1, 10, 0, 0, 2]);
    }

    #[test]
    fn times_are_recorded_as_the_flag_asks_and_overflow_is_counted() {
        let mut only = [TIMESTAMP, 8, 5, 0, 0, 0, 0, 0];
        let found = parse(&only).unwrap();
        record(&mut only, &found, OWN, 0x8000_0001, |_| false);
        assert_eq!(only, [TIMESTAMP, 8, 9, 0, 0x80, 0, 0, 1]);
        record(&mut only, &found, OWN, 7, |_| false);
        assert_eq!(only[3], 0x10);

        let mut with_addr = [TIMESTAMP, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        let found = parse(&with_addr).unwrap();
        record(&mut with_addr, &found, OWN, 9, |_| false);
        assert_eq!(with_addr, [TIMESTAMP, 12, 13, 1, 10, 0, 0, 1, 0, 0, 0, 9]);

        let mut asked = [TIMESTAMP, 12, 5, 3, 10, 0, 0, 1, 0, 0, 0, 0];
        record(&mut asked, &found, OWN, 9, |addr| addr != OWN);
        assert_eq!(asked[2], 5, "another host is asked");
        record(&mut asked, &found, OWN, 9, |addr| addr == OWN);
        assert_eq!(asked, [TIMESTAMP, 12, 13, 3, 10, 0, 0, 1, 0, 0, 0, 9]);
    }

    #[test]
    fn later_fragments_carry_only_what_is_to_be_copied() {
        let options = [ROUTER_ALERT, 4, 0, 0, RECORD_ROUTE, 3, 4, END];
        assert_eq!(for_later_fragments(&options), [ROUTER_ALERT, 4, 0, 0, NOP, NOP, NOP, END]);
    }

    #[test]
    fn random_bytes_are_read_without_harm() {
        for seed in 0..20_000u64 {
            let mut entropy = Entropy::new(seed.into());
            let mut options = [0; 40];
            entropy.fill(&mut options);
            options[0] = [RECORD_ROUTE, TIMESTAMP, LOOSE_SOURCE_ROUTE, NOP][entropy.below(4) as usize];
            options[1] = entropy.below(42) as u8;
            options[2] = entropy.below(42) as u8;
            let len = entropy.below(11) as usize * 4;
            if let Ok(found) = parse(&options[..len]) {
                let before = options;
                record(&mut options[..len], &found, OWN, 1, |_| true);
                let changed = before.iter().zip(&options).filter(|(old, new)| old != new).count();
                assert!(changed <= 14, "seed {seed}: an address, a time and a pointer in each option");
            }
            assert_eq!(for_later_fragments(&options[..len]).len(), len, "seed {seed}");
        }
    }
}
