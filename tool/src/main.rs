//! The program `loggia`.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};
use loggia_cli::cli::{self, Cli};
use loggia_cli::commands::execute;
use loggia_cli::exit::Exit;
use loggia_cli::say::unsaid;

fn main() -> ExitCode {
    let told = Cli::command().try_get_matches().and_then(|told| {
        let name = told.subcommand_name().unwrap_or_default().to_owned();
        Ok((Cli::from_arg_matches(&told)?, name))
    });
    match told {
        Ok((cli, name)) => ExitCode::from(said(execute(&cli, &name)).code()),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => help(),
        Err(error) => unreadable(&error),
    }
}

/// What cannot be printed does not end well, whatever it says.
fn said(exit: Exit) -> Exit {
    let Some(error) = unsaid() else { return exit };
    eprintln!("loggia: what was to be printed is not whole: {error}");
    if exit == Exit::Held { Exit::Fault } else { exit }
}

/// Help was asked for: of a command, if one stands before the question.
fn help() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let is_question = |word: &str| matches!(word, "-h" | "--help");
    let before = words.iter().take_while(|word| !is_question(word));
    let mut all = cli::command();
    let name = before.skip(1).find(|word| all.find_subcommand(word).is_some());
    let command = match name.and_then(|name| all.find_subcommand_mut(name)) {
        Some(command) => command,
        None => &mut all,
    };
    let printed = if words.iter().any(|word| word == "--help") { command.print_long_help() } else { command.print_help() };
    ExitCode::from(u8::from(printed.is_err()))
}

/// What cannot be read is told, with what was probably meant.
fn unreadable(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let words: Vec<String> = std::env::args().collect();
    if let (true, Some(hint)) = (error.use_stderr(), cli::explain(&words)) {
        eprintln!("\n  = {hint}");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
