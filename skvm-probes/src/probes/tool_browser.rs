//! `tool.browser`: pages that only a browser shows: their scripts load what is asked for.

use serde_json::json;

use super::phrase::{LAST_LINE, done, is_final_answer, serial, token};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Call, Evidence, Instance, Mismatch, ToolNeed, by_evidence};
use crate::simulated::SimulatedBrowser;
use crate::site::{Site, SiteRequest, SiteResponse};

pub(super) const LEVELS: Levels = [late, form, login];

const BASE: &str = Site::BASE;

/// Loads what stands at the addresses that `data-src` attributes name, after a moment.
const SCRIPT: &str = "<script>document.querySelectorAll('[data-src]').forEach(function (place) {\
    setTimeout(function () { fetch(place.dataset.src).then(function (answer) { return answer.text(); })\
    .then(function (text) { place.textContent = text; }); }, 300); });</script>";

fn page(body: &str) -> SiteResponse {
    SiteResponse::html(format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Desk</title></head>\
         <body>{body}{SCRIPT}</body></html>"
    ))
}

/// A place in a page whose text comes later.
fn loads(path: &str) -> String {
    format!("<span data-src=\"{path}\"></span>")
}

fn browse(action: &str, arguments: &[(&str, &str)]) -> Call {
    let mut object = json!({ "action": action });
    for (name, value) in arguments {
        object[*name] = json!(value);
    }
    Call::new(SimulatedBrowser::NAME, object)
}

fn open(path: &str) -> Call {
    browse("open", &[("url", &format!("{BASE}{path}"))])
}

fn fill(field: &str, value: &str) -> Call {
    browse("fill", &[("field", field), ("value", value)])
}

fn click(text: &str) -> Call {
    browse("click", &[("text", text)])
}

/// Wants a page's script to have loaded an address, as browsers tell in their requests.
fn loaded(evidence: &Evidence<'_>, path: &str) -> Result<(), Mismatch> {
    let by_script = |request: &SiteRequest| {
        request.path == path
            && request.status == 200
            && request.header("sec-fetch-mode").is_some_and(|mode| mode != "navigate")
    };
    if evidence.requests.iter().any(by_script) {
        Ok(())
    } else {
        Err(format!("no page that a browser showed has loaded {path}").into())
    }
}

/// Open, wait, extract.
fn late(draw: &mut Draw) -> Instance {
    let path = format!("/{}-{}", draw.pick(&pools::KEYS), serial(draw));
    let source = format!("/part/{}", draw.between(1_000..=9_999));
    let (right, other) = (token(draw), token(draw));
    let (first, second, code) = (path.clone(), source.clone(), right.clone());
    let old = other.clone();
    let site = Site::new(move |request| {
        if request.path == first {
            page(&format!("<h1>Desk</h1><p>Yesterday: {old}</p><p>Today: {}</p>", loads(&second)))
        } else if request.path == second {
            SiteResponse::html(&code)
        } else {
            SiteResponse::not_found()
        }
    });
    let prompt = format!(
        "Open the page {BASE}{path} in the browser. The code of today is loaded a moment after the page has \
         opened. What is the code of today?\n\n{LAST_LINE}the code alone."
    );
    let expected = right.clone();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        loaded(evidence, &source)
    });
    let fetched = Call::fetch(&format!("{BASE}{path}"));
    Instance::new(prompt, done(vec![open(&path)], &right), grader)
        .with_tools(ToolNeed::Browser)
        .with_site(site)
        .with_near_miss("nothing is opened", done(Vec::new(), &right))
        .with_near_miss("fetched and not shown", done(vec![fetched], &right))
        .with_near_miss("the code of yesterday", done(vec![open(&path)], &other))
        .with_near_miss("another page", done(vec![open("/")], &right))
}

/// Fill, click, dynamic content.
fn form(draw: &mut Draw) -> Instance {
    let name = format!("{} of {}", draw.pick(&pools::PEOPLE), serial(draw));
    let colours: Vec<&'static str> = draw.sample(&pools::COLOURS, 3);
    let colour = colours[draw.between(1..=2) as usize];
    let (right, other) = (token(draw), token(draw));
    let offered: String = colours
        .iter()
        .map(|colour| format!("<option value=\"{colour}\">{colour}</option>"))
        .collect();
    let (who, code, fallback) = (name.clone(), right.clone(), other.clone());
    let site = Site::new(move |request| match request.path.as_str() {
        "/desk" => page(&format!(
            "<h1>Order</h1><form action=\"/order\" method=\"post\">\
             <label for=\"n\">Name</label><input id=\"n\" name=\"name\" value=\"\">\
             <label for=\"c\">Colour</label><select id=\"c\" name=\"colour\">{offered}</select>\
             <button type=\"submit\">Send</button></form>"
        )),
        "/order" if request.method == "POST" => {
            let fits = request.form("name") == Some(who.as_str())
                && request.form("colour") == Some(colour);
            page(&format!(
                "<h1>Thanks</h1><p>Number: {}</p>",
                loads(if fits { "/number/a" } else { "/number/b" })
            ))
        }
        "/number/a" => SiteResponse::html(&code),
        "/number/b" => SiteResponse::html(&fallback),
        _ => SiteResponse::not_found(),
    });
    let prompt = format!(
        "Open the page {BASE}/desk in the browser. Fill the field Name with `{name}` (without the backticks), \
         choose the colour {colour}, and click the button Send. On the page that follows, a number is loaded a \
         moment later. What is it?\n\n{LAST_LINE}the number as it stands there."
    );
    let expected = right.clone();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        loaded(evidence, "/number/a")
    });
    let calls = |name: &str, colour: &str| {
        vec![open("/desk"), fill("name", name), fill("colour", colour), click("Send")]
    };
    Instance::new(prompt, done(calls(&name, colour), &right), grader)
        .with_tools(ToolNeed::Browser)
        .with_site(site)
        .with_near_miss("nothing is filled in", done(vec![open("/desk"), click("Send")], &other))
        .with_near_miss("another colour", done(calls(&name, colours[0]), &other))
        .with_near_miss("another colour and guessed", done(calls(&name, colours[0]), &right))
        .with_near_miss("not sent", done(vec![open("/desk")], &right))
        .with_near_miss("the number is not read", done(calls(&name, colour), "unknown"))
}

