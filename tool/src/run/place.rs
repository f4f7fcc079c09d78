//! Where programs read and write, and what is shown of it while they run.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::process::{Command, Follower, Input, Log, Output, Seat};

/// Bytes of each log that are kept.
const LOG_LIMIT: u64 = 64 << 20;

/// Where programs read and write.
#[derive(Clone, Debug)]
pub enum Place {
    /// Loggia's own terminal, in the foreground: `loggia run -- COMMAND`.
    Terminal,
    /// Loggia's own output, unmarked: a lab that is not recorded.
    Inherit,
    /// Logs below `hosts/` of a run folder.
    Folder(PathBuf),
}

/// The files of a program in a run folder: `hosts/HOST/stdout.log`, of further programs of a host `hosts/HOST/NAME.stdout.log`.
pub fn logs(folder: &Path, host: &str, program: &str) -> [PathBuf; 2] {
    let prefix = program.strip_prefix(host).and_then(|rest| rest.strip_prefix('.')).map(|name| format!("{name}."));
    let prefix = prefix.unwrap_or_default();
    ["stdout", "stderr"].map(|stream| folder.join("hosts").join(host).join(format!("{prefix}{stream}.log")))
}

impl Place {
    /// How programs sit at the terminal.
    pub fn seat(&self) -> Seat {
        if matches!(self, Self::Terminal) { Seat::Terminal } else { Seat::Apart }
    }

    /// Gives a command its streams.
    pub fn furnish(&self, command: Command, host: &str, program: &str) -> io::Result<Command> {
        let command = command.seat(self.seat());
        Ok(match self {
            Self::Terminal => command.stdin(Input::Inherit).stdout(Output::Inherit).stderr(Output::Inherit),
            Self::Inherit => command.stdout(Output::Inherit).stderr(Output::Inherit),
            Self::Folder(folder) => {
                let [out, err] = logs(folder, host, program);
                command.stdout(Output::Log(log(&out)?)).stderr(Output::Log(log(&err)?))
            }
        })
    }

    /// The streams of a built-in program.
    pub fn streams(&self, host: &str, program: &str) -> io::Result<[Box<dyn Write + Send>; 2]> {
        Ok(match self {
            Self::Terminal | Self::Inherit => [Box::new(io::stdout()), Box::new(io::stderr())],
            Self::Folder(folder) => {
                let [out, err] = logs(folder, host, program);
                [Box::new(log(&out)?.file), Box::new(log(&err)?.file)]
            }
        })
    }
}

fn log(path: &Path) -> io::Result<Log> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(named)?;
    }
    let file = File::options().create(true).append(true).open(path).map_err(named)?;
    Ok(Log { file, limit: LOG_LIMIT })
}

/// Shows logs as they grow, each line with the name of its program.
#[derive(Debug, Default)]
pub struct Echo {
    followed: Vec<(String, Follower)>,
    width: usize,
}

impl Echo {
    /// Shows a program's logs from now on.
    pub fn follow(&mut self, folder: &Path, host: &str, program: &str) {
        self.width = self.width.max(program.len());
        for path in logs(folder, host, program) {
            // A program that is started again goes on with the same logs.
            if let Ok(follower) = Follower::open(path)
                && self.followed.iter().filter(|(name, _)| name == program).count() < 2
            {
                self.followed.push((program.to_owned(), follower));
            }
        }
    }

    /// Prints what came since the last time; says whether anything did.
    pub fn turn(&mut self, to: &mut dyn Write) -> bool {
        let width = self.width;
        let mut any = false;
        for (program, follower) in &mut self.followed {
            for line in follower.turn().unwrap_or_default() {
                any = true;
                let _ = writeln!(to, "{program:>width$} | {line}");
            }
        }
        any
    }

    /// Prints what is left.
    pub fn rest(&mut self, to: &mut dyn Write) {
        while self.turn(to) {}
        let width = self.width;
        for (program, follower) in &mut self.followed {
            if let Some(line) = follower.rest() {
                let _ = writeln!(to, "{program:>width$} | {line}");
            }
        }
    }
}
