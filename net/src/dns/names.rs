//! The full names that a name may mean.

use hickory_proto::rr::Name;

use super::config::Config;
use super::error::Error;

/// What to ask for, in this order: a name with a dot at its end is meant as it is; one with enough dots is tried as it is before the
/// search list, others after it (`ndots` of `resolv.conf(5)`, RFC 1535 §6).
pub(super) fn candidates(name: &str, config: &Config) -> Result<Vec<Name>, Error> {
    if name.ends_with('.') {
        return Ok(vec![full(name)?]);
    }
    let own = full(name)?;
    // A domain with which the name gets too long is passed over.
    let searched = config.search.iter().filter_map(|domain| full(&format!("{name}.{domain}")).ok());
    let dots = name.bytes().filter(|byte| *byte == b'.').count();
    let mut names: Vec<Name> = searched.collect();
    let place = if dots >= config.ndots { 0 } else { names.len() };
    names.insert(place, own);
    Ok(names)
}

/// A name as it goes on the wire. Names that are not ASCII become what IDNA makes of them.
pub(super) fn full(name: &str) -> Result<Name, Error> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err(Error::Invalid);
    }
    let name = if name.is_ascii() { Name::from_ascii(name) } else { Name::from_utf8(name) };
    let mut name = name.map_err(|_| Error::Invalid)?;
    name.set_fqdn(true);
    // RFC 1035 §2.3.4, with the root's byte.
    if name.len() > 255 { Err(Error::Invalid) } else { Ok(name) }
}

/// True for the name of this host itself and what is below it, of which no server is asked (RFC 6761 §6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    ends_with(name, "localhost")
}

/// True for names that are never in the DNS: they would only tell servers what they should not know (RFC 6761 §6.4, RFC 7686 §2).
pub(super) fn is_nowhere(name: &str) -> bool {
    ends_with(name, "invalid") || ends_with(name, "onion")
}

fn ends_with(name: &str, domain: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(domain))
}

/// As people write it.
pub(super) fn text(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, config: &Config) -> Vec<String> {
        candidates(name, config).expect("a name").iter().map(Name::to_ascii).collect()
    }

    #[test]
    fn few_dots_mean_the_search_list_first() {
        let mut config = Config { search: vec!["example.com".into(), "example.org.".into()], ..Config::default() };
        assert_eq!(names("server", &config), ["server.example.com.", "server.example.org.", "server."]);
        assert_eq!(names("a.server", &config), ["a.server.", "a.server.example.com.", "a.server.example.org."]);
        assert_eq!(names("server.", &config), ["server."]);
        config.ndots = 2;
        assert_eq!(names("a.server", &config)[0], "a.server.example.com.");
        config.ndots = 0;
        assert_eq!(names("server", &config)[0], "server.");
    }

    #[test]
    fn some_names_are_not_for_servers() {
        assert!(is_localhost("localhost") && is_localhost("a.LocalHost."), "RFC 6761 §6.3");
        assert!(!is_localhost("localhost.example") && !is_localhost("notlocalhost"));
        assert!(is_nowhere("a.invalid") && is_nowhere("x.onion") && !is_nowhere("invalid.example"), "RFC 6761 §6.4");
    }

    #[test]
    fn what_can_be_no_name_is_refused() {
        let config = Config::default();
        for name in ["", ".", "a..b", &"a".repeat(64), &["a"; 129].join(".")] {
            assert_eq!(candidates(name, &config), Err(Error::Invalid), "{name}");
        }
        assert_eq!(names("Bücher.example", &config), ["xn--bcher-kva.example."]);
        assert_eq!(text(&full("Server.Example").expect("a name")), "Server.Example");
    }
}
