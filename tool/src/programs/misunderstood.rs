//! What is wrong with arguments, in the form of a lab file's errors.

/// What is wrong with the arguments of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misunderstood {
    /// What: `unexpected argument '--prt' found`.
    pub message: String,
    /// What would be right.
    pub remedy: String,
}

impl Misunderstood {
    /// Of an error of the parser: it says what is wrong in its first paragraph, gives a tip, if it has one, and the usage.
    pub(super) fn of(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let paragraphs: Vec<String> =
            text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let after = |lead: &str| paragraphs.iter().find_map(|paragraph| paragraph.strip_prefix(lead));
        let message = after("error: ").unwrap_or("its arguments are not understood").into();
        let remedy = after("tip: ").or_else(|| after("Usage: ")).unwrap_or_default().into();
        Self { message, remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::super::by_name;

    #[test]
    fn what_a_program_does_not_understand_is_told_with_what_would_be_right() {
        let wrong = |name: &str, args: &[&str]| {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            by_name(name).expect("a program").understands(&args).err().map(|wrong| (wrong.message, wrong.remedy))
        };
        let both = |message: &str, remedy: &str| Some((message.to_owned(), remedy.to_owned()));
        assert_eq!(
            wrong("web", &["--prt", "80"]),
            both("unexpected argument '--prt' found", "a similar argument exists: '--port'")
        );
        assert_eq!(wrong("get", &[]), both("the following required arguments were not provided: <URL>", "get <URL>"));
        assert!(wrong("rr", &["s:7", "--pause", "10"]).is_some_and(|(message, _)| message.contains("did you mean \"10s\"")));
        assert_eq!(wrong("web", &["--port", "80"]), None);
        assert_eq!(wrong("web", &["--help"]), None, "it prints its help");
    }
}
