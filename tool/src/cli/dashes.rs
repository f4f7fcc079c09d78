//! A command of which the `--` before it was forgotten.

use std::path::Path;

/// The hint for who gave a command in the place of a lab file, if that is what it looks like.
pub fn forgotten_dashes(file: &Path) -> Option<String> {
    hint(file, &std::env::args().collect::<Vec<_>>())
}

/// The hint for a command line that cannot be read, likewise.
pub fn explain(words: &[String]) -> Option<String> {
    let run = words.iter().position(|word| word == "run")?;
    let first = words.get(run + 1).filter(|word| !word.starts_with('-'))?;
    hint(Path::new(first), words)
}

fn hint(file: &Path, words: &[String]) -> Option<String> {
    let given = file.to_str()?;
    let is_lab = file.extension().is_some_and(|ending| ending == "toml") || file.is_dir();
    if is_lab || words.iter().any(|word| word == "--") {
        return None;
    }
    let command = words.iter().position(|word| word == given).map_or(&[][..], |at| &words[at..]);
    Some(format!("a command goes after --: loggia run -- {}", command.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_from_a_lab_file() {
        let words = |text: &str| text.split(' ').map(Into::into).collect::<Vec<String>>();
        let hint = explain(&words("loggia run ./srv -p 80"));
        assert_eq!(hint.as_deref(), Some("a command goes after --: loggia run -- ./srv -p 80"));
        for other in ["loggia run lab.toml -x", "loggia run -- ./srv -p 80", "loggia run --nonsense", "loggia test x -y"] {
            assert_eq!(explain(&words(other)), None, "{other}");
        }
    }
}
