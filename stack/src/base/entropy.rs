//! All randomness of a stack: a 32-byte seed through SipHash-2-4. Same seed, same numbers, on every machine.

use siphasher::sip::{SipHasher13, SipHasher24};

use super::addr::Addr;
use super::sip::Sip;

/// What makes one run differ from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seed(pub [u8; 32]);

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }
}

/// A key for a hash over what a remote peer chooses (tuples, fragments, cookies).
#[derive(Clone, Copy, Debug)]
pub struct HashKey(u64, u64);

impl From<[u8; 16]> for HashKey {
    fn from(bytes: [u8; 16]) -> Self {
        let bits = u128::from_le_bytes(bytes);
        Self(bits as u64, (bits >> 64) as u64)
    }
}

impl HashKey {
    /// A fast keyed hash (SipHash-1-3) to be fed by hand.
    pub fn hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }

    /// The hash of bytes, with SipHash-2-4: for what must stay secret from peers (ISN, cookies, ports).
    pub fn secret(&self, bytes: &[u8]) -> u64 {
        SipHasher24::new_with_keys(self.0, self.1).hash(bytes)
    }

    /// A cheap keyed hash (two folded multiplications) of an address and a number: for tables that are bounded, or that only this
    /// host's owner fills, so that nobody gains much by finding addresses that collide.
    pub fn quick(&self, addr: Addr, more: u64) -> u64 {
        let bits = u128::from_be_bytes(addr.octets());
        fold_multiply(fold_multiply((bits >> 64) as u64 ^ self.0, bits as u64 ^ self.1), more ^ self.0)
    }

    /// A secret of two hosts, for whoever tells their flows apart by it. That of a pair of ports is [`HashKey::secret`] of both addresses
    /// and then both ports, as they stand in headers.
    pub fn between(&self, local: Addr, remote: Addr) -> Between {
        let mut sip = Sip::new(self.0, self.1);
        sip.two_words(local.octets());
        sip.two_words(remote.octets());
        Between(sip)
    }

    /// The hash of a flow's two ends.
    #[inline(always)]
    pub fn flow(&self, local: Addr, local_port: u16, remote: Addr, remote_port: u16) -> u64 {
        let (mut sip, ports) = (Sip::<1, 3>::new(self.0, self.1), ports(local_port, remote_port));
        if remote.is_v4() && local.is_v4() {
            // What can differ between two IPv4 flows is twelve bytes.
            let ([a, b, c, d], [e, f, g, h]) = (local.v4_octets(), remote.v4_octets());
            sip.word([a, b, c, d, e, f, g, h]);
            return sip.finish(ports, 12);
        }
        sip.two_words(local.octets());
        sip.two_words(remote.octets());
        sip.finish(ports, 36)
    }
}

/// What all flows between two hosts have in common of a secret. See [`HashKey::between`].
#[derive(Clone, Copy, Debug)]
pub struct Between(Sip<2, 4>);

impl Between {
    /// The secret of the flow with these ports.
    pub fn secret(&self, local_port: u16, remote_port: u16) -> u64 {
        self.0.finish(ports(local_port, remote_port), 36)
    }
}

fn ports(local: u16, remote: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (local.to_be_bytes(), remote.to_be_bytes());
    [a, b, c, d]
}

/// The two halves of a product, laid over each other: every bit of the result depends on all bits of both.
fn fold_multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// For hash maps whose keys somebody else may choose.
impl core::hash::BuildHasher for HashKey {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        self.hasher()
    }
}

/// The stream of random numbers of one stack, and the source of its hash keys.
#[derive(Clone, Debug)]
pub struct Entropy {
    stream: HashKey,
    keys: HashKey,
    drawn: u64,
}

impl Entropy {
    /// The numbers and keys that belong to `seed`.
    pub fn new(seed: Seed) -> Self {
        let word = |i: usize| u64::from_le_bytes(seed.0[i * 8..i * 8 + 8].try_into().expect("eight bytes"));
        Self { stream: HashKey(word(0), word(1)), keys: HashKey(word(2), word(3) ^ 0x6b65_7973), drawn: 0 }
    }

    /// A key of its own for each `purpose`; drawing numbers does not change it.
    pub fn key(&self, purpose: &str) -> HashKey {
        let mut doubled = alloc::vec::Vec::with_capacity(purpose.len() + 1);
        doubled.extend_from_slice(purpose.as_bytes());
        doubled.push(0);
        let low = self.keys.secret(&doubled) ^ self.stream.secret(&doubled);
        doubled.push(1);
        HashKey(low, self.keys.secret(&doubled) ^ self.stream.secret(&doubled))
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.drawn += 1;
        self.stream.secret(&self.drawn.to_le_bytes())
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number below `bound` (0 if `bound` is 0), even to within 2^-32.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Fills `bytes` with random bits.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_gives_others() {
        let draw = |seed: u64| {
            let mut entropy = Entropy::new(seed.into());
            [entropy.next_u64(), entropy.next_u64()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn keys_differ_by_purpose_and_do_not_depend_on_what_was_drawn() {
        let mut entropy = Entropy::new(7.into());
        let isn = entropy.key("isn").secret(b"x");
        entropy.next_u64();
        assert_eq!(entropy.key("isn").secret(b"x"), isn);
        assert_ne!(entropy.key("port").secret(b"x"), isn);
    }

    #[test]
    fn the_secret_of_a_flow_is_that_of_its_bytes() {
        let key = Entropy::new(7.into()).key("x");
        let (local, remote) = (Addr::v4(192, 0, 2, 1), Addr::from_v6([9; 16]));
        let mut bytes = [0; 36];
        bytes[..16].copy_from_slice(&local.octets());
        bytes[16..32].copy_from_slice(&remote.octets());
        bytes[32..].copy_from_slice(&[0x12, 0x34, 0, 80]);
        assert_eq!(key.between(local, remote).secret(0x1234, 80), key.secret(&bytes));
        assert_eq!(key.flow(local, 0x1234, remote, 80), key.hasher().hash(&bytes));
        let short = [192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
        assert_eq!(key.flow(local, 0x1234, Addr::v4(10, 0, 0, 1), 80), key.hasher().hash(&short));
    }

    #[test]
    fn below_stays_below() {
        let mut entropy = Entropy::new(7.into());
        assert!((0..1000).all(|_| entropy.below(10) < 10));
        assert_eq!(entropy.below(0), 0);
    }
}
