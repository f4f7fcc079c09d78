//! Reading RFC tags out of comments.
//!
//! One form: `RFC 9293 MUST-19`, `RFC 6298 §2.3`; several of one RFC with commas, `RFC 9293 MUST-4, MUST-5`, `RFC 4861 §7.2.3, 6.3.4`.
//! An RFC named without either says nothing about a requirement and is not listed.

use std::fmt;

/// A requirement: one of RFC 9293's numbers or a section of an RFC. Ordered as the document lists them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Tag {
    /// `RFC 9293 MUST-19`: 9293, "MUST", 19.
    Numbered(u16, String, u16),
    /// `RFC 6298 §2.3`: 6298, [2.3].
    Section(u16, Vec<u16>),
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered(_, weight, number) => write!(f, "{weight}-{number}"),
            Self::Section(_, section) => {
                write!(f, "§{}", section.iter().map(u16::to_string).collect::<Vec<_>>().join("."))
            }
        }
    }
}

/// All tags of a line of comment.
pub(crate) fn tags(line: &str) -> Vec<Tag> {
    line.match_indices("RFC ").flat_map(|(at, name)| of_one_rfc(&line[at + name.len()..])).collect()
}

fn of_one_rfc(text: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let Some((rfc, mut rest)) = number(text) else { return found };
    let mut sections = false;
    loop {
        rest = rest.trim_start_matches(' ');
        let Some((tag, after)) = numbered(rfc, rest).or_else(|| section(rfc, rest, sections)) else { return found };
        sections = matches!(tag, Tag::Section(..));
        found.push(tag);
        let Some(next) = after.strip_prefix(',').or_else(|| after.strip_prefix(" and")) else { return found };
        rest = next;
    }
}

fn number(text: &str) -> Option<(u16, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn numbered(rfc: u16, text: &str) -> Option<(Tag, &str)> {
    let weight = ["MUST", "SHLD", "REC", "MAY"].into_iter().find(|weight| text.starts_with(weight))?;
    let (value, rest) = number(text[weight.len()..].strip_prefix('-')?)?;
    Some((Tag::Numbered(rfc, weight.to_owned(), value), rest))
}

/// `§3.4`; after a first section also a bare `3.4`.
fn section(rfc: u16, text: &str, bare: bool) -> Option<(Tag, &str)> {
    let text = match text.strip_prefix('§') {
        Some(text) => text,
        None if bare => text,
        None => return None,
    };
    let (first, mut rest) = number(text)?;
    let mut path = vec![first];
    while let Some((next, after)) = rest.strip_prefix('.').and_then(number) {
        path.push(next);
        rest = after;
    }
    Some((Tag::Section(rfc, path), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        let all: Vec<String> = tags(line)
            .iter()
            .map(|tag| match tag {
                Tag::Numbered(rfc, ..) | Tag::Section(rfc, _) => format!("{rfc}{tag}"),
            })
            .collect();
        all.join(" ")
    }

    #[test]
    fn the_forms_are_read() {
        assert_eq!(read("// RFC 9293 MUST-19: why"), "9293MUST-19");
        assert_eq!(read("/// (RFC 9293 MUST-4, MUST-5 and SHLD-7)."), "9293MUST-4 9293MUST-5 9293SHLD-7");
        assert_eq!(read("RFC 4861 §7.2.3, 6.3.4, 8.3). RFC 6298 §2.3."), "4861§7.2.3 4861§6.3.4 4861§8.3 6298§2.3");
        assert_eq!(read("RFC 2018 §3, RFC 7323 §3"), "2018§3 7323§3");
        assert_eq!(read("RFC 768, 1122; RFC 9293 suggests; RFC 6675's rule 3"), "");
    }
}
