//! What `--so_flags` says: `address=192.168.0.1/16,address=fd3d::1/64,mtu=1500,settings=/path`.

use std::path::PathBuf;

use loggia_stack::base::Cidr;

/// How the host under test is set up. packetdrill does not pass on what it was told of addresses: they are repeated here.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Addresses with the length of their networks' prefixes.
    pub addresses: Vec<Cidr>,
    /// Largest IP packet of the link.
    pub mtu: u32,
    /// The folder that stands for `/proc/sys/net/ipv4`; none: the stack's defaults.
    pub settings: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { addresses: Vec::new(), mtu: 1500, settings: None }
    }
}

impl Setup {
    /// Reads the flags; the error says which part cannot be read.
    pub fn parse(flags: &str) -> Result<Self, String> {
        let mut setup = Self::default();
        for part in flags.split(',').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("{part}: NAME=VALUE is expected"))?;
            match name {
                "address" => setup.addresses.push(value.parse().map_err(|()| format!("{value}: ADDRESS/PREFIX is expected"))?),
                "mtu" => setup.mtu = value.parse().map_err(|_| format!("{value}: a number of bytes is expected"))?,
                "settings" => setup.settings = Some(value.into()),
                _ => return Err(format!("{name}: unknown; there are address, mtu, settings")),
            }
        }
        Ok(setup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_or_named() {
        let setup = Setup::parse("address=192.168.0.1/16,address=fd3d::1/64,mtu=1520,settings=/tmp/x").unwrap();
        assert_eq!((setup.addresses.len(), setup.mtu, setup.settings), (2, 1520, Some("/tmp/x".into())));
        for (flags, named) in [("address=1/2", "1/2"), ("mtu=x", "x"), ("colour=red", "colour"), ("mtu", "NAME=VALUE")] {
            assert!(Setup::parse(flags).unwrap_err().contains(named), "{flags}");
        }
    }
}