/// Several pages behind a login.
fn login(draw: &mut Draw) -> Instance {
    let user = draw.pick(&pools::PEOPLE).to_lowercase();
    let secret = token(draw);
    let session = format!("s{}", draw.between(100_000..=999_999));
    let things: Vec<&'static str> = draw.sample(&pools::THINGS, 4);
    let stock: Vec<u64> = (0..4).map(|_| draw.between(11..=99)).collect();
    let (a, b) = (things[1], things[3]);
    let right = stock[1] + stock[3];
    let (who, pass, cookie) = (user.clone(), secret.clone(), session);
    let (names, counts) = (things.clone(), stock.clone());
    let site = Site::new(move |request| {
        let inside = request.cookie("session") == Some(cookie.as_str());
        let place = |prefix: &str| {
            let name = request.path.strip_prefix(prefix)?;
            names.iter().position(|thing| *thing == name)
        };
        match request.path.as_str() {
            "/" => page(
                "<h1>Login</h1><form action=\"/login\" method=\"post\">\
                 <label for=\"u\">User</label><input id=\"u\" name=\"user\" value=\"\">\
                 <label for=\"p\">Password</label><input id=\"p\" name=\"password\" type=\"password\" value=\"\">\
                 <button type=\"submit\">Enter</button></form>",
            ),
            "/login" => {
                let fits = request.form("user") == Some(who.as_str())
                    && request.form("password") == Some(pass.as_str());
                let answer = SiteResponse::redirect(if fits { "/store" } else { "/" });
                if fits { answer.with_cookie("session", &cookie) } else { answer }
            }
            _ if !inside => SiteResponse { status: 403, ..page("<h1>Please log in</h1>") },
            "/store" => {
                let links: String = names
                    .iter()
                    .map(|thing| format!("<li><a href=\"/store/{thing}\">{thing}</a></li>"))
                    .collect();
                page(&format!("<h1>Store</h1><ul>{links}</ul>"))
            }
            _ => match (place("/store/"), place("/stock/")) {
                (Some(at), _) => {
                    let source = format!("/stock/{}", names[at]);
                    page(&format!(
                        "<h1>{}</h1><p>In stock: {}</p><a href=\"/store\">Back</a>",
                        names[at],
                        loads(&source)
                    ))
                }
                (_, Some(at)) => SiteResponse::html(counts[at].to_string()),
                (None, None) => SiteResponse::not_found(),
            },
        }
    });
    let prompt = format!(
        "Open {BASE}/ in the browser and log in as the user `{user}` with the password `{secret}` (both without \
         the backticks). The store has a page for each thing, which tells after a moment how many are in stock. \
         How many of {a} and {b} together are in stock?\n\n{LAST_LINE}the number."
    );
    let expected = right.to_string();
    let (first, second) = (format!("/stock/{a}"), format!("/stock/{b}"));
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        loaded(evidence, &first)?;
        loaded(evidence, &second)
    });
    let enter = |secret: &str| {
        vec![open("/"), fill("user", &user), fill("password", secret), click("Enter")]
    };
    let visit = |things: &[&str]| {
        let mut calls = enter(&secret);
        for thing in things {
            calls.extend([click(thing), click("Back")]);
        }
        calls
    };
    let outside = vec![open("/"), open(&format!("/store/{a}")), open(&format!("/store/{b}"))];
    Instance::new(prompt, done(visit(&[a, b]), &right.to_string()), grader)
        .with_tools(ToolNeed::Browser)
        .with_site(site)
        .with_near_miss("no login", done(outside, &right.to_string()))
        .with_near_miss("one page only", done(visit(&[a]), &right.to_string()))
        .with_near_miss("the wrong password", done(enter("none"), &right.to_string()))
        .with_near_miss("not added up", done(visit(&[a, b]), &stock[1].to_string()))
        .with_near_miss(
            "another thing",
            done(visit(&[a, things[0]]), &(stock[1] + stock[0]).to_string()),
        )
}
