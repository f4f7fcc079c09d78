//! How much of each packet a capture keeps.

/// How much of each packet a capture keeps. Where payload is left out the transport checksum is as the host left it to its device, partial, as a
/// capture on Linux shows it: nobody could verify it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Snap {
    /// All.
    #[default]
    All,
    /// At most so many bytes; 0: all.
    First(u32),
    /// Of TCP and UDP the headers: link, network with options and extension headers, transport with options. Anything else (ARP, ICMP, which may
    /// quote what others said, what cannot be read) is kept as it is.
    Headers,
}

impl Snap {
    /// What an interface's description says is kept at most of a packet; 0: no limit.
    pub(super) const fn limit(self) -> u32 {
        match self {
            Self::First(bytes) => bytes,
            Self::All | Self::Headers => 0,
        }
    }

    /// How many bytes it keeps of a packet that begins with so many bytes of headers.
    pub(super) const fn of(self, headers: usize) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::First(0) => usize::MAX,
            Self::First(bytes) => bytes as usize,
            Self::Headers => headers,
        }
    }
}
