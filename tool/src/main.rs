//! The program `loggia`.

use clap::Parser as _;
use loggia_cli::cli::Cli;

fn main() {
    let _ = Cli::parse();
}
