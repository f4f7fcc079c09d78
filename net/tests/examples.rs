//! The examples run.

#[path = "../../examples/hello.rs"]
mod hello;
#[path = "../../examples/http.rs"]
mod http;

#[test]
fn hosts_greet_each_other() {
    hello::main().expect("a greeting");
}

#[test]
fn axum_serves_and_hyper_asks() {
    http::main().expect("an answer");
}
