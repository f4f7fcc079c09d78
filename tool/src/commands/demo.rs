//! `loggia demo`

use std::path::Path;

use loggia_lab::record::{self, Connections};
use loggia_lab::report::{boundaries, ladder, metrics, most_eventful, sockets, verdict, why};

use super::load::{self, Lab, Refused};
use super::run::{fresh, played};
use super::{outlets, show, views};
use crate::cli::{Demo, Global};
use crate::exit::Exit;
use crate::run::perform::{Machine, Outcome};

/// Metrics that a demo shows.
const SHOWN: &[&str] = &["sock.reads", "sock.writes", "tcp.connect", "tcp.request", "tcp.retransmits", "tcp.goodput", "udp."];

/// The labs that ship inside the program, by name.
const LABS: &[(&str, &str)] = &[
    ("web", include_str!("../../../labs/web.toml")),
    ("sticky", include_str!("../../../labs/sticky.toml")),
    ("datagram", include_str!("../../../labs/datagram.toml")),
    ("half-close", include_str!("../../../labs/half-close.toml")),
    ("reset-or-fin", include_str!("../../../labs/reset-or-fin.toml")),
    ("loss-recovery", include_str!("../../../labs/loss-recovery.toml")),
    ("unix-stream", include_str!("../../../labs/unix-stream.toml")),
    ("unix-datagram", include_str!("../../../labs/unix-datagram.toml")),
    ("ports-and-pids", include_str!("../../../labs/ports-and-pids.toml")),
];

pub(super) fn demo(demo: &Demo, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    if demo.name == "list" {
        list()?;
        return Ok(Exit::Held);
    }
    let Some((name, text)) = LABS.iter().find(|(name, _)| *name == demo.name) else {
        let names: Vec<&str> = LABS.iter().map(|(name, _)| *name).collect();
        return Err(Refused(format!("there is no demo {:?}; there are: {}", demo.name, names.join(", "))));
    };
    if demo.show {
        print!("{text}");
        return Ok(Exit::Held);
    }
    let lab = shipped(name, text)?;
    outlets::check(global, None)?;
    outlets::snapped(global, demo.out.as_deref().or(global.pcap.as_deref()))?;
    let temporary = std::env::temp_dir().join(format!("loggia-demo-{}", std::process::id()));
    let folder = fresh(demo.out.as_deref().unwrap_or(&temporary), "")?;
    let tells = !global.quiet && !global.json;
    if tells {
        println!(
            "{}\n\n{}\n",
            lab.plan.title.as_deref().unwrap_or(name),
            lab.plan.description.as_deref().unwrap_or_default().trim()
        );
    }
    let outcome = played(&lab, global, Some(folder.clone()), machine)?;
    show::warnings(&outcome, None);
    if tells {
        story(&folder, &outcome, global)?;
        println!("\nThe lab file: loggia demo {name} --show. To keep what was recorded: loggia demo {name} --out DIR.");
    } else {
        show::outcome(&lab, &outcome, None, global);
    }
    if demo.out.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    Ok(outcome.exit())
}

/// What happened: the packets of one connection, the borders of calls and segments, the figures, the verdict.
fn story(folder: &Path, outcome: &Outcome, global: &Global) -> Result<(), Refused> {
    let run = record::read(folder).map_err(|error| Refused(error.to_string()))?;
    let connections = Connections::of(&run.entries);
    let look = views::look(global);
    if let Some(connection) = most_eventful(&run.entries, &connections) {
        println!("\nThe packets of a connection (loggia ladder)\n");
        print!("{}", ladder::ladder(&run.entries, connection, 28, &look));
        println!("\nSend calls, segments and receive calls (loggia boundaries)\n");
        print!("{}", boundaries::stream(&run.entries, connection, 8, &look));
        println!("\nWhere its time went (loggia why)\n");
        print!("{}", why::why(&run.entries, connection, &look));
    }
    print!("{}", boundaries::datagrams(&run.entries, 8, &look));
    println!("\nThe sockets when it was over (loggia sockets)\n");
    print!("{}", sockets::sockets(&run.sockets, &look));
    println!("\nWhat was measured\n");
    print!("{}", metrics::metrics(&outcome.metrics, SHOWN, &look));
    println!();
    print!("{}", verdict::verdict(&outcome.findings(), &look));
    Ok(())
}

fn shipped(name: &str, text: &str) -> Result<Lab, Refused> {
    load::from_text(name.into(), text.into(), &format!("{name}.toml"), Path::new("."))
}

fn list() -> Result<(), Refused> {
    let width = LABS.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in LABS {
        let title = shipped(name, text)?.plan.title.unwrap_or_default();
        println!("{name:<width$}  {title}");
    }
    Ok(())
}
