//! Plain HTTP, for what the command line does not do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

/// Calls the hub at `url`; gives the status and the JSON of the answer.
///
/// # Panics
/// When the hub does not answer.
#[track_caller]
#[must_use]
pub fn call(url: &str, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> (u16, Value) {
    let mut stream = send(url, method, path, token, body);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the hub answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status");
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Opens an event stream; it ends when the hub closes it.
///
/// # Panics
/// When the hub refuses.
#[track_caller]
#[must_use]
pub fn listen(url: &str, path: &str, token: &str) -> TcpStream {
    let mut stream = send(url, "GET", path, Some(token), None);
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("the hub answers");
    assert_eq!(&start, b"HTTP/1.1 200", "the stream is opened");
    stream
}

fn send(url: &str, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> TcpStream {
    let address = url.strip_prefix("http://").expect("an http address");
    let mut stream = TcpStream::connect(address).expect("the hub listens");
    let body = body.map(Value::to_string).unwrap_or_default();
    let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("the hub listens");
    stream
}
