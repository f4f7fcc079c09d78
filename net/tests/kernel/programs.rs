//! The machine's own programs against our sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::net::{TcpListener, TcpStream};

use crate::namespace::{attempt, has, inside, run};
use crate::wire::{KERNEL, OURS, WIRES, lay, tear_down};

/// A program that runs beside, until it is dropped.
pub(crate) struct Beside(Child);

impl Beside {
    pub(crate) fn start(command: &str) -> Self {
        let mut words = command.split_whitespace();
        let mut command = Command::new(words.next().expect("a command"));
        Self(command.args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects from us to a server that has been started a moment ago.
fn connect_when_ready(host: &Host, to: SocketAddr) -> TcpStream {
    for _ in 0..1000 {
        if let Ok(stream) = TcpStream::connect_on(host, to) {
            return stream;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("nobody listens at {to}");
}

/// Answers each request with `body`, for ever.
fn serve(listener: TcpListener, body: Arc<Vec<u8>>) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // The client may have had enough.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
}

fn curl_fetches_from_us(host: &Host) {
    let body = Arc::new(b"0123456789abcdef".repeat(100_000));
    for ours in OURS {
        let at = SocketAddr::new(ours, 80);
        serve(TcpListener::bind_on(host, at).expect("bind"), body.clone());
        let url = format!("http://{at}/");
        assert!(run(&format!("curl --silent --show-error --noproxy * --max-time 60 {url}")).into_bytes() == *body);
    }
}

fn we_fetch_from_python(host: &Host) {
    let folder = std::env::temp_dir();
    let name = format!("loggia-kernel-{}", std::process::id());
    let body = b"0123456789abcdef".repeat(100_000);
    std::fs::write(folder.join(&name), &body).expect("a file");
    for kernel in KERNEL {
        let at = SocketAddr::new(kernel, 8000);
        let _server = Beside::start(&format!(
            "python3 -m http.server 8000 --bind {kernel} --directory {}",
            folder.to_str().expect("UTF-8")
        ));
        let mut stream = connect_when_ready(host, at);
        write!(stream, "GET /{name} HTTP/1.0\r\n\r\n").expect("write");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("read");
        assert!(all.ends_with(&body) && all.starts_with(b"HTTP/1.0 200"));
    }
    std::fs::remove_file(folder.join(name)).expect("it is there");
}

/// Carries what comes at our port to the kernel's server, and what that answers back.
fn relay(host: &Host, listener: TcpListener, to: SocketAddr) {
    let host = host.clone();
    thread::spawn(move || {
        for from in listener.incoming() {
            let Ok(from) = from else { return };
            let Ok(to) = TcpStream::connect_on(&host, to) else { return };
            let (from_too, to_too) = (from.try_clone().expect("a clone"), to.try_clone().expect("a clone"));
            thread::spawn(move || carry(&from, &to));
            thread::spawn(move || carry(&to_too, &from_too));
        }
    });
}

/// Either end may go at any time.
fn carry(from: &TcpStream, to: &TcpStream) {
    let _ = std::io::copy(&mut &*from, &mut &*to);
    let _ = to.shutdown(Shutdown::Write);
}

/// The file as the kernel's nginx gives it to our client, over one connection: whole, and a piece of it.
fn we_fetch_from_nginx(host: &Host) {
    let folder = std::env::temp_dir().join(format!("loggia-nginx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let body = b"0123456789abcdef".repeat(100_000);
    std::fs::write(folder.join("file"), &body).expect("a file");
    let at = folder.to_str().expect("UTF-8");
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|what| format!("{what}_temp_path {at}/{what};")).concat();
    let configuration = format!(
        "user root root; daemon off; master_process off; pid {at}/pid; error_log {at}/errors; events {{}} \
         http {{ access_log off; {temporary} server {{ listen {}:8080; listen [{}]:8080; root {at}; }} }}",
        KERNEL[0], KERNEL[1]
    );
    std::fs::write(folder.join("nginx.conf"), configuration).expect("a file");
    let server = Beside::start(&format!("nginx -e {at}/errors -p {at} -c {at}/nginx.conf"));
    for kernel in KERNEL {
        let mut stream = connect_when_ready(host, SocketAddr::new(kernel, 8080));
        write!(stream, "GET /file HTTP/1.1\r\nHost: kernel\r\n\r\n").expect("write");
        write!(stream, "GET /file HTTP/1.1\r\nHost: kernel\r\nRange: bytes=16-31\r\nConnection: close\r\n\r\n").expect("write");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("read");
        let head = all.windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4;
        assert!(all.starts_with(b"HTTP/1.1 200") && all[head..].starts_with(&body));
        let rest = &all[head + body.len()..];
        assert!(rest.starts_with(b"HTTP/1.1 206") && rest.ends_with(b"\r\n\r\n0123456789abcdef"));
    }
    drop(server);
    std::fs::remove_dir_all(folder).expect("it is there");
}

fn iperf3_through_us(host: &Host) {
    for (ours, kernel) in OURS.into_iter().zip(KERNEL) {
        let _server = Beside::start(&format!("iperf3 --server --bind {kernel} --port 5201"));
        drop(connect_when_ready(host, SocketAddr::new(kernel, 5201)));
        let port = 5202;
        relay(host, TcpListener::bind_on(host, SocketAddr::new(ours, port)).expect("bind"), SocketAddr::new(kernel, 5201));
        for direction in ["", "--reverse", "--bidir"] {
            let client = format!("iperf3 --client {ours} --port {port} --bytes 10M --parallel 2 {direction}");
            // Its server takes one test at a time and opens its port anew after each: who comes too early is refused, reset or hung up on.
            let early = |why: &String| ["busy", "reset", "closed unexpectedly", "refused"].iter().any(|word| why.contains(word));
            let failed = (0..200).map_while(|_| {
                thread::sleep(Duration::from_millis(50));
                attempt(&client).err()
            });
            let last = failed.inspect(|why| assert!(early(why), "{why}")).count();
            assert!(last < 200, "{client} never went through");
        }
    }
}

fn ping_reaches_us(_: &Host) {
    for ours in OURS {
        run(&format!("ping -c 3 -i 0.01 -W 20 {ours}"));
        run(&format!("ping -c 1 -s 4000 -W 20 {ours}"));
    }
}

macro_rules! tests {
    ($($program:literal $story:ident)*) => {
        mod machine {
            $(#[test]
            fn $story() {
                super::inside(concat!("programs::machine::", stringify!($story)), || super::over_every_wire($program, super::$story));
            })*
        }
    };
}

fn over_every_wire(program: &str, story: fn(&Host)) {
    if !has(program) {
        return;
    }
    for wire in WIRES {
        println!("{wire:?}");
        let host = lay(wire);
        story(&host);
        tear_down(&host);
    }
}

tests! {
    "curl" curl_fetches_from_us
    "python3" we_fetch_from_python
    "nginx" we_fetch_from_nginx
    "iperf3" iperf3_through_us
    "ping" ping_reaches_us
}
