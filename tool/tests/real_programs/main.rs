//! Real programs, unmodified, on a described network: each story is a lab file, run by the program as a user would. Programs that are not
//! installed are skipped aloud; the test command installs them.
#![cfg(target_os = "linux")]

mod scene;

use scene::Scene;

const NGINX: &str = "
daemon off;
worker_processes 2;
error_log stderr;
pid nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
    server { listen 8080 reuseport; listen [::]:8080 reuseport; root site; }
}
";

/// `nginx` as a host of a lab, in the scene's folder.
const NGINX_HOST: &str = r#"
[host.server]
run = ["nginx", "-p", "WORK/", "-c", "WORK/nginx.conf", "-e", "stderr"]
ready = { listen = "tcp/8080" }
stop = "QUIT"
expect = "running"
"#;

const WAN: &str = r#"
schema = 1
deadline = "900s"
[link.wan]
ends = ["server", "client"]
"#;

fn nginx(scene: &Scene, megabytes: usize) {
    scene.file("nginx.conf", NGINX.as_bytes());
    let block: Vec<u8> = (0..1 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    scene.file("site/big", &block.repeat(megabytes));
    scene.file("site/small", b"small");
}

fn nginx_serves_a_large_file(scene: &Scene, megabytes: usize) {
    nginx(scene, megabytes);
    let client = r#"
rtt = "50ms"
loss = "1%"
[host.client]
run = ["sh", "-ec", "curl -sS --fail -o got4 http://server:8080/big && cmp got4 site/big && curl -sS -6 --fail -o got6 http://server:8080/small && cmp got6 site/small"]
after = "server"
"#;
    scene.holds(&format!("{WAN}{client}{NGINX_HOST}"));
}

#[test]
fn nginx_serves_megabytes_to_curl_over_loss() {
    if let Some(scene) = Scene::new(&["nginx", "curl", "cmp"]) {
        nginx_serves_a_large_file(&scene, 3);
    }
}

#[test]
#[ignore = "takes five minutes: one loss in a hundred at 50 ms is what keeps any TCP at some 350 kB/s"]
fn nginx_serves_100_megabytes_to_curl_over_loss() {
    if let Some(scene) = Scene::new(&["nginx", "curl", "cmp"]) {
        nginx_serves_a_large_file(&scene, 100);
    }
}

#[test]
fn nginx_and_curl_need_no_privilege() {
    if let Some(scene) = Scene::unprivileged(&["nginx", "curl", "cmp"]) {
        nginx(&scene, 2);
        let client =
            "rtt = \"10ms\"\n[host.client]\nrun = \"curl -sS --fail -o got http://server:8080/big\"\nafter = \"server\"\n";
        scene.holds(&format!("{WAN}{client}{NGINX_HOST}"));
    }
}

#[test]
fn two_hundred_clients_are_served_at_once() {
    if let Some(scene) = Scene::new(&["nginx", "curl"]) {
        nginx(&scene, 1);
        let client = "rtt = \"20ms\"\n[host.client]\ncount = 200\nrun = \"curl -sS --fail -o /dev/null http://server:8080/small\"\nafter = \"server\"\n";
        scene.holds(&format!("{WAN}{client}{NGINX_HOST}"));
    }
}

#[test]
fn redis_is_benchmarked() {
    let Some(scene) = Scene::new(&["redis-server", "redis-benchmark", "redis-cli"]) else { return };
    scene.holds(&format!(
        r#"{WAN}
rtt = "1ms"
[host.server]
run = ["redis-server", "--port", "6379", "--save", "", "--protected-mode", "no", "--dir", "WORK"]
ready = {{ listen = "tcp/6379" }}
expect = "running"
[host.client]
run = ["sh", "-ec", "redis-benchmark -h server -n 5000 -c 50 -q -t get,set && redis-cli -h server set k v && test $(redis-cli -h server get k) = v"]
after = "server"
"#
    ));
}

#[test]
fn iperf3_measures_both_directions_and_udp() {
    let Some(scene) = Scene::new(&["iperf3"]) else { return };
    scene.holds(&format!(
        r#"{WAN}
rtt = "4ms"
rate = "100mbit"
[host.server]
run = "iperf3 -s"
stop = {{ exit = 1 }}
ready = {{ listen = "tcp/5201" }}
expect = "running"
[host.client]
run = ["sh", "-ec", "iperf3 -c server -t 2; sleep 1; iperf3 -c server -t 2 -R; sleep 1; iperf3 -6 -c server -t 1; sleep 1; iperf3 -u -b 10M -c server -t 2"]
after = "server"
[[check]]
metric = "tcp.goodput"
expect = "max > 50mbit"
"#
    ));
}

const ASYNCIO: &str = r#"
import asyncio, sys

async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()

async def ask(number, host):
    reader, writer = await asyncio.open_connection(host, 4007)
    sent = bytes([number]) * 200_000
    writer.write(sent)
    writer.write_eof()
    got = await asyncio.wait_for(reader.read(-1), 30)
    assert got == sent, (number, len(got))
    writer.close()

async def main():
    if sys.argv[1] == "serve":
        server = await asyncio.start_server(serve, None, 4007)
        await server.serve_forever()
    else:
        await asyncio.gather(*(ask(number, sys.argv[2]) for number in range(20)))

asyncio.run(main())
"#;

#[test]
fn asyncio_talks_with_asyncio() {
    let Some(scene) = Scene::new(&["python3"]) else { return };
    scene.file("talk.py", ASYNCIO.as_bytes());
    scene.holds(&format!(
        r#"{WAN}
rtt = "10ms"
loss = "0.5%"
[host.server]
run = "python3 talk.py serve"
ready = {{ listen = "tcp/4007" }}
expect = "running"
[host.client]
run = "python3 talk.py ask server"
after = "server"
"#
    ));
}

const GO: &str = r#"
package main

import ("fmt"; "io"; "net/http"; "os"; "strings"; "sync")

func main() {
	if os.Args[1] == "serve" {
		http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Write(body)
		})
		panic(http.ListenAndServe(":4007", nil))
	}
	var group sync.WaitGroup
	for n := 0; n < 20; n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			text := strings.Repeat(fmt.Sprint(n), 50000)
			answer, err := http.Post("http://"+os.Args[2]+":4007/", "text/plain", strings.NewReader(text))
			if err != nil { panic(err) }
			body, err := io.ReadAll(answer.Body)
			if err != nil || string(body) != text { panic(fmt.Sprint("wrong answer ", err)) }
		}()
	}
	group.Wait()
}
"#;

