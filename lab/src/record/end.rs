//! Ends of packets and flags of segments, as text in the record.

use std::fmt;
use std::str::FromStr;

use loggia_stack::base::{Addr, SockAddr};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An address with a port, or without one (port 0): `10.0.0.1:80`, `[fd00::1]:80`, `10.0.0.1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct End {
    /// The address.
    pub addr: Addr,
    /// The port; 0: none.
    pub port: u16,
}

impl Default for End {
    fn default() -> Self {
        Self::new(Addr::V4_ANY, 0)
    }
}

impl End {
    /// An address with a port.
    pub const fn new(addr: Addr, port: u16) -> Self {
        Self { addr, port }
    }

    /// What two ends of one connection or of one exchange of datagrams are known by, from either side.
    pub fn pair(self, other: Self) -> (Self, Self) {
        if (self.addr.octets(), self.port) <= (other.addr.octets(), other.port) { (self, other) } else { (other, self) }
    }
}

impl From<SockAddr> for End {
    fn from(end: SockAddr) -> Self {
        Self::new(end.addr, end.port)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.port {
            0 => self.addr.to_string(),
            port => SockAddr::new(self.addr, port).to_string(),
        };
        f.pad(&text)
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for End {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let with_port = text.parse::<SockAddr>().map(Self::from);
        with_port.or_else(|_| text.parse().map(|addr| Self::new(addr, 0))).map_err(|_| format!("{text:?} is no address"))
    }
}

impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Flags of a TCP segment, written as tcpdump does: `S`, `S.`, `P.`, `F.`, `R`, `.`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// FIN
    pub const FIN: u8 = 1;
    /// SYN
    pub const SYN: u8 = 2;
    /// RST
    pub const RST: u8 = 4;
    /// PSH
    pub const PSH: u8 = 8;
    /// ACK
    pub const ACK: u8 = 16;

    const LETTERS: [(u8, char); 8] = [(2, 'S'), (1, 'F'), (4, 'R'), (8, 'P'), (32, 'U'), (64, 'E'), (128, 'W'), (16, '.')];
    const NAMES: [(u8, &'static str); 8] =
        [(2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (32, "URG"), (64, "ECE"), (128, "CWR"), (16, "ACK")];

    /// True if one of `flags` is set.
    pub const fn has(self, flags: u8) -> bool {
        self.0 & flags != 0
    }

    /// The flags by name, as people say them: `SYN,ACK`. PSH is left out unless it is alone: it says nothing about the connection.
    pub fn names(self) -> String {
        let said = |bit: u8| self.has(bit) && (bit != 8 || self.0 == 8);
        let names: Vec<_> = Self::NAMES.iter().filter(|(bit, _)| said(*bit)).map(|(_, name)| *name).collect();
        names.join(",")
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters: String = Self::LETTERS.iter().filter(|(bit, _)| self.has(*bit)).map(|(_, letter)| letter).collect();
        f.pad(&letters)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bit = |letter| Self::LETTERS.iter().find(|(_, known)| *known == letter).map_or(0, |(bit, _)| *bit);
        Ok(Self(text.chars().map(bit).sum()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_flags_come_back_from_their_text() {
        for text in ["10.0.0.1:80", "10.0.0.1", "[fd00::1]:443", "fd00::1"] {
            assert_eq!(text.parse::<End>().expect("an end").to_string(), text);
        }
        for flags in 0..=255 {
            let text = serde_json::to_string(&Flags(flags)).expect("text");
            assert_eq!(serde_json::from_str::<Flags>(&text).expect("flags"), Flags(flags));
        }
        assert_eq!((Flags(0x12).to_string(), Flags(0x18).names()), ("S.".into(), "ACK".into()));
    }
}
