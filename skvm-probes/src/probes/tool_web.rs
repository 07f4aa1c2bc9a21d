//! `tool.web`: answers that stand on a site and nowhere else.

use serde_json::json;

use super::phrase::{LAST_LINE, is_final_answer, serial, token};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Answer, Call, Evidence, Instance, Mismatch, ToolNeed, by_evidence};
use crate::site::{Site, SiteRequest, SiteResponse};

pub(super) const LEVELS: Levels = [page, query, pages];

const BASE: &str = Site::BASE;

/// Wants the site to have answered such a request.
fn asked(
    evidence: &Evidence<'_>,
    what: &str,
    test: impl Fn(&SiteRequest) -> bool,
) -> Result<(), Mismatch> {
    let asked = |request: &SiteRequest| request.status == 200 && test(request);
    if evidence.requests.iter().any(asked) {
        Ok(())
    } else {
        Err(format!("the site was not asked for {what}").into())
    }
}

fn done<T: AsRef<str>>(urls: &[T], answer: &str) -> Answer {
    Answer::after(urls.iter().map(|url| Call::fetch(url.as_ref())), format!("Answer: {answer}"))
}

/// A page with one field.
fn page(draw: &mut Draw) -> Instance {
    let path = format!("/{}/{}", draw.pick(&pools::KEYS), serial(draw));
    let (right, other) = (token(draw), token(draw));
    let body = format!(
        "<!DOCTYPE html><html><head><title>Status</title></head><body><h1>Status</h1>\
         <p>Last code: {other}</p><p>Current code: {right}</p></body></html>"
    );
    let served = path.clone();
    let site = Site::new(move |request| {
        if request.path == served { SiteResponse::html(&body) } else { SiteResponse::not_found() }
    });
    let url = format!("{BASE}{path}");
    let prompt = format!(
        "Fetch the page {url} from the web. What is the current code on it?\n\n{LAST_LINE}the code alone."
    );
    let expected = right.clone();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        asked(evidence, &path, |request| request.method == "GET" && request.path == path)
    });
    Instance::new(prompt, done(&[&url], &right), grader)
        .with_tools(ToolNeed::Harness)
        .with_site(site)
        .with_near_miss("nothing is fetched", done::<&str>(&[], &right))
        .with_near_miss("the other code", done(&[&url], &other))
        .with_near_miss("another page", done(&[format!("{BASE}/")], &right))
        .with_near_miss("no answer", Answer::after([Call::fetch(&url)], "The page was fetched."))
}

/// A request with query parameters.
fn query(draw: &mut Draw) -> Instance {
    let city = format!("{} & {}", draw.pick(&pools::CITIES), draw.pick(&pools::CITIES));
    let day = format!(
        "20{}-{:02}-{:02}",
        draw.between(30..=39),
        draw.between(1..=12),
        draw.between(1..=28)
    );
    let unit = draw.pick(&["kg", "box", "pallet"]);
    let other = if unit == "kg" { "box" } else { "kg" };
    let (right, wrong) = (draw.between(1_000..=9_999), draw.between(10_000..=19_999));
    let (place, date) = (city.clone(), day.clone());
    let fits = move |request: &SiteRequest| {
        request.query("route") == Some(place.as_str())
            && request.query("day") == Some(date.as_str())
    };
    let served = fits.clone();
    let site = Site::new(move |request| {
        if request.path != "/price" {
            return SiteResponse::not_found();
        }
        let known = served(request);
        match request.query("unit") {
            Some(asked) if known && asked == unit => SiteResponse::json(&json!({ "price": right })),
            _ => SiteResponse::json(&json!({ "price": wrong, "note": "default price" })),
        }
    });
    let prompt = format!(
        "The address {BASE}/price answers GET requests with JSON that has the field `price`. It takes the query \
         parameters `route`, `day` and `unit`. Ask it with the route `{city}` (without the backticks), the day \
         `{day}` and the unit `{unit}`. Which price does it give?\n\n{LAST_LINE}the price."
    );
    let expected = right.to_string();
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        asked(evidence, "the price with these parameters", |request| {
            request.path == "/price" && fits(request) && request.query("unit") == Some(unit)
        })
    });
    let url = |unit: &str, city: &str| {
        let city = city.replace(' ', "%20").replace('&', "%26");
        format!("{BASE}/price?route={city}&day={day}&unit={unit}")
    };
    let broken = format!("{BASE}/price?route={}&day={day}&unit={unit}", city.replace(' ', "+"));
    let default = wrong.to_string();
    Instance::new(prompt, done(&[url(unit, &city)], &right.to_string()), grader)
        .with_tools(ToolNeed::Harness)
        .with_site(site)
        .with_near_miss("nothing is fetched", done::<&str>(&[], &right.to_string()))
        .with_near_miss("no parameters", done(&[format!("{BASE}/price")], &default))
        .with_near_miss("another unit", done(&[url(other, &city)], &default))
        .with_near_miss("the route is not encoded", done(&[broken], &default))
        .with_near_miss("asked wrongly and guessed", done(&[url(other, &city)], &right.to_string()))
}

