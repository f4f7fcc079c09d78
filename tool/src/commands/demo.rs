//! `loggia demo`

use std::path::Path;

use super::load::{self, Lab, Refused};
use super::run::{fresh, recorded};
use crate::cli::{Demo, Global};
use crate::exit::Exit;
use crate::run::perform::Machine;

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
    let temporary = std::env::temp_dir().join(format!("loggia-demo-{}", std::process::id()));
    let folder = fresh(demo.out.as_deref().unwrap_or(&temporary))?;
    if !global.quiet && !global.json {
        println!("{}\n", lab.plan.title.as_deref().unwrap_or(name));
        if let Some(description) = &lab.plan.description {
            println!("{}\n", description.trim());
        }
    }
    let outcome = recorded(&lab, global, false, Some(folder.clone()), machine)?;
    if demo.out.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    Ok(outcome.exit())
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
