//! Answers that show something of the network.

use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::clock::{Clock, Wait};
use crate::programs::pattern::Pattern;
use crate::programs::values;

/// Bytes of one frame of a body.
const PIECE: usize = 16_384;

/// `SIZE` bytes of the pattern.
pub(super) async fn bytes(Path(size): Path<String>) -> Response {
    match values::bytes(&size) {
        Ok(len) => {
            let body = Body::new(Patterned { pattern: Pattern::default(), at: 0, len });
            ([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response()
        }
        Err(wrong) => (StatusCode::BAD_REQUEST, format!("{wrong}\n")).into_response(),
    }
}

/// The pattern up to a length.
struct Patterned {
    pattern: Pattern,
    at: u64,
    len: u64,
}

impl HttpBody for Patterned {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let left = self.len - self.at;
        if left == 0 {
            return Poll::Ready(None);
        }
        let piece = self.pattern.piece(self.at, PIECE.min(usize::try_from(left).unwrap_or(PIECE)));
        self.at += piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.len
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len - self.at)
    }
}

/// Answers after a time: a number of milliseconds, or one with its unit.
pub(super) async fn delay(State(clock): State<Clock>, Path(time): Path<String>) -> Response {
    match time.parse().map(Duration::from_millis).or_else(|_| values::time(&time)) {
        Ok(time) => {
            clock.sleep(time).await;
            format!("this took {}\n", values::show_time(time)).into_response()
        }
        Err(wrong) => (StatusCode::BAD_REQUEST, format!("{wrong}\n")).into_response(),
    }
}

/// Ten lines, one every 100 ms, in chunks: nobody knows beforehand how long it will be.
pub(super) async fn chunked(State(clock): State<Clock>) -> Response {
    let body = Body::new(Lines { clock, number: 0, wait: None });
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

struct Lines {
    clock: Clock,
    number: u32,
    wait: Option<Wait>,
}

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.number == 10 {
            return Poll::Ready(None);
        }
        if self.number > 0 {
            let Self { clock, wait, .. } = &mut *self;
            let wait = wait.get_or_insert_with(|| clock.sleep(Duration::from_millis(100)));
            std::task::ready!(wait.as_mut().poll(cx));
        }
        self.wait = None;
        self.number += 1;
        Poll::Ready(Some(Ok(Frame::data(format!("line {} of 10\n", self.number).into()))))
    }
}

/// The request, as it arrived.
pub(super) async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut text = format!("{} {} {:?}\n", head.method, head.uri, head.version);
    for (name, value) in &head.headers {
        let _ = writeln!(text, "{name}: {}", value.as_bytes().escape_ascii());
    }
    match axum::body::to_bytes(body, 64 << 20).await {
        Ok(body) => {
            let whole = [text.as_bytes(), b"\n", &body].concat();
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], whole).into_response()
        }
        Err(error) => (StatusCode::PAYLOAD_TOO_LARGE, format!("{error}\n")).into_response(),
    }
}
