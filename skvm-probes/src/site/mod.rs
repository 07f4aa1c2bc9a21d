//! Small web sites that are served on loopback while an instance is worked on.

mod server;

use std::fmt;
use std::sync::Arc;

pub use server::SiteServer;

/// Answers requests. What it answers depends on the request alone.
#[derive(Clone)]
pub struct Site(Arc<dyn Fn(&SiteRequest) -> SiteResponse + Send + Sync>);

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}

impl Site {
    /// Stands in prompts and answers for the place where the site will be served. It never resolves.
    pub const BASE: &'static str = "http://site.invalid";

    /// A site that answers by this function.
    #[must_use]
    pub fn new(answer: impl Fn(&SiteRequest) -> SiteResponse + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, request: &SiteRequest) -> SiteResponse {
        (self.0)(request)
    }
}

/// A request that a site got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// Names and values of the query, decoded.
    pub query: Vec<(String, String)>,
    /// Names, in small letters, and values of the headers.
    pub headers: Vec<(String, String)>,
    /// Names and values of a form that was sent, decoded.
    pub form: Vec<(String, String)>,
    /// The status of the answer.
    pub status: u16,
}

impl SiteRequest {
    /// The value of a name of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The value of a field of the form.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<&str> {
        find(&self.form, name)
    }

    /// The value of a header, by its name in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.header("cookie")?.split(';').map(str::trim);
        cookies
            .filter_map(|cookie| cookie.split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

/// The answer of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteResponse {
    /// The status.
    pub status: u16,
    /// Names and values of headers beside those that every answer has.
    pub headers: Vec<(String, String)>,
    /// The content type.
    pub kind: &'static str,
    /// The body.
    pub body: String,
}

impl SiteResponse {
    /// A page.
    #[must_use]
    pub fn html(body: impl Into<String>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            kind: "text/html; charset=utf-8",
            body: body.into(),
        }
    }

    /// Data.
    #[must_use]
    pub fn json(body: &serde_json::Value) -> Self {
        Self { kind: "application/json", ..Self::html(body.to_string()) }
    }

    /// Nothing there.
    #[must_use]
    pub fn not_found() -> Self {
        Self { status: 404, ..Self::html("<h1>Not found</h1>") }
    }

    /// Go there instead.
    #[must_use]
    pub fn redirect(path: &str) -> Self {
        let headers = vec![("Location".to_owned(), path.to_owned())];
        Self { status: 303, headers, ..Self::html("") }
    }

    /// The same answer, which sets a cookie.
    #[must_use]
    pub fn with_cookie(mut self, name: &str, value: &str) -> Self {
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
        self.headers.push(("Set-Cookie".to_owned(), cookie));
        self
    }
}

/// Names and values of `a=b&c=d`, decoded.
pub(crate) fn decode_pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// The text with `+` and `%41` decoded; what is no such code stays.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
