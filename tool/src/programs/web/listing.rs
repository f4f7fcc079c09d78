//! The list of a folder that has no index.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::programs::values::show_bytes;

/// What stays as it is in a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The folder that a path names, as a page; 404 if it names none.
pub(super) async fn list(State(root): State<PathBuf>, uri: Uri) -> Response {
    match folder(&root, uri.path()).and_then(|folder| std::fs::read_dir(folder).ok()) {
        Some(entries) => Html(page(&decoded(uri.path()), entries)).into_response(),
        None => (StatusCode::NOT_FOUND, format!("there is nothing at {}\n", uri.path())).into_response(),
    }
}

fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Below the root, never above.
fn folder(root: &Path, path: &str) -> Option<PathBuf> {
    let path = decoded(path);
    let below = Path::new(path.trim_start_matches('/'));
    let plain = below.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    (plain && !path.contains('\0')).then(|| root.join(below))
}

fn page(path: &str, entries: std::fs::ReadDir) -> String {
    let mut rows: Vec<(bool, String, u64)> = entries
        .flatten()
        .filter_map(|entry| {
            let about = std::fs::metadata(entry.path()).ok()?;
            Some((!about.is_dir(), entry.file_name().to_string_lossy().into_owned(), about.len()))
        })
        .collect();
    rows.sort();
    let title = escaped(path);
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}\
         td:last-child{{text-align:right;padding-left:2rem}}</style><h1>{title}</h1><table>"
    );
    if path != "/" {
        html.push_str("<tr><td><a href=\"../\">../</a><td>");
    }
    for (is_file, name, len) in rows {
        let (slash, size) = if is_file { ("", show_bytes(len)) } else { ("/", String::new()) };
        let link = utf8_percent_encode(&name, PLAIN);
        let _ = write!(html, "<tr><td><a href=\"{link}{slash}\">{}{slash}</a><td>{size}", escaped(&name));
    }
    html.push_str("</table>\n");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_above_the_root_is_listed() {
        let root = Path::new("/srv");
        assert_eq!(folder(root, "/a%20b/"), Some("/srv/a b/".into()));
        for path in ["/..", "/%2e%2e/", "/a/../../b", "/%00"] {
            assert_eq!(folder(root, path), None, "{path}");
        }
    }
}
