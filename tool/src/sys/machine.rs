//! What the machine says of itself (`uname(2)`).

use std::io;

use super::check;

/// Bytes of one field of `struct utsname`, its end included.
const FIELD: usize = 65;

/// `struct utsname` of this machine with another name of the host in it.
pub fn description(host: &str) -> io::Result<Vec<u8>> {
    // SAFETY: all zeros are a value of this structure of characters.
    let mut told: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes one `utsname`.
    check(unsafe { libc::uname(&raw mut told) })?;
    let fields = [told.sysname, told.nodename, told.release, told.version, told.machine, told.domainname];
    let mut bytes: Vec<u8> = fields.as_flattened().iter().map(|letter| *letter as u8).collect();
    let name = &host.as_bytes()[..host.len().min(FIELD - 1)];
    let place = &mut bytes[FIELD..2 * FIELD];
    place.fill(0);
    place[..name.len()].copy_from_slice(name);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_is_another() {
        let bytes = description("server").expect("a description");
        assert_eq!(bytes.len(), 6 * FIELD);
        assert_eq!(&bytes[FIELD..FIELD + 7], b"server\0");
        assert!(bytes.starts_with(b"Linux\0"));
        assert!(description(&"long".repeat(100)).expect("a description")[2 * FIELD - 1] == 0);
    }
}
