//! Options of neighbour discovery messages (RFC 4861 §4.6, RFC 3971 §5.3.2): type, length in units of eight bytes, body.

use alloc::vec::Vec;

use crate::base::{Addr, Cidr};
use crate::link::Mac;

/// Link address of the sender.
pub const SOURCE_MAC: u8 = 1;
/// Link address of the target.
pub const TARGET_MAC: u8 = 2;
/// A prefix of the link.
pub const PREFIX: u8 = 3;
/// The packet that gave rise to a redirect.
pub const REDIRECTED: u8 = 4;
/// The link's MTU.
pub const MTU: u8 = 5;
/// A nonce (RFC 3971 §5.3.2).
pub const NONCE: u8 = 14;

/// Options whose lengths are known to be right.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Takes the end of a message if it is a whole number of options, none of length zero (RFC 4861 §6.1.1).
    pub fn check(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = split(rest)?.2;
        }
        Some(Self(bytes))
    }

    /// Types and bodies in order.
    pub fn iter(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (kind, body, after) = split(rest)?;
            rest = after;
            Some((kind, body))
        })
    }

    fn find(self, kind: u8) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == kind).map(|(_, body)| body)
    }

    /// The Ethernet address in the option of this kind.
    pub fn mac(self, kind: u8) -> Option<Mac> {
        self.find(kind)?.try_into().ok().map(Mac)
    }

    /// The link's MTU.
    pub fn mtu(self) -> Option<u32> {
        let &[_, _, a, b, c, d] = self.find(MTU)? else { return None };
        Some(u32::from_be_bytes([a, b, c, d]))
    }

    /// A nonce of six bytes.
    pub fn nonce(self) -> Option<[u8; 6]> {
        self.find(NONCE)?.try_into().ok()
    }

    /// The packet that gave rise to a redirect; empty if there is none.
    pub fn quoted(self) -> &'a [u8] {
        self.find(REDIRECTED).and_then(|body| body.get(6..)).unwrap_or(&[])
    }

    /// All well-formed prefixes.
    pub fn prefixes(self) -> impl Iterator<Item = PrefixInformation> {
        self.iter().filter(|(kind, _)| *kind == PREFIX).filter_map(|(_, body)| PrefixInformation::read(body))
    }
}

/// Type, body and what follows the first option.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let &[kind, units, ..] = bytes else { return None };
    let len = usize::from(units) * 8;
    if len == 0 {
        return None;
    }
    let (option, rest) = bytes.split_at_checked(len)?;
    Some((kind, &option[2..], rest))
}

/// RFC 4861 §4.6.2
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixInformation {
    /// The prefix, host bits cleared.
    pub prefix: Cidr,
    /// Its addresses are on the link.
    pub on_link: bool,
    /// Hosts may make addresses with it.
    pub autonomous: bool,
    /// Seconds it is valid; `u32::MAX` is for ever.
    pub valid: u32,
    /// Seconds addresses made with it are preferred; `u32::MAX` is for ever.
    pub preferred: u32,
}

impl PrefixInformation {
    fn read(body: &[u8]) -> Option<Self> {
        let (&[length, flags, a, b, c, d, e, f, g, h, _, _, _, _], octets) = body.split_first_chunk::<14>()?;
        let addr = Addr::from_v6(octets.try_into().ok()?);
        if length > 128 || addr.is_v4() {
            return None;
        }
        let cidr = Cidr::new(addr, length);
        Some(Self {
            prefix: Cidr::new(cidr.network(), length),
            on_link: flags & 0x80 != 0,
            autonomous: flags & 0x40 != 0,
            valid: u32::from_be_bytes([a, b, c, d]),
            preferred: u32::from_be_bytes([e, f, g, h]),
        })
    }

    /// Appends the option.
    pub fn write(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.on_link) << 7 | u8::from(self.autonomous) << 6;
        out.extend_from_slice(&[PREFIX, 4, self.prefix.prefix, flags]);
        out.extend_from_slice(&self.valid.to_be_bytes());
        out.extend_from_slice(&self.preferred.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.prefix.addr.octets());
    }
}

/// Appends a link address, if there is one.
pub(super) fn put_mac(out: &mut Vec<u8>, kind: u8, mac: Option<Mac>) {
    if let Some(mac) = mac {
        out.extend_from_slice(&[kind, 1]);
        out.extend_from_slice(&mac.0);
    }
}

/// Appends an MTU, if there is one.
pub(super) fn put_mtu(out: &mut Vec<u8>, mtu: Option<u32>) {
    if let Some(mtu) = mtu {
        out.extend_from_slice(&[MTU, 1, 0, 0]);
        out.extend_from_slice(&mtu.to_be_bytes());
    }
}

/// Appends a nonce, if there is one.
pub(super) fn put_nonce(out: &mut Vec<u8>, nonce: Option<[u8; 6]>) {
    if let Some(nonce) = nonce {
        out.extend_from_slice(&[NONCE, 1]);
        out.extend_from_slice(&nonce);
    }
}

/// Appends the packet that gave rise to a redirect, cut to whole units of eight bytes (RFC 4861 §4.6.3).
pub(super) fn put_quoted(out: &mut Vec<u8>, quoted: &[u8]) {
    let units = (quoted.len() / 8).min(254);
    if units > 0 {
        out.extend_from_slice(&[REDIRECTED, units as u8 + 1, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&quoted[..units * 8]);
    }
}
