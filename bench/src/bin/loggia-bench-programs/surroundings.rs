//! Where the client and the server run.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::peer::{PORT, Work};

/// Longest time that one measurement may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A surrounding.
pub(crate) enum Surrounding {
    /// Both on the kernel's loopback.
    Kernel,
    /// Each on a host of a lab, over an unimpaired link.
    Loggia(PathBuf),
    /// The client in a namespace of pasta's, the server on the machine's loopback.
    Pasta,
    /// The same with slirp4netns.
    Slirp,
}

/// Those that are installed, the kernel first; says aloud what is not.
pub(crate) fn found(loggia: &Path) -> Vec<Surrounding> {
    let mut found = vec![Surrounding::Kernel, Surrounding::Loggia(loggia.into())];
    for (name, surrounding) in [("pasta", Surrounding::Pasta), ("slirp4netns", Surrounding::Slirp)] {
        if Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
            found.push(surrounding);
        } else {
            println!("SKIPPED: {name} is not installed");
        }
    }
    found
}

/// A process that ends with its owner.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Surrounding {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Kernel => "kernel loopback",
            Self::Loggia(_) => "loggia run",
            Self::Pasta => "pasta",
            Self::Slirp => "slirp4netns",
        }
    }

    /// Does the work once; gives its figure.
    pub(crate) fn measure(&self, work: Work) -> io::Result<f64> {
        let me = std::env::current_exe()?.display().to_string();
        let file = scratch("figure");
        let _ = std::fs::remove_file(&file);
        let path = file.display().to_string();
        let status = match self {
            Self::Kernel => {
                let _server = server(&me)?;
                client(Command::new(&me), work, &format!("127.0.0.1:{PORT}"), &path)?
            }
            Self::Loggia(loggia) => wait(&mut lab(loggia, &me, &[work.name()], &path).spawn()?)?,
            Self::Pasta => {
                let _server = server(&me)?;
                let script =
                    "gw=$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'); exec \"$0\" peer \"$1\" \"$gw:$2\" \"$3\"";
                let mut pasta = Command::new("pasta");
                if is_root() {
                    pasta.args(["--runas", "0"]);
                }
                pasta.args(["--config-net", "-4", "--", "sh", "-c", script, &me, work.name(), &PORT.to_string(), &path]);
                wait(&mut quiet(&mut pasta).spawn()?)?
            }
            Self::Slirp => {
                let _server = server(&me)?;
                let script = "sleep 1.5; exec \"$0\" peer \"$1\" \"10.0.2.2:$2\" \"$3\"";
                let mut inside = Command::new("unshare");
                inside.args(["-rn", "sh", "-c", script, &me, work.name(), &PORT.to_string(), &path]);
                let mut inside = Ends(inside.spawn()?);
                std::thread::sleep(Duration::from_millis(300));
                let mut slirp = Command::new("slirp4netns");
                slirp.args(["--configure", "--mtu=65520", "--disable-dns", &inside.0.id().to_string(), "tap0"]);
                let _slirp = Ends(quiet(&mut slirp).spawn()?);
                wait(&mut inside.0)?
            }
        };
        if !status {
            return Err(io::Error::other("it failed"));
        }
        let figure = std::fs::read_to_string(&file)?;
        let _ = std::fs::remove_file(&file);
        figure.trim().parse().map_err(io::Error::other)
    }
}

/// A file of this process.
fn scratch(what: &str) -> PathBuf {
    std::env::temp_dir().join(format!("loggia-bench-{}-{what}", std::process::id()))
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}

fn server(me: &str) -> io::Result<Ends> {
    Ok(Ends(Command::new(me).args(["peer", "serve", &format!("127.0.0.1:{PORT}")]).spawn()?))
}

fn client(mut command: Command, work: Work, address: &str, file: &str) -> io::Result<bool> {
    wait(&mut command.args(["peer", work.name(), address, file]).spawn()?)
}

fn wait(child: &mut Child) -> io::Result<bool> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other("it took too long"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Server and client on a host each.
fn lab(loggia: &Path, me: &str, work: &[&str], file: &str) -> Command {
    let mut command = Command::new(loggia);
    let serve = format!("server={me} peer serve 0.0.0.0:{PORT}");
    let ask = format!("client={me} peer {} server:{PORT} {} {file}", work[0], work[1..].join(" "));
    command.args(["run", "--quiet", "--no-record", "--host", &serve, "--host", &ask]);
    command
}

/// A client on a host of its own that opens so many connections to the built-in echo server. Only its ends cost descriptors: both of ten
/// thousand connections would want more than many machines allow a process.
fn idle_lab(count: usize, file: &str) -> io::Result<String> {
    let me = std::env::current_exe()?;
    let me = me.to_string_lossy();
    let words = [&*me, "peer", "idle", &format!("server:{PORT}"), &count.to_string(), file];
    // Words of TOML: its strings are written as Rust's are.
    let run = words.map(|word| format!("{word:?}")).join(", ");
    Ok(format!(
        "schema = 1\n[link.wan]\nends = [\"server\", \"client\"]\n[host.server]\nprogram = \"echo --port {PORT}\"\n\
         [host.client]\nafter = [\"server\"]\nrun = [{run}]\n"
    ))
}

/// What so many idle connections of a lab cost.
pub(crate) struct Idle {
    /// Resident memory of `loggia run` in kB.
    pub(crate) memory: u64,
    /// Until a byte had come back on each.
    pub(crate) seconds: f64,
}

/// With no connection, and with so many.
pub(crate) fn idle(loggia: &Path, count: usize) -> io::Result<[Idle; 2]> {
    let one = |count: usize| {
        let (file, description) = (scratch("idle"), scratch("idle.toml"));
        let _ = std::fs::remove_file(&file);
        std::fs::write(&description, idle_lab(count, &file.display().to_string())?)?;
        let mut run = Command::new(loggia);
        let mut run = Ends(run.args(["run", "--quiet", "--no-record"]).arg(&description).spawn()?);
        let until = Instant::now() + PATIENCE;
        while !file.exists() {
            if run.0.try_wait()?.is_some() || Instant::now() > until {
                return Err(io::Error::other("it failed"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let seconds = std::fs::read_to_string(&file)?.trim().parse().map_err(io::Error::other)?;
        let memory = resident(run.0.id())?;
        let _ = std::fs::remove_file(&file);
        wait(&mut run.0)?;
        let _ = std::fs::remove_file(&description);
        Ok(Idle { memory, seconds })
    };
    Ok([one(0)?, one(count)?])
}

fn resident(pid: u32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default().parse().map_err(io::Error::other)
}
