//! The sockets of all hosts, as `ss` lists them, with the programs that hold them.

use serde_json::Value;

use super::look::{Look, columns};

/// The table of the rows of `sockets.json`.
pub fn sockets(value: &Value, look: &Look) -> String {
    let rows: Vec<Vec<String>> = value["sockets"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        return "no sockets\n".into();
    }
    let headings = ["Host", "Program", ">Pid", "Netid", "State", ">Recv-Q", ">Send-Q", "Local Address:Port", "Peer Address:Port"];
    columns(look, &headings, &rows)
}

fn row(socket: &Value) -> Vec<String> {
    let text = |key: &str| match &socket[key] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    ["host", "program", "pid", "netid", "state", "recv_q", "send_q", "local", "peer"].map(text).into()
}
