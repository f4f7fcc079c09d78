//! `--publish`, as far as it can be judged by itself.

/// The text as it is, unless it names a port that there cannot be.
pub(super) fn ports(text: &str) -> Result<String, String> {
    let (sockets, _) = text.split_once('/').unwrap_or((text, ""));
    let is_number = |piece: &&str| !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit());
    let ports = sockets.rsplit(':').take(2).filter(is_number);
    match ports.into_iter().find(|port| port.parse::<u16>().is_err()) {
        Some(port) => Err(format!("{port} is no port: they end at 65535")),
        None => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_port_that_cannot_be_is_named() {
        assert_eq!(super::ports("80:99999"), Err("99999 is no port: they end at 65535".into()));
        assert!(super::ports("127.0.0.1:70000:80/udp").is_err());
        assert_eq!(super::ports("[::1]:8080:80/udp"), Ok("[::1]:8080:80/udp".into()));
    }
}
