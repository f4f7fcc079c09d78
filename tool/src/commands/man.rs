//! `loggia man`: the manual page of the program, or of one of its commands.

use std::fmt::Write as _;

use clap_mangen::Man;

use super::load::Refused;
use crate::cli;
use crate::exit::Exit;

pub(super) fn man(command: Option<&str>) -> Result<Exit, Refused> {
    let all = cli::command();
    let page = match command {
        None => all,
        Some(name) => {
            let found = all.get_subcommands().find(|command| command.get_name() == name && !command.is_hide_set());
            let found = found.ok_or_else(|| Refused(format!("there is no command {name:?}; loggia --help lists them")))?;
            found.clone()
        }
    };
    print!("{}", roff(&page).map_err(Refused::of)?);
    Ok(Exit::Held)
}

/// The page, section by section: `clap_mangen` has no name for what follows the help, and its synopsis does not say which options take a value.
fn roff(page: &clap::Command) -> std::io::Result<String> {
    let man = Man::new(page.clone()).source(concat!("loggia ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    text.extend(synopsis(page).bytes());
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if page.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if page.get_after_help().is_some() {
        let mut codes = Vec::new();
        man.render_extra_section(&mut codes)?;
        text.extend(String::from_utf8_lossy(&codes).replacen(".SH EXTRA", ".SH \"EXIT STATUS\"", 1).bytes());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The usage as help tells it.
fn synopsis(page: &clap::Command) -> String {
    let usage = page.clone().render_usage().to_string();
    let lines = usage.strip_prefix("Usage: ").unwrap_or(&usage).lines();
    let mut section = ".SH SYNOPSIS\n.nf\n".to_owned();
    for line in lines {
        let _ = writeln!(section, "{}", line.trim().replace('\\', "\\e").replace('-', "\\-"));
    }
    section + ".fi\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_sections_that_pages_have() {
        let all = cli::command();
        let page = roff(&all).expect("a page");
        assert!(page.contains(".SH \"EXIT STATUS\"") && !page.contains("EXTRA"), "{page}");
        let run = roff(all.find_subcommand("run").expect("the command")).expect("a page");
        assert!(run.contains("loggia run [OPTIONS] \\-\\- COMMAND [ARG]..."), "{run}");
        assert!(run.contains(concat!("\"loggia ", env!("CARGO_PKG_VERSION"), "\"")), "{run}");
    }
}
