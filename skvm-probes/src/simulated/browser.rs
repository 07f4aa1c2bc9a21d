//! A browser for the pages of this crate's probes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use skvm_core::harness::{Tool, ToolResult};
use skvm_core::llm::ToolSpec;

use crate::html::{Element, Html};

const PATIENCE: Duration = Duration::from_secs(5);
const MAX_ANSWER: u64 = 1 << 20;
const MAX_REDIRECTS: usize = 5;

/// A tool that shows the pages of the probes' sites as a browser does: it keeps cookies, sends forms, and loads
/// what a page's script would load. It runs no scripts, so it is no browser for any other page.
///
/// Its calls: `{"action": "open", "url": …}`, `{"action": "fill", "field": …, "value": …}`,
/// `{"action": "click", "text": …}`. Each gives the text of the page that is then open.
#[derive(Debug)]
pub struct SimulatedBrowser {
    spec: ToolSpec,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    url: String,
    page: String,
    cookies: Vec<(String, String)>,
    filled: Vec<(String, String)>,
}

impl Default for SimulatedBrowser {
    fn default() -> Self {
        Self::new()
    }
}

impl SimulatedBrowser {
    /// The name of the tool.
    pub const NAME: &'static str = "browser";

    /// A browser with nothing open.
    #[must_use]
    pub fn new() -> Self {
        let parameters = json!({
            "type": "object",
            "properties": {
                "action": { "type": "string", "enum": ["open", "fill", "click"] },
                "url": { "type": "string" },
                "field": { "type": "string" },
                "value": { "type": "string" },
                "text": { "type": "string" },
            },
            "required": ["action"],
        });
        let description = "Opens a web page, fills a field of it by its name, or clicks a link or button by \
            its text. Gives the text of the page.";
        let spec =
            ToolSpec { name: Self::NAME.into(), description: description.into(), parameters };
        Self { spec, state: Mutex::default() }
    }
}

#[async_trait]
impl Tool for SimulatedBrowser {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn is_browser(&self) -> bool {
        true
    }

    async fn call(&self, arguments: &Value) -> ToolResult {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match text("action") {
            "open" => {
                state.leave_for(text("url"));
                state.load("GET", text("url"), "")
            }
            "fill" => {
                state.filled.push((text("field").to_owned(), text("value").to_owned()));
                Ok(())
            }
            "click" => state.click(text("text")),
            other => Err(format!("there is no action {other:?}")),
        };
        match done {
            Ok(()) => ToolResult { content: state.shown(), ..ToolResult::default() },
            Err(why) => ToolResult { content: why, is_error: true, ..ToolResult::default() },
        }
    }
}

impl State {
    /// Forgets what belongs to another site.
    fn leave_for(&mut self, url: &str) {
        let host = |url: &str| parts(url).map(|(host, _)| host.to_owned());
        if host(&self.url) != host(url) {
            *self = Self::default();
        }
    }

    /// Loads a page and what its script would load.
    fn load(&mut self, method: &str, url: &str, form: &str) -> Result<(), String> {
        let (mut method, mut url, mut form) = (method, url.to_owned(), form);
        for _ in 0..MAX_REDIRECTS {
            let (headers, body) = self.fetch(method, &url, form, "navigate")?;
            match header(&headers, "location") {
                Some(place) => {
                    url = resolve(&url, place);
                    (method, form) = ("GET", "");
                }
                None => {
                    self.page = body;
                    self.filled.clear();
                    self.url = url;
                    return self.load_late();
                }
            }
        }
        Err("it redirects too often".to_owned())
    }

    /// Puts in what stands at the addresses that `data-src` attributes name, as the pages' script does.
    fn load_late(&mut self) -> Result<(), String> {
        let html = Html::parse(&self.page);
        let late: Vec<String> = html
            .elements()
            .iter()
            .filter_map(|element| element.attribute("data-src").map(str::to_owned))
            .collect();
        for place in late {
            let url = resolve(&self.url, &place);
            let (_, body) = self.fetch("GET", &url, "", "cors")?;
            let marked = format!("data-src=\"{place}\">");
            self.page = self.page.replacen(&marked, &format!("{marked}{body}"), 1);
        }
        Ok(())
    }

    fn click(&mut self, text: &str) -> Result<(), String> {
        let html = Html::parse(&self.page);
        let named = |element: &&Element<'_>| element.text() == text;
        if let Some(link) = html.all("a").iter().find(named) {
            let url = resolve(&self.url, link.attribute("href").unwrap_or_default());
            return self.load("GET", &url, "");
        }
        let forms = html.all("form");
        let form = forms.iter().find(|form| form.all("button").iter().any(|b| named(&b)));
        let form = form.ok_or_else(|| format!("there is nothing called {text:?} to click"))?;
        let fields = form.all("input").into_iter().chain(form.all("select"));
        let pairs: Vec<String> = fields
            .filter_map(|field| {
                let name = field.attribute("name")?;
                let filled = self.filled.iter().rev().find(|(other, _)| other == name);
                let value = filled.map(|(_, value)| value.as_str()).or(field.attribute("value"));
                Some(format!("{}={}", encoded(name), encoded(value.unwrap_or_default())))
            })
            .collect();
        let url = resolve(&self.url, form.attribute("action").unwrap_or_default());
        let pairs = pairs.join("&");
        if form.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post")) {
            self.load("POST", &url, &pairs)
        } else {
            self.load("GET", &format!("{url}?{pairs}"), "")
        }
    }

    fn shown(&self) -> String {
        let html = Html::parse(&self.page);
        html.all("body").first().map(Element::text).unwrap_or_default()
    }

    /// One request; gives headers and body.
    fn fetch(
        &mut self,
        method: &str,
        url: &str,
        form: &str,
        mode: &str,
    ) -> Result<(String, String), String> {
        let (host, path) = parts(url).ok_or_else(|| format!("{url:?} is no address to open"))?;
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nCookie: {}\r\n\
             Sec-Fetch-Mode: {mode}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            cookies.join("; "),
            form.len(),
        );
        let exchange = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(host)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().map_err(|error| format!("cannot open {url}: {error}"))?;
        let (headers, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no end")?;
        if let Some(cookie) = header(headers, "set-cookie")
            && let Some((name, value)) = cookie.split(';').next().and_then(|c| c.split_once('='))
        {
            self.cookies.retain(|(other, _)| other != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        Ok((headers.to_owned(), body.to_owned()))
    }
}

fn header<'a>(headers: &'a str, name: &str) -> Option<&'a str> {
    let pairs = headers.lines().filter_map(|line| line.split_once(':'));
    pairs
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .next()
}

/// Host with port, and the rest, of a plain address.
fn parts(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let path = rest.get(end..).filter(|path| !path.is_empty()).unwrap_or("/");
    Some((rest.get(..end)?, path))
}

/// The address that a link on a page leads to. The probes' pages have only links that begin with `/`.
fn resolve(url: &str, link: &str) -> String {
    match parts(url) {
        Some((host, _)) if link.starts_with('/') => format!("http://{host}{link}"),
        _ => link.to_owned(),
    }
}

fn encoded(text: &str) -> String {
    let code = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(code).collect()
}
