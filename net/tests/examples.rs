//! The examples run.

#[path = "../../examples/framed.rs"]
mod framed;
#[path = "../../examples/hello.rs"]
mod hello;
#[path = "../../examples/http.rs"]
mod http;
#[path = "../../examples/quic.rs"]
mod quic;
#[path = "../../examples/tls.rs"]
mod tls;

#[test]
fn hosts_greet_each_other() {
    hello::main().expect("a greeting");
}

#[test]
fn axum_serves_and_hyper_asks() {
    http::main().expect("an answer");
}

#[test]
fn lines_go_by_a_codec() {
    framed::main().expect("lines");
}

#[test]
fn rustls_speaks_over_our_streams() {
    tls::main().expect("an echo");
}

#[test]
fn quinn_speaks_over_our_datagrams() {
    quic::main().expect("echoes");
}
