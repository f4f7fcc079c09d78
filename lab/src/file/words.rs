//! A command as one text, split into words as a shell splits it; nothing is expanded.

/// The words of a command; an error says what to do.
pub(super) fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => quoted(&mut chars, word.get_or_insert_default())?,
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => match chars.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("it ends with a backslash".into()),
            },
            '#' if word.is_none() => return Err(for_a_shell("a comment")),
            '|' | '<' | '>' | ';' | '`' | '$' => return Err(for_a_shell(&format!("`{c}`"))),
            '&' if chars.peek().is_none_or(|next| next.is_whitespace() || *next == '&') => return Err(for_a_shell("`&`")),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn for_a_shell(what: &str) -> String {
    format!(
        "{what} is for a shell, and there is none: put it in quotes if it is meant as it stands, or run [\"sh\", \"-c\", \"...\"]"
    )
}

fn quoted(chars: &mut impl Iterator<Item = char>, word: &mut String) -> Result<(), String> {
    for c in chars {
        if c == '\'' {
            return Ok(());
        }
        word.push(c);
    }
    Err("a quote ' is not closed".into())
}

fn double_quoted(chars: &mut impl Iterator<Item = char>, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\\' => match chars.next() {
                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
                None => break,
            },
            '$' | '`' => return Err(for_a_shell(&format!("`{c}`"))),
            _ => word.push(c),
        }
    }
    Err("a quote \" is not closed".into())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (text, words) in [
            ("./srv -p 8080", vec!["./srv", "-p", "8080"]),
            ("  a   'b c'  \"d \\\"e\\\"\" f\\ g ", vec!["a", "b c", "d \"e\"", "f g"]),
            ("curl http://server/?a=1&b=2", vec!["curl", "http://server/?a=1&b=2"]),
            ("a '' b", vec!["a", "", "b"]),
            ("a'b'c\"d\"", vec!["abcd"]),
            ("'a | b' '$HOME'", vec!["a | b", "$HOME"]),
            ("", vec![]),
        ] {
            assert_eq!(split(text).as_deref(), Ok(words.into_iter().map(String::from).collect::<Vec<_>>().as_slice()), "{text}");
        }
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused() {
        for text in ["a | b", "a > b", "a; b", "a && b", "a &", "echo $HOME", "echo \"$HOME\"", "a `b`", "'a", "\"a", "a\\"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
