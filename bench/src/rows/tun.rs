//! Rows 6 and 7: the Linux kernel at the other end of a TUN device, in a network namespace of the benchmark's own. One connection that the kernel
//! opens, and 128 KiB a call of its; every subject has a new device of MTU 1500.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use loggia::Host;
use loggia::device::{Device, Tun};
use loggia::net::TcpListener;
use loggia_bench::pair::{WRITE, pattern};

use rustix::net::sockopt::set_tcp_congestion;

use crate::child;
use crate::figure::Sample;
use crate::floors::minimal::Bare;
use crate::peers;
use crate::probe::Effort;
use crate::timing::stay_on_core;

const NAME: &str = "bench0";
const MTU: u16 = 1500;
const OURS: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 0, 0, 2), 80);

/// With root's rights in a namespace of users of its own where we have none.
const UNSHARE: &[&str] = &["unshare", "--map-root-user", "--net", "--"];
const UNSHARE_AS_ROOT: &[&str] = &["unshare", "--net", "--"];

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    child::send(if rustix::process::geteuid().is_root() { UNSHARE_AS_ROOT } else { UNSHARE }, "tun", effort)
}

/// Whether a thread of the kernel's handles what a subject sends, as it does for a [`Tun`] without offloads if not told otherwise.
#[derive(Clone, Copy, PartialEq)]
enum KernelThread {
    Off,
    Default,
}

/// How a device is laid.
#[derive(Clone, Copy)]
struct Laid {
    headed: bool,
    kernel_thread: KernelThread,
}

/// One end of what is measured: takes or gives on the device until told.
type Sink = fn(Tun, bool, usize) -> Result<Duration, String>;
type Source = fn(Tun, bool, &AtomicBool, usize) -> Result<(), String>;

/// Who is measured, and over which devices.
struct Subject {
    name: &'static str,
    sink: Sink,
    source: Source,
    kernel_thread: KernelThread,
    plain: bool,
    headed: bool,
}

impl Subject {
    const fn new(name: &'static str, sink: Sink, source: Source) -> Self {
        Self { name, sink, source, kernel_thread: KernelThread::Off, plain: true, headed: true }
    }

    const fn threaded(self) -> Self {
        Self { kernel_thread: KernelThread::Default, ..self }
    }

    /// It neither cuts nor joins, or has no such thread then, so that with virtio-net headers there would be nothing to see.
    const fn only_plain(self) -> Self {
        Self { headed: false, ..self }
    }

    const fn only_headed(self) -> Self {
        Self { plain: false, ..self }
    }
}

const SUBJECTS: [Subject; 8] = [
    Subject::new("minimal TCP", minimal_sink, minimal_source),
    // What a socket cannot spare that is to be read and written out of a program's memory.
    Subject::new("minimal, copying", copying_sink, copying_source).only_headed(),
    Subject::new("loggia", loggia_sink, loggia_source).threaded(),
    Subject::new("loggia, `Bytes`", loggia_sink_of_bytes, loggia_source_of_bytes).threaded().only_headed(),
    Subject::new("minimal TCP, threaded", minimal_sink, minimal_source).threaded().only_plain(),
    Subject::new(peers::SMOLTCP, peers::smoltcp::tun::sink, peers::smoltcp::tun::source).only_plain(),
    Subject::new(peers::NETSTACK_SMOLTCP, peers::netstack_smoltcp::sink, peers::netstack_smoltcp::source).only_plain(),
    Subject::new(peers::IPSTACK, peers::ipstack::sink, peers::ipstack::source).only_plain(),
];

pub(crate) fn in_child(effort: Effort) -> Result<Vec<Sample>, String> {
    let (mut samples, mut failures) = (Vec::new(), Vec::new());
    for (row, headed, what, amount) in
        [(6, false, "plain", effort.of(400 << 20)), (7, true, "virtio-net header", effort.of(2 << 30))]
    {
        for &Subject { name: subject, sink, source, kernel_thread, .. } in
            SUBJECTS.iter().filter(|subject| if headed { subject.headed } else { subject.plain })
        {
            let device = Laid { headed, kernel_thread };
            // It is known to be ten times as slow.
            let amount = if subject == peers::IPSTACK { amount / 8 } else { amount };
            for (way, took) in
                [("kernel to us", to_us(sink, device, amount)), ("us to kernel", to_kernel(source, device, amount))]
            {
                match took {
                    Ok(took) => samples.push(Sample::rate(row, format!("{what}, {way}"), subject, amount, took)),
                    Err(why) => failures.push(format!("{what}, {way}, {subject}: {why}")),
                }
            }
        }
    }
    if samples.is_empty() {
        return Err(failures.join("; "));
    }
    // One that fails once does not take the others' figures with it.
    failures.iter().for_each(|failure| eprintln!("FAILED: {failure}"));
    samples.sort_by(|a, b| (a.row, &a.what).cmp(&(b.row, &b.what)));
    Ok(samples)
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("ip {arguments}: {words}")) }
}

fn lay(device: Laid) -> Result<Tun, String> {
    let open = || {
        let builder = Tun::builder().offloads(device.headed);
        match device.kernel_thread {
            KernelThread::Off => builder.kernel_thread(false),
            KernelThread::Default => builder,
        }
        .open(NAME)
    };
    // Whoever had it before may let go of it a little later.
    let busy = |tun: &io::Result<Tun>| tun.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy);
    let mut tun = open();
    for _ in 0..200 {
        if !busy(&tun) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        tun = open();
    }
    let tun = tun.map_err(|error| format!("no TUN: {error}"))?;
    // Room for all that a sender may have in flight: what is lost in the device's queue is not what is to be compared.
    ip(&format!("link set {NAME} mtu {MTU} txqueuelen 10000 up"))?;
    ip(&format!("address add 10.0.0.1/24 dev {NAME}"))?;
    Ok(tun)
}

