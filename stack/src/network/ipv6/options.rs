//! Options inside hop-by-hop and destination option headers (RFC 8200 §4.2).

use super::chain::Refusal;

const PAD_1: u8 = 0;
const PAD_N: u8 = 1;
const ROUTER_ALERT: u8 = 5;

/// Linux: `max_dst_opts_number` and `max_hbh_opts_number`.
const MAX_OPTIONS: usize = 8;
/// More padding than this in a row aligns nothing. RFC 8200 sets no bound; Linux refuses it as a covert channel, and so do we.
const MAX_PADDING: usize = 7;

/// Which header the options stand in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Hop-by-hop: router alert (RFC 2711) is known.
    HopByHop,
    /// Destination options: padding alone is known.
    Destination,
}

/// Checks the options of a header whose whole bytes are `header`; it starts `at` bytes into the packet.
/// Gives true if there is a router alert.
///
/// A jumbo payload (RFC 2675) is treated as an option we do not know: no link of ours carries one.
pub fn check(header: &[u8], at: usize, place: Place) -> Result<bool, Refusal> {
    let mut alert = false;
    let (mut offset, mut options, mut padding) = (2, 0, 0);
    while offset < header.len() {
        let len = option_len(header, offset)?;
        match header[offset] {
            PAD_1 => padding += 1,
            PAD_N => {
                padding += len;
                if header[offset + 2..offset + len].iter().any(|&byte| byte != 0) {
                    return Err(Refusal::Silent);
                }
            }
            kind => {
                padding = 0;
                options += 1;
                if kind == ROUTER_ALERT && place == Place::HopByHop && len == 4 {
                    alert = true;
                } else {
                    unknown(kind, at + offset)?;
                }
            }
        }
        if padding > MAX_PADDING || options > MAX_OPTIONS {
            return Err(Refusal::Silent);
        }
        offset += len;
    }
    Ok(alert)
}

fn option_len(header: &[u8], offset: usize) -> Result<usize, Refusal> {
    if header[offset] == PAD_1 {
        return Ok(1);
    }
    let len = header.get(offset + 1).map(|&len| usize::from(len) + 2);
    len.filter(|len| offset + len <= header.len()).ok_or(Refusal::Silent)
}

/// The two highest bits of an option's type say what becomes of the packet if the option is not known.
fn unknown(kind: u8, at: usize) -> Result<(), Refusal> {
    match kind >> 6 {
        0 => Ok(()),
        1 => Err(Refusal::Silent),
        2 => Err(Refusal::UnknownOption { pointer: at as u32, even_multicast: true }),
        _ => Err(Refusal::UnknownOption { pointer: at as u32, even_multicast: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_bits_of_an_unknown_option_decide() {
        // RFC 8200 §4.2: 00 skip, 01 discard, 10 discard and tell, 11 discard and tell unless it was multicast.
        let with = |kind: u8| [59, 0, kind, 2, 0, 0, PAD_N, 0];
        assert_eq!(check(&with(0x1e), 40, Place::Destination), Ok(false));
        assert_eq!(check(&with(0x5e), 40, Place::Destination), Err(Refusal::Silent));
        let told = |even_multicast| Err(Refusal::UnknownOption { pointer: 42, even_multicast });
        assert_eq!(check(&with(0x9e), 40, Place::Destination), told(true));
        assert_eq!(check(&with(0xde), 40, Place::Destination), told(false));
        // RFC 2675's jumbo payload is 0xc2.
        assert_eq!(check(&[59, 0, 0xc2, 4, 0, 1, 0, 0], 40, Place::HopByHop), told(false));
    }

    #[test]
    fn router_alert_is_known_in_hop_by_hop_options_alone() {
        let alert = [58, 0, ROUTER_ALERT, 2, 0, 0, PAD_1, PAD_1];
        assert_eq!(check(&alert, 40, Place::HopByHop), Ok(true));
        assert_eq!(check(&alert, 40, Place::Destination), Ok(false));
    }

    #[test]
    fn too_much_or_dirty_padding_is_refused() {
        assert_eq!(check(&[58, 1, PAD_N, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 40, Place::HopByHop), Err(Refusal::Silent));
        assert_eq!(check(&[58, 0, PAD_N, 4, 0, 1, 0, 0], 40, Place::HopByHop), Err(Refusal::Silent));
        assert_eq!(check(&[58, 0, PAD_N, 5, 0, 0, 0, 0], 40, Place::HopByHop), Err(Refusal::Silent), "longer than its header");
        assert_eq!(check(&[58, 0, PAD_N, 4, 0, 0, 0, 0], 40, Place::HopByHop), Ok(false));
    }

    #[test]
    fn more_than_eight_options_are_refused() {
        let mut header = alloc::vec![58, 2];
        (0..8).for_each(|_| header.extend([0x1e, 0]));
        header.extend([PAD_N, 0, PAD_N, 2, 0, 0]);
        assert_eq!(check(&header, 40, Place::HopByHop), Ok(false));
        header[18] = 0x1e;
        assert_eq!(check(&header, 40, Place::HopByHop), Err(Refusal::Silent));
    }
}