/// Several endpoints, one of them in pages.
fn pages(draw: &mut Draw) -> Instance {
    let shop = format!("/shop/{}", serial(draw));
    let names: Vec<&'static str> = draw.sample(&pools::PEOPLE, 9);
    let ids: Vec<u64> = (0..9).map(|at| 100 * (at + 1) + draw.below(100)).collect();
    let wanted = draw.between(6..=8) as usize;
    let (who, id) = (names[wanted], ids[wanted]);
    let amounts: Vec<u64> = (0..4).map(|_| draw.between(10..=99)).collect();
    let open = [true, false, true, true];
    let right: u64 = amounts.iter().zip(open).filter(|(_, open)| *open).map(|(a, _)| a).sum();
    let (listed, sums) = (names.clone(), amounts.clone());
    let numbers = ids.clone();
    let root = shop.clone();
    let site = Site::new(move |request| {
        let Some(path) = request.path.strip_prefix(root.as_str()) else {
            return SiteResponse::not_found();
        };
        if path == "/customers" {
            let page: usize = request.query("page").and_then(|page| page.parse().ok()).unwrap_or(1);
            let from = page.saturating_sub(1).saturating_mul(3);
            let customers: Vec<_> = listed
                .iter()
                .zip(&numbers)
                .skip(from)
                .take(3)
                .map(|(name, id)| json!({ "name": name, "id": id }))
                .collect();
            let next = (from.saturating_add(3) < listed.len())
                .then(|| format!("{root}/customers?page={}", page.saturating_add(1)));
            SiteResponse::json(&json!({ "customers": customers, "next": next }))
        } else if path == format!("/customers/{id}/orders") {
            let orders: Vec<_> = sums
                .iter()
                .zip(open)
                .map(|(amount, open)| json!({ "amount": amount, "state": if open { "open" } else { "paid" } }))
                .collect();
            SiteResponse::json(&json!({ "orders": orders }))
        } else {
            SiteResponse::not_found()
        }
    });
    let prompt = format!(
        "A service at {BASE}{shop} answers GET requests with JSON. Below that address, `/customers` gives customers with name and id in \
         pages: `next` is the whole path of the next page, or null on the last one. `/customers/<id>/orders` gives the \
         orders of a customer. What is the sum of the amounts of the orders in state `open` of the customer named {who}?\n\n\
         {LAST_LINE}the sum."
    );
    let expected = right.to_string();
    let place = format!("{shop}/customers/{id}/orders");
    let list_path = format!("{shop}/customers");
    let grader = by_evidence(move |evidence| {
        is_final_answer(evidence.answer, &expected)?;
        asked(evidence, "the page that has the customer", |request| {
            request.path == list_path && request.query("page") == Some("3")
        })?;
        asked(evidence, "the customer's orders", |request| request.path == place)
    });
    let list: Vec<String> = [String::new(), "?page=2".to_owned(), "?page=3".to_owned()]
        .map(|query| format!("{BASE}{shop}/customers{query}"))
        .into();
    let orders = format!("{BASE}{shop}/customers/{id}/orders");
    let all: Vec<String> = list.iter().cloned().chain([orders.clone()]).collect();
    let (sum, total) = (right.to_string(), amounts.iter().sum::<u64>().to_string());
    Instance::new(prompt, done(&all, &sum), grader)
        .with_tools(ToolNeed::Harness)
        .with_site(site)
        .with_near_miss("nothing is fetched", done::<&str>(&[], &sum))
        .with_near_miss("only the first page", done(&list[..1], "0"))
        .with_near_miss("all orders are added up", done(&all, &total))
        .with_near_miss("the orders are not fetched", done(&list, &sum))
        .with_near_miss("the id is guessed", done(&[list[0].clone(), orders], &sum))
}
