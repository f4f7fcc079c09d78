//! A small scanner of Rust sources: tokens without comments and strings, and the paths that begin at the crate's root.

/// The layers, lowest first.
const LAYERS: [&str; 6] = ["base", "link", "network", "transport", "socket", "engine"];

/// What is wrong, and in which line.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Line, from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) what: String,
}

/// A word or a single other character.
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Everything wrong in `text`, which is the source of `module` (the path below the crate's root).
pub(crate) fn scan(module: &[String], text: &str) -> Vec<Finding> {
    let tokens = tokens(text);
    let mut findings = Vec::new();
    // How deep in inline modules we are: the brace depth at which each began.
    let (mut depth, mut inline) = (0usize, Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        let Token { text, line } = tokens[i];
        match text {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|began| *began == depth);
            }
            "mod" if word(&tokens, i + 2) == "{" => inline.push(depth),
            "unsafe" => findings.push(Finding { line, what: "`unsafe` in the core".into() }),
            "std" if word(&tokens, i + 1) == ":" || word(&tokens, i.wrapping_sub(1)) == "crate" => {
                findings.push(Finding { line, what: "`std` in the core".into() });
            }
            "crate" | "super" if word(&tokens, i + 1) == ":" => {
                let (levels, after) = climb(&tokens, i);
                if text == "crate" || levels == module.len() + inline.len() {
                    judge(module, &tokens, after, &mut findings);
                }
                i = after;
                continue;
            }
            _ => {}
        }
        i += 1;
    }
    findings
}

/// Goes over `crate::` or `super::super::`; gives the number of `super` and the index of what follows.
fn climb(tokens: &[Token<'_>], from: usize) -> (usize, usize) {
    let (mut levels, mut i) = (0, from);
    while matches!(word(tokens, i), "crate" | "super") && word(tokens, i + 1) == ":" && word(tokens, i + 2) == ":" {
        levels += usize::from(word(tokens, i) == "super");
        i += 3;
    }
    (levels, i.max(from + 1))
}

/// Judges the name at `at`, or each name of the group that begins there.
fn judge(module: &[String], tokens: &[Token<'_>], at: usize, findings: &mut Vec<Finding>) {
    if word(tokens, at) != "{" {
        findings.extend(tokens.get(at).and_then(|token| fault(module, token)));
        return;
    }
    let (mut depth, mut first) = (0, true);
    for token in &tokens[at..] {
        match token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => first = true,
            _ if depth == 1 && first => {
                first = false;
                findings.extend(fault(module, token));
            }
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// What is wrong with naming `token` at the crate's root from `module`.
fn fault(module: &[String], token: &Token<'_>) -> Option<Finding> {
    let height = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let own = module.first()?;
    let what = match (height(own), height(token.text)) {
        (Some(own_height), Some(named)) if named > own_height => {
            format!("`{own}` names `{}`, which lies above it", token.text)
        }
        (Some(_), Some(_)) => return None,
        (None, _) => format!("`{own}` is not one of the layers {LAYERS:?}"),
        (_, None) => format!("`crate::{}` hides its layer; name it", token.text),
    };
    Some(Finding { line: token.line, what })
}

fn word<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// Words and single characters, without blanks, comments, strings and lifetimes.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' if raw_string(rest).is_some() => raw_string(rest).unwrap_or(1),
            '\'' => quote(rest),
            _ if is_word(first) => {
                let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token { text: &rest[..len], line });
                len
            }
            _ => {
                if !first.is_whitespace() {
                    tokens.push(Token { text: &rest[..first.len_utf8()], line });
                }
                first.len_utf8()
            }
        };
        line += rest[..len].matches('\n').count();
        rest = &rest[len..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Length of a string literal.
fn string(text: &str) -> usize {
    let mut escaped = true; // The opening quote does not close.
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return at + 1,
            '\\' if !escaped => escaped = true,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Length of a raw string literal, if one begins here.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let close = body.find(&end)?;
    Some(text.len() - body.len() + close + end.len())
}

/// Length of a character literal, or of the quote alone before a lifetime's name.
fn quote(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => text[3.min(text.len())..].find('\'').map_or(1, |at| at + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
