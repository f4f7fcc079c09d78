//! Where programs read and write, and what is shown of it while they run.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use loggia_lab::plan::Program;

use super::allowance::Allowance;
use crate::process::{Command, Follower, Input, Log, Output, Seat};
use crate::say::noted;

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
    pub fn furnish(&self, command: Command, host: &str, program: &Program) -> io::Result<Command> {
        let command = command.seat(self.seat());
        Ok(match self {
            Self::Terminal => command.stdin(Input::Inherit).stdout(Output::Inherit).stderr(Output::Inherit),
            Self::Inherit => {
                let stated =
                    |path: &Option<PathBuf>| path.as_deref().map_or(Ok(Output::Inherit), |path| fresh(path).map(Output::File));
                command.stdout(stated(&program.stdout)?).stderr(stated(&program.stderr)?)
            }
            Self::Folder(folder) => {
                let [out, err] = logs(folder, host, &program.name);
                command.stdout(Output::Log(log(&out)?)).stderr(Output::Log(log(&err)?))
            }
        })
    }

    /// The streams of a built-in program.
    pub fn streams(&self, host: &str, program: &Program) -> io::Result<[Box<dyn Write + Send>; 2]> {
        let stated = |path: &Option<PathBuf>, own: Box<dyn Write + Send>| match path {
            Some(path) => fresh(path).map(|file| Box::new(file) as Box<dyn Write + Send>),
            None => Ok(own),
        };
        Ok(match self {
            Self::Terminal | Self::Inherit => {
                [stated(&program.stdout, Box::new(io::stdout()))?, stated(&program.stderr, Box::new(io::stderr()))?]
            }
            Self::Folder(folder) => {
                let [out, err] = logs(folder, host, &program.name);
                [Box::new(Bounded::new(log(&out)?)), Box::new(Bounded::new(log(&err)?))]
            }
        })
    }
}

/// A log that a built-in program writes itself, up to its limit; a program of the machine has a keeper for that.
struct Bounded {
    file: File,
    left: u64,
    full: bool,
}

impl Bounded {
    fn new(log: Log) -> Self {
        Self { file: log.file, left: log.limit, full: false }
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = self.left.min(bytes.len() as u64) as usize;
        self.file.write_all(&bytes[..fits])?;
        self.left -= fits as u64;
        if fits < bytes.len() && !std::mem::replace(&mut self.full, true) {
            self.file.write_all(b"\n[loggia: the rest is left out]\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file of the lab's own for a stream, where there is no run folder with a log to copy. Both streams may have the same one, and a
/// program that is started again goes on with it.
fn fresh(path: &Path) -> io::Result<File> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    File::options().create(true).append(true).open(path).map_err(named)
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
#[derive(Debug)]
pub struct Echo {
    followed: Vec<(String, Follower, Allowance)>,
    width: usize,
}

impl Echo {
    /// With room for the longest of these names.
    pub fn for_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self { followed: Vec::new(), width: names.map(str::len).max().unwrap_or(0) }
    }

    /// Shows a program's logs from now on.
    pub fn follow(&mut self, folder: &Path, host: &str, program: &str) {
        for path in logs(folder, host, program) {
            // A program that is started again goes on with the same logs.
            if let Ok(follower) = Follower::open(path)
                && self.followed.iter().filter(|(name, ..)| name == program).count() < 2
            {
                self.followed.push((program.to_owned(), follower, Allowance::default()));
            }
        }
    }

    /// Prints what came since the last time; says whether anything did.
    pub fn turn(&mut self, to: &mut dyn Write) -> bool {
        let width = self.width;
        let mut any = false;
        for (program, follower, allowance) in &mut self.followed {
            for line in follower.turn().unwrap_or_default() {
                any = true;
                if let Some(line) = allowance.of(&line) {
                    noted(writeln!(to, "{program:>width$} | {line}"));
                }
            }
        }
        any
    }

    /// Prints what is left.
    pub fn rest(&mut self, to: &mut dyn Write) {
        while self.turn(to) {}
        let width = self.width;
        for (program, follower, allowance) in &mut self.followed {
            if let Some(line) = follower.rest().as_deref().and_then(|line| allowance.of(line)) {
                noted(writeln!(to, "{program:>width$} | {line}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::descriptor::memory_file;
    use std::io::{Read as _, Seek as _};

    #[test]
    fn a_log_of_a_built_in_program_is_bounded() {
        let mut file = memory_file().expect("a file");
        let mut log = Bounded::new(Log { file: file.try_clone().expect("the same"), limit: 10 });
        for piece in ["12345", "67890", "1", "23456"] {
            log.write_all(piece.as_bytes()).expect("it never fails for its limit");
        }
        let mut text = String::new();
        file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("text");
        assert_eq!(text, "1234567890\n[loggia: the rest is left out]\n");
    }
}
