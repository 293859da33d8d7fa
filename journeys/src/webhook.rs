//! A receiver of webhooks: keeps every JSON body that is posted to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long a sender may take with one request.
const PATIENCE: Duration = Duration::from_secs(20);
/// More than any notification has.
const MAX_BODY: u64 = 4 * 1024 * 1024;

/// Listens on loopback until the test's process ends.
#[derive(Debug, Clone)]
pub struct Webhook {
    addr: SocketAddr,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    /// Starts to listen.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let webhook = Self { addr: listener.local_addr().unwrap(), bodies: Arc::default() };
        let bodies = Arc::clone(&webhook.bodies);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(body) = receive(stream) {
                    bodies.lock().unwrap().push(body);
                }
            }
        });
        webhook
    }

    /// Where to post to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// Everything received so far, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }
}

/// Reads one request and answers it; what is no JSON is not kept.
fn receive(mut stream: TcpStream) -> Option<Value> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = Vec::new();
    reader.take(MAX_BODY.min(length)).read_to_end(&mut body).ok()?;
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(reply.as_bytes()).ok()?;
    serde_json::from_slice(&body).ok()
}