/// The kernel's end does not wait for ever for a subject that has given up.
fn connect() -> io::Result<TcpStream> {
    const PATIENCE: Duration = Duration::from_secs(10);
    stay_on_core(0);
    let until = Instant::now() + PATIENCE;
    let stream = loop {
        match TcpStream::connect_timeout(&OURS.into(), PATIENCE) {
            // Nobody listens there yet.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
            }
            done => break done?,
        }
    };
    set_tcp_congestion(&stream, "cubic")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn to_us(sink: Sink, device: Laid, amount: usize) -> Result<Duration, String> {
    let tun = lay(device)?;
    let writer = std::thread::spawn(move || -> io::Result<TcpStream> {
        let mut stream = connect()?;
        let source = pattern(WRITE);
        for _ in 0..amount.div_ceil(WRITE) {
            stream.write_all(&source)?;
        }
        Ok(stream)
    });
    let took = sink(tun, device.headed, amount)?;
    // The device is gone; what the writer did not get rid of does not matter any more.
    drop(writer.join());
    Ok(took)
}

/// Reads so much, and how long it took from the first byte on.
fn read(stream: &mut impl Read, amount: usize) -> io::Result<Duration> {
    let mut room = vec![0; WRITE];
    let mut received = stream.read(&mut room)?;
    let began = Instant::now();
    while received < amount {
        match stream.read(&mut room)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => received += count,
        }
    }
    Ok(began.elapsed())
}

fn to_kernel(source: Source, device: Laid, amount: usize) -> Result<Duration, String> {
    let tun = lay(device)?;
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| -> io::Result<Duration> {
            let took = connect().and_then(|mut stream| read(&mut stream, amount));
            enough.store(true, Ordering::Release);
            took
        });
        source(tun, device.headed, &enough, amount)?;
        reader.join().expect("the reader").map_err(|error| error.to_string())
    })
}

/// The bare device.
fn bare(tun: &Tun, headed: bool, copies: bool) -> Bare<'_> {
    stay_on_core(1);
    Bare { fd: tun.descriptor(0).expect("a TUN has a descriptor"), headed, copies }
}

fn minimal_sink(tun: Tun, headed: bool, amount: usize) -> Result<Duration, String> {
    bare(&tun, headed, false).receive(amount, MTU)
}

fn minimal_source(tun: Tun, headed: bool, enough: &AtomicBool, _: usize) -> Result<(), String> {
    bare(&tun, headed, false).send(enough, MTU);
    Ok(())
}

fn copying_sink(tun: Tun, headed: bool, amount: usize) -> Result<Duration, String> {
    bare(&tun, headed, true).receive(amount, MTU)
}

fn copying_source(tun: Tun, headed: bool, enough: &AtomicBool, _: usize) -> Result<(), String> {
    bare(&tun, headed, true).send(enough, MTU);
    Ok(())
}

/// A host behind the device. Its thread shares a core with whoever reads or writes here.
fn host(tun: Tun) -> io::Result<(Host, TcpListener)> {
    stay_on_core(1);
    let host = Host::builder().address("10.0.0.2/24").device(tun).start()?;
    let listener = TcpListener::bind_on(&host, OURS)?;
    Ok((host, listener))
}

fn loggia_sink(tun: Tun, _: bool, amount: usize) -> Result<Duration, String> {
    receive(tun, |stream| read(stream, amount))
}

/// What came is shared with who reads it, not copied.
fn loggia_sink_of_bytes(tun: Tun, _: bool, amount: usize) -> Result<Duration, String> {
    receive(tun, |stream| {
        let mut received = stream.recv_bytes(WRITE)?.len();
        let began = Instant::now();
        while received < amount {
            match stream.recv_bytes(WRITE)?.len() {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => received += count,
            }
        }
        Ok(began.elapsed())
    })
}

fn receive(tun: Tun, read: impl FnOnce(&mut loggia::net::TcpStream) -> io::Result<Duration>) -> Result<Duration, String> {
    let work = || -> io::Result<Duration> {
        let (host, listener) = host(tun)?;
        let (mut stream, _) = listener.accept()?;
        let took = read(&mut stream)?;
        drop((stream, listener));
        // The kernel's end may hold its half open.
        let _ = host.shutdown(Duration::from_millis(200));
        Ok(took)
    };
    work().map_err(|error| error.to_string())
}

fn loggia_source(tun: Tun, _: bool, _: &AtomicBool, amount: usize) -> Result<(), String> {
    let source = pattern(WRITE);
    send(tun, amount, |stream| stream.write_all(&source))
}

/// What is sent is shared until it was acknowledged, not copied.
fn loggia_source_of_bytes(tun: Tun, _: bool, _: &AtomicBool, amount: usize) -> Result<(), String> {
    let source = Bytes::from(pattern(WRITE));
    send(tun, amount, |stream| stream.send_bytes(source.clone()).map(drop))
}

/// One `write` after the other, each of as much.
fn send(tun: Tun, amount: usize, mut write: impl FnMut(&mut loggia::net::TcpStream) -> io::Result<()>) -> Result<(), String> {
    let work = || -> io::Result<()> {
        let (host, listener) = host(tun)?;
        let (mut stream, _) = listener.accept()?;
        // The reader goes when it has had enough.
        let mut writes = 0..=amount.div_ceil(WRITE);
        while writes.next().is_some() && write(&mut stream).is_ok() {}
        drop((stream, listener));
        let _ = host.shutdown(Duration::from_secs(5));
        Ok(())
    };
    work().map_err(|error| error.to_string())
}
