//! A folder with what a story needs, and the program run in it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::story::User;

/// A user without privileges: `nobody` on every Linux.
const NOBODY: u32 = 65534;

/// A folder, and as whom the program runs.
pub(crate) struct Scene {
    folder: PathBuf,
    /// Root runs the tests, and the program runs as nobody.
    nobody: bool,
}

/// What came of a run.
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    /// What the program said.
    pub(crate) said: String,
    /// The run folder.
    pub(crate) folder: PathBuf,
}

/// True if the tests run as root.
fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}

/// Where PostgreSQL's server programs are.
fn postgres() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    versions.into_iter().rev().map(|path| path.join("bin")).find(|bin| bin.join("postgres").exists())
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).exists())
}

impl Scene {
    /// An empty folder, if all programs are installed; otherwise says which one is not. Whoever runs the tests without privileges is
    /// somebody without any.
    pub(crate) fn new(programs: &[&str], user: User) -> Option<Self> {
        for program in programs {
            if !installed(program) {
                eprintln!("SKIPPED: {program} is not installed");
                return None;
            }
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("loggia-scene-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(folder.join("tmp")).expect("a folder for the story");
        Some(Self { folder, nobody: is_root() && matches!(user, User::Nobody) })
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file in the folder. Always true: it stands among things that may not be had.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> bool {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders");
        std::fs::write(path, content).expect("a file");
        true
    }

    /// The program `talk`, built from a source by `compiler OUTPUT FILE`; once, whatever the number of tests that want it. Says aloud if
    /// it cannot be built here.
    pub(crate) fn built(&self, name: &str, source: &[u8], compiler: &[&str]) -> bool {
        let mut hasher = DefaultHasher::new();
        (name, source, compiler).hash(&mut hasher);
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{:016x}", hasher.finish()));
        if !kept.exists() {
            self.file(name, source);
            let words = [compiler, &["talk", name]].concat();
            if !self.works(&words, &[("CGO_ENABLED", "0"), ("GO111MODULE", "off")]) {
                return false;
            }
            // Renamed, so that nobody takes one that is half written.
            let fresh = kept.with_extension(std::process::id().to_string());
            std::fs::copy(self.path("talk"), &fresh)
                .and_then(|_| std::fs::rename(&fresh, &kept))
                .expect("what was built is kept");
        }
        std::fs::copy(kept, self.path("talk")).expect("what was built");
        true
    }

    /// Runs a command in the folder; says aloud if that cannot be done here.
    fn works(&self, words: &[&str], env: &[(&str, &str)]) -> bool {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.folder).envs(env.iter().copied());
        command.env("GOCACHE", self.path("cache")).env("HOME", &self.folder);
        let works = command.status().is_ok_and(|status| status.success());
        if !works {
            eprintln!("SKIPPED: {words:?} does not work here");
        }
        works
    }

    /// A PostgreSQL cluster in `data`, with a user `bench` whom everybody may be; the server's programs in `bin`. It does not run as root.
    pub(crate) fn postgres_cluster(&self) -> bool {
        let Some(bin) = postgres() else {
            eprintln!("SKIPPED: no PostgreSQL server below /usr/lib/postgresql");
            return false;
        };
        std::os::unix::fs::symlink(&bin, self.path("bin")).expect("a link");
        let data = self.path("data");
        std::fs::create_dir_all(&data).expect("a folder");
        let (data, initdb) = (data.display().to_string(), bin.join("initdb").display().to_string());
        let mut words = vec![initdb.as_str(), "-D", &data, "-U", "bench", "-N", "-A", "trust"];
        let owner = if self.nobody { "nobody" } else { "postgres" };
        if is_root() {
            if !self.works(&["chown", owner, &data], &[]) {
                return false;
            }
            words.splice(..0, ["runuser", "-u", owner, "--"]);
        }
        let rules = b"local all all trust\nhost all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n";
        self.works(&words, &[]) && self.file("data/pg_hba.conf", rules)
    }

    /// Runs a lab file and asserts that all of it holds, captures included.
    pub(crate) fn holds(&self, lab: &str) -> PathBuf {
        // Tests share the machine: what is judged here is not how late it was.
        let done = self.run(lab, &["--lag-limit", "20s"]);
        assert!(done.status.success(), "{lab}\n{}\n{}", done.status, done.said);
        check_captures(&done.folder);
        done.folder
    }

    /// Runs a lab file. `WORK` in it is the folder, `POSTGRES_USER` says who runs PostgreSQL.
    pub(crate) fn run(&self, lab: &str, options: &[&str]) -> Done {
        let work = self.folder.display().to_string();
        let postgres_user = if is_root() && !self.nobody { "user = \"postgres\"" } else { "" };
        self.file("lab.toml", lab.replace("WORK", &work).replace("POSTGRES_USER", postgres_user).as_bytes());
        let folder = self.path("run");
        let _ = std::fs::remove_dir_all(&folder);
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = self.loggia();
        command.arg("run").args(options).arg("--out").arg(&folder).arg("lab.toml");
        command.current_dir(&self.folder).env("PATH", path).env("HOME", &self.folder).stdin(Stdio::null());
        let done = command.output().expect("loggia runs");
        let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).join("\n");
        Done { status: done.status, said, folder }
    }

    /// The program, as whom it is to run.
    fn loggia(&self) -> Command {
        let loggia = Path::new(env!("CARGO_BIN_EXE_loggia"));
        if !self.nobody {
            return Command::new(loggia);
        }
        // It may lie where nobody else may look. The link is made after the rest was given away: it has one owner with the original.
        let reachable = self.path("loggia");
        let _ = std::fs::remove_file(&reachable);
        let everything = Command::new("chown").args(["-Rh", &format!("{NOBODY}:{NOBODY}")]).arg(&self.folder).status();
        assert!(everything.is_ok_and(|status| status.success()), "the folder is given away");
        if std::fs::hard_link(loggia, &reachable).is_err() {
            std::fs::copy(loggia, &reachable).expect("a copy of the program");
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(reachable);
        command
    }

    /// True if a process with this in its command line is there.
    pub(crate) fn anybody_left(text: &str) -> bool {
        let processes = std::fs::read_dir("/proc").expect("proc is there").flatten();
        let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines.into_iter().any(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(text))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// `tshark` finds no malformed packet and no wrong checksum in any capture.
fn check_captures(run: &Path) {
    if !installed("tshark") {
        eprintln!("SKIPPED: tshark is not installed, captures are not judged");
        return;
    }
    let hosts = std::fs::read_dir(run.join("hosts")).expect("hosts of the run").flatten();
    for host in hosts.take(5) {
        let capture = host.path().join("eth0.pcapng");
        if !capture.exists() {
            continue;
        }
        // Random payload looks like some protocol or other to its heuristics: what is malformed there is not ours.
        let bad = "(_ws.malformed && !(tcp.len > 0 || udp.length > 8)) || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";
        let mut tshark = Command::new("tshark");
        tshark.args(["-n", "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]);
        let found = tshark.args(["-c", "20000", "-Y", bad, "-r"]).arg(&capture).output().expect("tshark runs");
        let printed = String::from_utf8_lossy(&found.stdout);
        assert!(printed.trim().is_empty(), "{}: {}", capture.display(), printed.lines().take(5).collect::<Vec<_>>().join("\n"));
    }
}
