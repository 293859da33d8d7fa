//! A backend for tests: HTTP/1.1 on loopback that answers as it is told and keeps what it got.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is taken.
    Take,
    /// 503, with `Retry-After` in seconds if there is one.
    Later(Option<u32>),
    /// 400.
    Refuse,
}

/// A backend on loopback.
pub(crate) trait Backend: Send + Sync {
    /// How the requests from now on are answered.
    fn answer(&self, answer: Answer);
    /// Requests so far, whatever was answered.
    fn n_requests(&self) -> usize;
    /// Items in the requests that were taken.
    fn n_items(&self) -> u64;
    /// Where it listens.
    fn url(&self) -> String;
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    /// `POST /path HTTP/1.1`.
    pub(crate) line: String,
    /// Headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) taken: bool,
}

/// Counts the items of a request's body.
type Count = dyn Fn(&Got) -> u64 + Send + Sync;

/// What a request is answered where it would be taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Success {
    /// `204 No Content`, `415 Unsupported Media Type`; anything beyond 2xx means that it was not taken after all.
    pub(crate) status: &'static str,
    /// Headers, each with its line's end.
    pub(crate) headers: String,
}

/// Makes up the answers.
type Succeed = dyn Fn(&Got) -> Success + Send + Sync;

/// An HTTP/1.1 backend.
pub(crate) struct HttpSink {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    answer: Mutex<Answer>,
    got: Mutex<Vec<Got>>,
    n_items: AtomicU64,
    count: Box<Count>,
    succeed: Box<Succeed>,
}

impl HttpSink {
    /// Listens on a free port; `count` tells how many items a request holds. Must be called within
    /// a runtime.
    pub(crate) fn start(count: impl Fn(&Got) -> u64 + Send + Sync + 'static) -> Self {
        Self::answering(count, |_| Success { status: "200 OK", headers: String::new() })
    }

    /// The same, with answers of its own to what is taken.
    pub(crate) fn answering(
        count: impl Fn(&Got) -> u64 + Send + Sync + 'static,
        succeed: impl Fn(&Got) -> Success + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            answer: Mutex::new(Answer::Take),
            got: Mutex::default(),
            n_items: AtomicU64::new(0),
            count: Box::new(count),
            succeed: Box::new(succeed),
        });
        let served = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { url, shared }
    }

    /// All requests so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }
}

impl Got {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

impl Backend for HttpSink {
    fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    fn n_requests(&self) -> usize {
        self.shared.got.lock().unwrap().len()
    }

    fn n_items(&self) -> u64 {
        self.shared.n_items.load(SeqCst)
    }

    fn url(&self) -> String {
        self.url.clone()
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let mut headers = Vec::new();
        let mut n_body = 0;
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await?;
            let Some((name, value)) = header.trim_end().split_once(": ") else { break };
            let name = name.to_lowercase();
            if name == "content-length" {
                n_body = value.parse().unwrap();
            }
            headers.push((name, value.to_owned()));
        }
        let mut body = vec![0; n_body];
        stream.read_exact(&mut body).await?;
        let answer = *shared.answer.lock().unwrap();
        let mut got = Got { line: line.trim_end().to_owned(), headers, body, taken: false };
        let Success { status, headers } = match answer {
            Answer::Take => (shared.succeed)(&got),
            Answer::Later(wait) => {
                let headers = wait.map(|s| format!("retry-after: {s}\r\n")).unwrap_or_default();
                Success { status: "503 Service Unavailable", headers }
            }
            Answer::Refuse => Success { status: "400 Bad Request", headers: String::new() },
        };
        got.taken = status.starts_with('2');
        if got.taken {
            shared.n_items.fetch_add((shared.count)(&got), SeqCst);
        }
        shared.got.lock().unwrap().push(got);
        let reply = format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n");
        stream.get_mut().write_all(reply.as_bytes()).await?;
    }
}
