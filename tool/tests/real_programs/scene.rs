//! A folder with what a story needs, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A user without privileges: `nobody` on every Linux.
const NOBODY: u32 = 65534;

/// A folder, and as whom the program runs.
pub(crate) struct Scene {
    folder: PathBuf,
    unprivileged: bool,
}

/// True if the tests run as root.
pub(crate) fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nUid:\t0\t"))
}

/// Where PostgreSQL's server programs are.
pub(crate) fn postgres() -> Option<String> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .map(|path| path.join("bin"))
        .find(|bin| bin.join("postgres").exists())
        .map(|bin| bin.display().to_string())
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).exists())
}

impl Scene {
    /// An empty folder, if all programs are installed; otherwise says which one is not.
    pub(crate) fn new(programs: &[&str]) -> Option<Self> {
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
        Some(Self { folder, unprivileged: false })
    }

    /// The same, run as a user without privileges. Whoever runs the tests without any has no choice.
    pub(crate) fn unprivileged(programs: &[&str]) -> Option<Self> {
        let mut scene = Self::new(programs)?;
        scene.unprivileged = is_root();
        Some(scene)
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str, content: &[u8]) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders");
        std::fs::write(path, content).expect("a file");
    }

    /// Builds something in the folder; says aloud if that cannot be done here.
    pub(crate) fn build(&self, words: &[&str], env: &[(&str, &str)]) -> bool {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.folder).envs(env.iter().copied());
        command.env("GOCACHE", self.folder.join("cache")).env("HOME", &self.folder);
        let built = command.status().is_ok_and(|status| status.success());
        if !built {
            eprintln!("SKIPPED: {words:?} does not work here");
        }
        built
    }

    /// A PostgreSQL cluster in `data`, with a user `bench` whom everybody may be.
    pub(crate) fn postgres_cluster(&self, bin: &str) -> bool {
        let data = self.folder.join("data");
        let mut words =
            vec![format!("{bin}/initdb"), "-D".into(), data.display().to_string(), "-U".into(), "bench".into(), "-N".into()];
        words.extend(["-A".into(), "trust".into()]);
        if is_root() {
            let as_postgres =
                |words: Vec<String>| ["runuser", "-u", "postgres", "--"].map(String::from).into_iter().chain(words).collect();
            std::fs::create_dir_all(&data).expect("a folder");
            let owned = Command::new("chown").args(["postgres", &data.display().to_string()]).status();
            if !owned.is_ok_and(|status| status.success()) {
                eprintln!("SKIPPED: there is no user postgres");
                return false;
            }
            words = as_postgres(words);
        }
        if !self.build(&words.iter().map(String::as_str).collect::<Vec<_>>(), &[]) {
            return false;
        }
        let rules = "local all all trust\nhost all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n";
        std::fs::write(data.join("pg_hba.conf"), rules).expect("the rules of the cluster");
        true
    }

    /// Runs a lab file (`WORK` in it is the folder) and asserts that all of it holds; gives the run folder.
    pub(crate) fn holds(&self, lab: &str) -> PathBuf {
        let work = self.folder.display().to_string();
        self.file("lab.toml", lab.replace("WORK", &work).as_bytes());
        let run = self.folder.join("run");
        // Tests share the machine: what is judged here is not how late it was.
        let loggia = env!("CARGO_BIN_EXE_loggia");
        let mut words = vec![
            loggia.to_owned(),
            "run".into(),
            "--lag-limit".into(),
            "20s".into(),
            "--out".into(),
            run.display().to_string(),
            "lab.toml".into(),
        ];
        if self.unprivileged {
            let everything = Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}"), &work]).status();
            assert!(everything.is_ok_and(|status| status.success()), "the folder is given away");
            // The program may lie where nobody else may look.
            let copy = self.folder.join("loggia");
            std::fs::copy(loggia, &copy).expect("a copy of the program");
            words[0] = copy.display().to_string();
            let become_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"].map(String::from);
            words = become_nobody.into_iter().chain(words).collect();
        }
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.folder).env("PATH", path).env("HOME", &self.folder).stdin(Stdio::null());
        let done = command.output().expect("loggia runs");
        assert!(
            done.status.success(),
            "{lab}\n{}\n{}\n{}",
            done.status,
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        check_captures(&run);
        run
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