#[test]
fn go_programs_talk_though_they_are_static() {
    let Some(scene) = Scene::new(&["go"]) else { return };
    scene.file("talk.go", GO.as_bytes());
    if !scene.build(
        &["go", "build", "-o", "talk", "talk.go"],
        &[("CGO_ENABLED", "0"), ("GOFLAGS", "-mod=mod"), ("GO111MODULE", "off")],
    ) {
        return;
    }
    scene.holds(&format!(
        r#"{WAN}
rtt = "10ms"
[host.server]
run = "./talk serve"
ready = {{ listen = "tcp/4007" }}
expect = "running"
[host.client]
run = "./talk ask server"
after = "server"
"#
    ));
}

const C: &str = r#"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what) { perror(what); exit(1); }

int main(int argc, char **argv) {
    char room[4096];
    if (!strcmp(argv[1], "serve")) {
        int one = 1, listener = socket(AF_INET6, SOCK_STREAM, 0);
        struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(4007)};
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(listener, (void *)&name, sizeof name) || listen(listener, 8)) fail("listen");
        for (;;) {
            int peer = accept(listener, 0, 0);
            if (peer < 0) fail("accept");
            if (!fork()) {
                ssize_t len;
                while ((len = read(peer, room, sizeof room)) > 0) write(peer, room, len);
                _exit(0);
            }
            close(peer);
        }
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(argv[2], "4007", &hints, &found)) fail("getaddrinfo");
    for (; found; found = found->ai_next) {
        int peer = socket(found->ai_family, SOCK_STREAM, 0);
        if (connect(peer, found->ai_addr, found->ai_addrlen)) fail("connect");
        memset(room, 'x', sizeof room);
        if (write(peer, room, sizeof room) != sizeof room || shutdown(peer, SHUT_WR)) fail("write");
        size_t got = 0;
        ssize_t len;
        while ((len = read(peer, room, sizeof room)) > 0) got += len;
        if (got != sizeof room) fail("short answer");
        close(peer);
    }
    return 0;
}
"#;

