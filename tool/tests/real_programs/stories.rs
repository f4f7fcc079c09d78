//! The programs, and what they do.

use super::scene::Scene;
use super::story::{Family, Story, User, tell};

/// Keys of `nginx`, in the scene's folder.
const NGINX: &str = r#"
run = ["nginx", "-p", "WORK/", "-c", "WORK/nginx.conf", "-e", "stderr"]
ready = { listen = "tcp/8080" }
stop = "QUIT"
"#;

/// What it serves: files of so many megabytes, none like the next.
fn site(scene: &Scene, megabytes: u32) -> bool {
    scene.file("nginx.conf", include_bytes!("programs/nginx.conf"));
    let byte = |n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8;
    let block = |number: u32| (0..1 << 20).map(move |n: u32| byte(n ^ (number << 20)));
    scene.file("site/big", &(0..megabytes).flat_map(block).collect::<Vec<u8>>());
    scene.file("site/small", b"small");
    true
}

/// A loss of one in a hundred at 50 ms is what keeps any TCP at some 350 kB/s (1.22 segments / (RTT · √loss), Mathis et al. 1997).
const fn nginx_over_loss(prepare: fn(&Scene) -> bool) -> Story {
    Story {
        needs: &["nginx", "curl", "cmp"],
        prepare,
        link: "rtt = \"50ms\"\nloss = \"1%\"",
        server: NGINX,
        client: r#"run = ["sh", "-ec", "curl -sS --fail -o got http://URL:8080/big && cmp got site/big"]"#,
        more: "",
    }
}

tell! {
    nginx_serves_curl_over_loss: super::nginx_over_loss(|scene| super::site(scene, 1));

    two_hundred_clients_at_once: crate::story::Story {
        needs: &["nginx", "curl"],
        prepare: |scene| super::site(scene, 1),
        link: "rtt = \"20ms\"",
        server: super::NGINX,
        client: "count = 200\nrun = \"curl -sS -FAMILY --fail -o /dev/null http://server:8080/small\"",
        more: "",
    };

    redis_is_benchmarked: crate::story::Story {
        needs: &["redis-server", "redis-benchmark", "redis-cli"],
        prepare: |_| true,
        link: "rtt = \"1ms\"",
        server: r#"
run = ["redis-server", "--port", "6379", "--bind", "0.0.0.0", "::", "--save", "", "--protected-mode", "no", "--dir", "WORK"]
ready = { listen = "tcp/6379" }
"#,
        client: r#"run = ["sh", "-ec", "redis-benchmark -h SERVER -n 5000 -c 50 -q -t get,set && redis-cli -h SERVER set k v && test $(redis-cli -h SERVER get k) = v"]"#,
        more: "",
    };

    postgres_is_benchmarked: crate::story::Story {
        needs: &["psql", "pgbench"],
        prepare: crate::scene::Scene::postgres_cluster,
        link: "rtt = \"2ms\"",
        server: r#"
run = ["WORK/bin/postgres", "-D", "WORK/data", "-k", "WORK/data", "-p", "5432", "-c", "listen_addresses=*", "-c", "fsync=off"]
POSTGRES_USER
ready = { listen = "tcp/5432" }
stop = "INT"
"#,
        client: r#"run = ["sh", "-ec", "for n in 1 2 3 4 5 6 7 8 9; do psql -h SERVER -U bench -c 'select 1' postgres && break; sleep 0.5; done; pgbench -h SERVER -U bench -i -q -s 1 postgres && pgbench -h SERVER -U bench -c 8 -j 2 -t 25 postgres"]"#,
        more: "",
    };

    iperf3_measures_both_directions_and_udp: crate::story::Story {
        needs: &["iperf3"],
        prepare: |_| true,
        link: "rtt = \"4ms\"\nrate = \"100mbit\"",
        // A server each: one that has just served says that it is busy.
        server: r#"
run = ["sh", "-c", "iperf3 -s -p 5202 & iperf3 -s -p 5203 & exec iperf3 -s"]
ready = { listen = ["tcp/5201", "tcp/5202", "tcp/5203"] }
stop = { exit = 1 }
"#,
        client: r#"run = ["sh", "-ec", "iperf3 -c SERVER -t 1; iperf3 -p 5202 -c SERVER -t 1 -R; iperf3 -p 5203 -u -b 10M -c SERVER -t 1"]"#,
        more: "[[check]]\nmetric = \"tcp.goodput\"\nexpect = \"max > 50mbit\"",
    };

    asyncio_talks_with_asyncio: crate::story::Story {
        needs: &["python3"],
        prepare: |scene| scene.file("talk.py", include_bytes!("programs/talk.py")),
        link: "rtt = \"10ms\"\nloss = \"0.5%\"",
        server: "run = \"python3 talk.py serve\"\nready = { listen = \"tcp/4007\" }",
        client: "run = \"python3 talk.py ask SERVER\"",
        more: "",
    };

    node_talks_with_node: crate::story::Story {
        needs: &["node"],
        prepare: |scene| scene.file("talk.js", include_bytes!("programs/talk.js")),
        link: "rtt = \"10ms\"",
        server: "run = \"node talk.js serve\"\nready = { listen = \"tcp/4007\" }",
        client: "run = \"node talk.js ask SERVER\"",
        more: "",
    };

    go_talks_with_go_though_it_is_static: crate::story::Story {
        needs: &["go"],
        prepare: |scene| scene.built("talk.go", include_bytes!("programs/talk.go"), &["go", "build", "-o"]),
        link: "rtt = \"10ms\"",
        server: "run = \"./talk serve\"\nready = { listen = \"tcp/4007\" }",
        client: "run = \"./talk ask SERVER\"",
        more: "",
    };

    a_script_starts_static_servers_of_all_kinds: crate::story::Story {
        needs: &["musl-gcc", "bash"],
        prepare: |scene| {
            scene.file("kinds.sh", include_bytes!("programs/kinds.sh"))
                && scene.built("talk.c", include_bytes!("programs/talk.c"), &["musl-gcc", "-static", "-O1", "-w", "-o"])
        },
        link: "rtt = \"10ms\"",
        server: "run = \"bash kinds.sh\"\nready = { listen = \"tcp/4006\" }",
        client: "run = \"./talk ask SERVER 4001 4002 4003 4004 4005 4006\"",
        more: "",
    };
}

#[test]
fn nginx_serves_10_megabytes_to_curl_over_loss() {
    nginx_over_loss(|scene| site(scene, 10)).tell(Family::V4, User::Own);
}

#[test]
#[ignore = "takes five minutes: one loss in a hundred at 50 ms is what keeps any TCP at some 350 kB/s"]
fn nginx_serves_100_megabytes_to_curl_over_loss() {
    nginx_over_loss(|scene| site(scene, 100)).tell(Family::V4, User::Own);
}

#[test]
#[ignore = "takes five minutes: one loss in a hundred at 50 ms is what keeps any TCP at some 350 kB/s"]
fn nginx_serves_100_megabytes_to_curl_over_loss_and_ipv6() {
    nginx_over_loss(|scene| site(scene, 100)).tell(Family::V6, User::Nobody);
}
