//! A world of a few hosts driven by the real clock, with unmodified programs on them.
#![allow(dead_code)]

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::{Duration, Instant as Clock};

use loggia_cli::intercept::{Options, Supervisor, filter};
use loggia_cli::process::{Command, Event, Output, Program, Spawner, Status};
use loggia_lab::link::Terms;
use loggia_lab::world::{End, Frames, HostId, PortConfig, World};
use loggia_stack::Seed;
use loggia_stack::base::{Addr, Cidr, Instant};
use loggia_stack::engine::Config;
use loggia_stack::link::Mac;

/// Far longer than anything takes: only a failing test waits so long.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Two hosts, 10.0.0.1 (fd00::1) and 10.0.0.2 (fd00::2), with a link between them.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) supervisor: Supervisor,
    spawner: Option<Spawner>,
    started: Clock,
    programs: Vec<Running>,
    folder: PathBuf,
    precise: bool,
}

struct Running {
    program: Option<Program>,
    status: Option<Status>,
    out: PathBuf,
}

/// A program that was started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handle(usize);

/// What came of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) output: String,
}

const SETTLED: Instant = Instant::from_secs(3);

pub(crate) const A: HostId = HostId(0);
pub(crate) const B: HostId = HostId(1);

impl Stage {
    /// With a link of so many milliseconds each way.
    pub(crate) fn new(name: &str, delay: u64) -> Self {
        let options = Options { precise: std::env::var("LOGGIA_PRECISE").is_ok(), ..Options::default() };
        Self::with(name, Terms { delay: Duration::from_millis(delay), ..Terms::default() }, options)
    }