#[test]
fn a_static_musl_program_that_forks_serves_both_families() {
    let Some(scene) = Scene::new(&["musl-gcc"]) else { return };
    scene.file("talk.c", C.as_bytes());
    if !scene.build(&["musl-gcc", "-static", "-O1", "-w", "-o", "talk", "talk.c"], &[]) {
        return;
    }
    scene.holds(&format!(
        r#"{WAN}
rtt = "10ms"
[host.server]
run = "./talk serve"
ready = {{ listen = "tcp/4007" }}
expect = "running"
[host.client]
count = 5
run = "./talk ask server"
after = "server"
"#
    ));
}

const NODE: &str = r#"
const http = require("http");
if (process.argv[2] === "serve") {
  http.createServer((request, answer) => request.pipe(answer)).listen(4007);
} else {
  let left = 20;
  for (let n = 0; n < 20; n++) {
    const text = String(n).repeat(50000);
    const request = http.request({ host: process.argv[3], port: 4007, method: "POST" }, (answer) => {
      let got = "";
      answer.on("data", (part) => (got += part));
      answer.on("end", () => { if (got !== text) process.exit(1); if (--left === 0) process.exit(0); });
    });
    request.on("error", (error) => { console.error(error); process.exit(1); });
    request.end(text);
  }
}
"#;

#[test]
fn node_talks_with_node() {
    let Some(scene) = Scene::new(&["node"]) else { return };
    scene.file("talk.js", NODE.as_bytes());
    scene.holds(&format!(
        r#"{WAN}
rtt = "10ms"
[host.server]
run = "node talk.js serve"
ready = {{ listen = "tcp/4007" }}
expect = "running"
[host.client]
run = "node talk.js ask server"
after = "server"
"#
    ));
}

#[test]
fn postgres_is_benchmarked() {
    let Some(scene) = Scene::new(&["psql", "pgbench"]) else { return };
    let Some(bin) = scene::postgres() else {
        eprintln!("SKIPPED: no PostgreSQL server below /usr/lib/postgresql");
        return;
    };
    if !scene.postgres_cluster(&bin) {
        return;
    }
    let user = if scene::is_root() { "user = \"postgres\"\n" } else { "" };
    scene.holds(&format!(
        r#"{WAN}
rtt = "2ms"
[host.server]
run = ["{bin}/postgres", "-D", "WORK/data", "-k", "WORK/data", "-p", "5432", "-c", "listen_addresses=*", "-c", "fsync=off"]
{user}ready = {{ listen = "tcp/5432" }}
expect = "running"
stop = "INT"
[host.client]
run = ["sh", "-ec", "for n in 1 2 3 4 5 6 7 8 9; do psql -h server -U bench -c 'select 1' postgres && break; sleep 0.5; done; pgbench -h server -U bench -i -s 1 postgres && pgbench -h server -U bench -c 8 -j 2 -t 50 postgres"]
after = "server"
"#
    ));
}

#[test]
fn a_shell_script_starts_servers_in_the_background_and_all_of_it_ends() {
    let Some(scene) = Scene::new(&["bash", "python3", "curl"]) else { return };
    scene.file("site/index.html", b"hello");
    let script = "#!/bin/bash\nset -e\npython3 -m http.server 8001 --directory site >/dev/null 2>&1 &\n\
                  (setsid python3 -m http.server 8002 --directory site >/dev/null 2>&1 &)\n\
                  for port in 8001 8002; do for n in $(seq 100); do curl -s http://localhost:$port/ && break || sleep 0.1; done; done\n";
    scene.file("script.sh", script.as_bytes());
    scene.holds("schema = 1\ndeadline = \"60s\"\n[host.box]\nrun = \"bash script.sh\"\n");
    assert!(!Scene::anybody_left("http.server 8002"), "a daemon outlived the run");
}
