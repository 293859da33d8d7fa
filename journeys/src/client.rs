//! A small HTTP client: JSON in, JSON out, every status an answer.

use std::time::Duration;

use serde_json::Value;

/// Talks to one base URL, with or without a token.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    agent: ureq::Agent,
}

/// A reply whatever its status.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, `Null` where it is not JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Client {
    /// A client for `base`, without a token.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        Self { base: base.trim_end_matches('/').to_owned(), token: None, agent }
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// GETs a path.
    ///
    /// # Errors
    /// When no HTTP reply came.
    pub fn get(&self, path: &str) -> Result<Reply, String> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        read(request.call())
    }

    /// GETs a path with more headers.
    ///
    /// # Errors
    /// When no HTTP reply came.
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply, String> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.call())
    }

    /// POSTs a JSON body with more headers.
    ///
    /// # Errors
    /// When no HTTP reply came.
    pub fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Reply, String> {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send_json(body))
    }
}

fn read(reply: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, String> {
    let mut reply = reply.map_err(|e| e.to_string())?;
    let text = reply.body_mut().read_to_string().map_err(|e| e.to_string())?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Reply { status: reply.status().as_u16(), body, text })
}

impl Reply {
    /// The body of a 2xx reply, an error that shows the reply otherwise.
    ///
    /// # Errors
    /// When the status is not 2xx.
    pub fn ok(self) -> Result<Value, String> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(format!("{}: {}", self.status, self.text))
    }
}

/// A value as it may stand in the query of a URL.
#[must_use]
pub fn escaped(value: &str) -> String {
    value
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }
        })
        .collect()
}