    pub(crate) fn with(name: &str, terms: Terms, options: Options) -> Self {
        let spawner = Spawner::start().expect("a warden");
        let mut world = World::new(Seed::from(1));
        let frames = if std::env::var("SMALL").is_ok() { Frames::Packets } else { Frames::of(&terms) };
        let ends = [1, 2].map(|last| host(&mut world, last, frames));
        world.connect("wan", ends, [terms.clone(), terms]);
        let folder = std::env::temp_dir().join(format!("loggia-intercept-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let precise = options.precise;
        let supervisor = Supervisor::new(options).expect("a supervisor");
        let mut stage =
            Self { world, supervisor, spawner: Some(spawner), started: Clock::now(), programs: Vec::new(), folder, precise };
        // IPv6 addresses are checked for duplicates for the first two seconds.
        stage.world.advance(SETTLED);
        stage
    }

    /// A folder of this stage's own.
    pub(crate) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Starts a shell command on a host.
    pub(crate) fn sh(&mut self, host: HostId, script: &str) -> Handle {
        let out = self.folder.join(format!("out-{}", self.programs.len()));
        let file = |path: &PathBuf| Output::File(File::options().create(true).append(true).open(path).expect("a file"));
        let command = Command::new("sh").args(["-c", script]).stdout(file(&out)).stderr(file(&out));
        self.start(host, command, out)
    }

    pub(crate) fn start(&mut self, host: HostId, command: Command, out: PathBuf) -> Handle {
        let command = command.current_dir(&self.folder);
        let filter: Vec<_> = filter::program(self.precise);
        let spawned = self.spawner.as_ref().expect("a spawner").spawn(&command, Some(&filter)).expect("a program");
        self.supervisor.adopt(host, spawned.listener.expect("a listener")).expect("adopted");
        self.programs.push(Running { program: Some(spawned.program), status: None, out });
        Handle(self.programs.len() - 1)
    }

    fn now(&self) -> Instant {
        SETTLED + self.started.elapsed()
    }

    /// One round of the loop.
    pub(crate) fn turn(&mut self, most: Duration) {
        let next = self.world.next_deadline().min(self.supervisor.next_deadline());
        let wait = next.since(self.now()).min(most);
        self.supervisor.wait(Some(wait)).expect("waits");
        let now = self.now();
        self.world.advance(now);
        self.supervisor.advance(&mut self.world);
        self.readiness();
        self.supervisor.turn(&mut self.world);
        self.readiness();
        for running in &mut self.programs {
            let Some(program) = &mut running.program else { continue };
            for event in program.turn() {
                match event {
                    Event::Ended { status, .. } => running.status = Some(status),
                    Event::TreeEnded(_) => self.supervisor.gone(&mut self.world),
                    _ => {}
                }
            }
        }
    }

    fn readiness(&mut self) {
        while let Some((host, socket, ready)) = self.world.next_ready() {
            self.supervisor.ready(&mut self.world, host, socket, ready);
        }
    }

    /// Whether a program has ended.
    pub(crate) fn has_ended(&self, handle: Handle) -> bool {
        self.programs[handle.0].status.is_some()
    }

    /// Lets the world go on until a program has ended.
    pub(crate) fn finish(&mut self, handle: Handle) -> Outcome {
        self.finish_within(handle, LONG)
    }

    pub(crate) fn finish_within(&mut self, handle: Handle, most: Duration) -> Outcome {
        let until = Clock::now() + most;
        while self.programs[handle.0].status.is_none() {
            assert!(Clock::now() < until, "not finished: {}", self.output(handle));
            self.turn(Duration::from_millis(20));
        }
        let status = self.programs[handle.0].status.expect("it has ended");
        Outcome { status, output: self.output(handle) }
    }

    /// Lets the world go on until a program has written something.
    pub(crate) fn until_says(&mut self, handle: Handle, text: &str) {
        let until = Clock::now() + LONG;
        while !self.output(handle).contains(text) {
            assert!(Clock::now() < until, "it never said {text:?} but {}", self.output(handle));
            self.turn(Duration::from_millis(20));
        }
    }

    /// Lets the world go on until somebody listens on a port of a host.
    pub(crate) fn until_listens(&mut self, host: HostId, port: u16) {
        let until = Clock::now() + LONG;
        let end = format!(":{port}");
        let listens = |stage: &mut Self| {
            let rows = stage.world.stack(host).socket_rows();
            rows.iter().any(|row| (row.state == "LISTEN" || row.netid == "udp") && row.local.ends_with(&end))
        };
        while !listens(self) {
            assert!(
                Clock::now() < until,
                "nobody listens on {port}: {:?}",
                (0..self.programs.len()).map(|n| self.output(Handle(n))).collect::<Vec<_>>()
            );
            self.turn(Duration::from_millis(20));
        }
    }

    /// Lets the world go on until something is so.
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&mut Self) -> bool) {
        let until = Clock::now() + LONG;
        while !is_so(self) {
            assert!(Clock::now() < until, "not so: {what}");
            self.turn(Duration::from_millis(20));
        }
    }

    /// Lets the world go on for a while.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = Clock::now() + time;
        while Clock::now() < until {
            self.turn(until - Clock::now());
        }
    }

    pub(crate) fn output(&self, handle: Handle) -> String {
        let mut text = Vec::new();
        let _ = File::open(&self.programs[handle.0].out).and_then(|mut file| file.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }

    pub(crate) fn kill(&mut self, handle: Handle) {
        self.programs[handle.0].program = None;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.programs.clear();
        if let Some(spawner) = self.spawner.take() {
            let _ = spawner.close(LONG);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn host(world: &mut World, last: u8, frames: Frames) -> End {
    let host = world.add_host(if last == 1 { "a" } else { "b" }, Config::default());
    let config = PortConfig { name: "eth0".into(), mac: Mac([2, 0, 0, 0, 0, last]), mtu: 1500, frames };
    let port = world.add_port(host, &config).expect("an interface");
    let link = world.hosts()[host.0].link(port);
    world.stack(host).add_address(link, Cidr::new(Addr::v4(10, 0, 0, last), 24)).expect("an address");
    let mut v6 = [0; 16];
    (v6[0], v6[15]) = (0xfd, last);
    world.stack(host).add_address(link, Cidr::new(Addr::from_v6(v6), 64)).expect("an address");
    world.settle(host);
    End::Host { host, port }
}
