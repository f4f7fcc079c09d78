//! What an unmodified program pays for a described network, in one run: `loggia run` beside the kernel's loopback and, where they are
//! installed, pasta and slirp4netns.
//!
//! `cargo run --release -p loggia-bench --bin loggia-bench-programs [-- --rounds N --loggia PATH --json FILE]`. The same client and server (this
//! program, called with `peer`) run in each surrounding, over an unimpaired link, in interleaved rounds; look at the ratios. All traffic
//! stays on loopback and inside namespaces made for the purpose.

mod peer;
mod surroundings;

use std::path::PathBuf;
use std::process::ExitCode;

use peer::Work;
use surroundings::{Idle, Surrounding, found};

/// What the command line says.
struct Arguments {
    rounds: usize,
    loggia: PathBuf,
    idle: usize,
    json: Option<PathBuf>,
}

const USAGE: &str = "usage: loggia-bench-programs [--rounds N] [--loggia PATH] [--idle N] [--json FILE]

  --rounds N     interleaved rounds (default 5)
  --loggia PATH  the program under test (default: beside this one)
  --idle N       idle connections that one lab is to hold (default 1000)
  --json FILE    also write all figures there";

fn arguments(words: &[String]) -> Result<Arguments, String> {
    let beside = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("loggia");
    let mut arguments = Arguments { rounds: 5, loggia: beside, idle: 1000, json: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--rounds" => arguments.rounds = value()?.parse().map_err(|_| "--rounds wants a number".to_owned())?,
            "--idle" => arguments.idle = value()?.parse().map_err(|_| "--idle wants a number".to_owned())?,
            "--loggia" => arguments.loggia = value()?.into(),
            "--json" => arguments.json = Some(value()?.into()),
            _ => return Err(format!("unknown: {word}")),
        }
    }
    if !arguments.loggia.exists() {
        return Err(format!("{} is not there: cargo build --release -p loggia-cli", arguments.loggia.display()));
    }
    Ok(arguments)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "peer") {
        return peer::main(&words[1..]);
    }
    let arguments = match arguments(&words) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let surroundings = found(&arguments.loggia);
    let mut figures = vec![vec![Vec::new(); surroundings.len()]; Work::ALL.len()];
    for round in 0..arguments.rounds {
        for (row, work) in Work::ALL.iter().enumerate() {
            for (column, surrounding) in surroundings.iter().enumerate() {
                match surrounding.measure(*work) {
                    Ok(figure) => figures[row][column].push(figure),
                    Err(error) => eprintln!("round {}: {} under {}: {error}", round + 1, work.name(), surrounding.name()),
                }
            }
        }
    }
    print_table(&surroundings, &figures);
    let count = arguments.idle;
    let idle = surroundings::idle(&arguments.loggia, count);
    match &idle {
        Ok([empty, full]) => println!(
            "{count} connections in one lab, a byte there and back on each: {:.1} s; memory of the supervisor {} kB, {} kB with nothing ({:.1} kB \
             each, both ends)",
            full.seconds,
            full.memory,
            empty.memory,
            each(empty, full, count) / 1024.0
        ),
        Err(error) => eprintln!("{count} connections in one lab: {error}"),
    }
    if let Some(file) = arguments.json
        && let Err(error) = std::fs::write(&file, json(&surroundings, &figures, count, idle.ok()))
    {
        eprintln!("{}: {error}", file.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Bytes of memory that one idle connection costs.
fn each(empty: &Idle, full: &Idle, count: usize) -> f64 {
    (full.memory as f64 - empty.memory as f64) * 1024.0 / count as f64
}

fn print_table(surroundings: &[Surrounding], figures: &[Vec<Vec<f64>>]) {
    for (row, work) in Work::ALL.iter().enumerate() {
        println!("{} ({}, median, least and most; ratio to the kernel's loopback)", work.name(), work.unit());
        let kernel = median(&figures[row][0]);
        for (column, surrounding) in surroundings.iter().enumerate() {
            let values = &figures[row][column];
            let (least, most) = values.iter().fold((f64::INFINITY, 0f64), |(least, most), v| (least.min(*v), most.max(*v)));
            let middle = median(values);
            println!("  {:<18} {middle:>10.2}  [{least:.2} .. {most:.2}]  {:>6.2}", surrounding.name(), middle / kernel);
        }
    }
}

fn json(surroundings: &[Surrounding], figures: &[Vec<Vec<f64>>], count: usize, idle: Option<[Idle; 2]>) -> String {
    let line = |work: &str, under: &str, values: &[f64]| {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        format!(r#"  {{"work": "{work}", "under": "{under}", "values": [{}]}}"#, values.join(", "))
    };
    let mut rows: Vec<String> = Vec::new();
    for (row, work) in Work::ALL.iter().enumerate() {
        let columns = surroundings.iter().zip(&figures[row]);
        rows.extend(columns.map(|(surrounding, values)| line(work.name(), surrounding.name(), values)));
    }
    if let Some([empty, full]) = idle {
        rows.push(line("idle", "loggia run", &[count as f64]));
        rows.push(line("idle-bytes", "loggia run", &[each(&empty, &full, count)]));
        rows.push(line("idle-open", "loggia run", &[full.seconds * 1e6 / count as f64]));
    }
    format!("[\n{}\n]\n", rows.join(",\n"))
}
