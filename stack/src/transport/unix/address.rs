//! Names of `AF_UNIX` sockets: a path in the stack's own flat namespace, an abstract name, or none.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::base::Errno;

/// Bytes of `sun_path` in `struct sockaddr_un`.
pub const SUN_PATH: usize = 108;

/// The address of an `AF_UNIX` socket.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum UnixAddress {
    /// No name (`sun_path` of length 0). `bind` to it means: choose an abstract name (autobind).
    #[default]
    Unnamed,
    /// A path, without its terminating NUL; 1 to 108 bytes, none of them NUL.
    Path(Bytes),
    /// An abstract name, without the NUL in front of it; 0 to 107 bytes of any value.
    Abstract(Bytes),
}

impl UnixAddress {
    /// The path `path`; cut at its first NUL, as the kernel reads it. `EINVAL` if it is empty or too long.
    pub fn path(path: &[u8]) -> Result<Self, Errno> {
        match Self::from_sun_path(path)? {
            address @ Self::Path(_) => Ok(address),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The abstract name `name` (without a NUL in front). `EINVAL` if it is too long.
    pub fn abstract_name(name: &[u8]) -> Result<Self, Errno> {
        if name.len() >= SUN_PATH { Err(Errno::EINVAL) } else { Ok(Self::Abstract(Bytes::copy_from_slice(name))) }
    }

    /// Reads `sun_path` as far as the length of the address reaches: empty is unnamed, a NUL in front makes an abstract
    /// name, else it is a path up to its first NUL. `EINVAL` if it is longer than [`SUN_PATH`].
    pub fn from_sun_path(bytes: &[u8]) -> Result<Self, Errno> {
        if bytes.len() > SUN_PATH {
            return Err(Errno::EINVAL);
        }
        Ok(match bytes.split_first() {
            None => Self::Unnamed,
            Some((0, name)) => Self::Abstract(Bytes::copy_from_slice(name)),
            Some(_) => {
                let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
                Self::Path(Bytes::copy_from_slice(&bytes[..end]))
            }
        })
    }

    /// The bytes of `sun_path` as `getsockname` gives them: a path with its NUL (which may be the 109th byte, as on Linux),
    /// an abstract name with the NUL in front, nothing if unnamed.
    pub fn to_sun_path(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Unnamed => {}
            Self::Path(path) => {
                bytes.extend_from_slice(path);
                bytes.push(0);
            }
            Self::Abstract(name) => {
                bytes.push(0);
                bytes.extend_from_slice(name);
            }
        }
        bytes
    }

    /// True if there is no name.
    pub fn is_unnamed(&self) -> bool {
        *self == Self::Unnamed
    }
}

impl fmt::Display for UnixAddress {
    /// As `ss` and `/proc/net/unix` print it: an abstract name with an `@` in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str("*"),
            Self::Path(path) => write!(f, "{}", path.escape_ascii()),
            Self::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
        }
    }
}

impl fmt::Debug for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sun_path_is_read_as_the_kernel_reads_it() {
        let read = |bytes: &[u8]| UnixAddress::from_sun_path(bytes);
        assert_eq!(read(b""), Ok(UnixAddress::Unnamed));
        assert_eq!(read(b"a/b\0junk"), Ok(UnixAddress::Path(Bytes::from_static(b"a/b"))));
        assert_eq!(read(b"\0a\0b"), Ok(UnixAddress::Abstract(Bytes::from_static(b"a\0b"))));
        assert_eq!(read(b"\0"), Ok(UnixAddress::Abstract(Bytes::new())));
        assert!(read(&[b'x'; 108]).is_ok());
        assert_eq!(read(&[b'x'; 109]), Err(Errno::EINVAL));
        assert_eq!(UnixAddress::path(b"\0x"), Err(Errno::EINVAL));
        assert_eq!(UnixAddress::abstract_name(&[1; 108]), Err(Errno::EINVAL));
    }

    #[test]
    fn sun_path_is_written_as_getsockname_does() {
        for name in [&b""[..], b"path\0", b"\0name", b"\0"] {
            assert_eq!(UnixAddress::from_sun_path(name).expect("short").to_sun_path(), name);
        }
    }

    #[test]
    fn names_print_as_ss_prints_them() {
        let text = |bytes: &[u8]| alloc::string::ToString::to_string(&UnixAddress::from_sun_path(bytes).expect("short"));
        assert_eq!(text(b""), "*");
        assert_eq!(text(b"/run/x"), "/run/x");
        assert_eq!(text(b"\0a\xff"), "@a\\xff");
    }
}
