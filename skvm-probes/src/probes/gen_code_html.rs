//! `gen.code.html`: a page of a given structure.

use super::phrase::{code, listed};
use super::{Levels, pools};
use crate::draw::Draw;
use crate::html::{Element, Html};
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [article, form, drawing];

const ALONE: &str = "It begins with `<!DOCTYPE html>` and has the elements html, head and body; every element that \
    needs an end tag has one. Answer with the page alone, in one code block.";

fn fenced(page: &str) -> String {
    format!("```html\n{page}\n```")
}

fn page(head: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{head}</head>\n<body>\n{body}</body>\n</html>"
    )
}

fn parsed(answer: &str) -> Result<Html, Mismatch> {
    let source = code(answer)?;
    let html = Html::parse(&source);
    if !html.has_doctype() {
        return Err("the page does not begin with <!DOCTYPE html>".into());
    }
    if let Some(error) = html.errors().first() {
        return Err(format!("the page is not well-formed: {error}").into());
    }
    for tag in ["<html", "<head", "<body"] {
        // A header is no head.
        let small = source.to_ascii_lowercase();
        let stands = small.match_indices(tag).any(|(at, _)| {
            small[at + tag.len()..].starts_with(|c: char| c == '>' || c.is_whitespace())
        });
        if !stands {
            return Err(format!("there is no {tag}>").into());
        }
    }
    Ok(html)
}

fn one<'a>(found: Vec<Element<'a>>, what: &str) -> Result<Element<'a>, Mismatch> {
    match found.as_slice() {
        [one] => Ok(*one),
        _ => Err(format!("there should be one {what}, there are {}", found.len()).into()),
    }
}

fn is(what: &str, found: Option<&str>, right: &str) -> Result<(), Mismatch> {
    match found {
        Some(found) if found.trim() == right => Ok(()),
        Some(found) => Err(format!("{what} should be {right:?} and is {found:?}").into()),
        None => Err(format!("{what} is missing; it should be {right:?}").into()),
    }
}

fn texts(elements: &[Element<'_>]) -> Vec<String> {
    elements.iter().map(Element::text).collect()
}

/// Headings, a list, a link.
fn article(draw: &mut Draw) -> Instance {
    let [title, heading] = std::array::from_fn(|_| {
        format!("{} {}", draw.pick(&pools::CITIES), draw.between(100..=999))
    });
    let count = draw.between(3..=5) as usize;
    let items: Vec<&str> = draw.sample(&pools::THINGS, count);
    let (tag, kind) = draw.pick(&[("ul", "unordered"), ("ol", "ordered")]);
    let address = format!("https://{}.example/{}", draw.pick(&pools::KEYS), draw.between(10..=99));
    let label = draw.pick(&["More", "Details", "Source"]);
    let prompt = format!(
        "Write an HTML page. Its body has, in this order: one h1 with the text `{title}`, one h2 with the text \
         `{heading}`, one {kind} list whose items are, in this order, {}, and one link with the text `{label}` \
         to `{address}`. There is no other heading, list or link. {ALONE}",
        listed(&items)
    );
    let body = |h2: &str, tag: &str, items: &[&str], href: &str| {
        let items: String = items.iter().map(|item| format!("<li>{item}</li>\n")).collect();
        format!(
            "<h1>{title}</h1>\n<{h2}>{heading}</{h2}>\n<{tag}>\n{items}</{tag}>\n\
             <p><a href=\"{href}\">{label}</a></p>\n"
        )
    };
    let other = if tag == "ul" { "ol" } else { "ul" };
    let right = page("<title>x</title>\n", &body("h2", tag, &items, &address));
    let near = |body: String| fenced(&page("<title>x</title>\n", &body));
    let mut turned = items.clone();
    turned.reverse();
    let wanted: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
    let misses = [
        ("an h3 for the h2", near(body("h3", tag, &items, &address))),
        ("the other kind of list", near(body("h2", other, &items, &address))),
        ("items out of order", near(body("h2", tag, &turned, &address))),
        ("an item is missing", near(body("h2", tag, &items[1..], &address))),
        ("the link leads nowhere", near(body("h2", tag, &items, "#"))),
        ("no doctype", fenced(right.trim_start_matches("<!DOCTYPE html>"))),
        ("the list is not closed", fenced(&right.replace(&format!("</{tag}>"), ""))),
    ];
    let grader = by_answer(move |answer| {
        let html = parsed(answer)?;
        let is_heading = |element: &&Element<'_>| {
            matches!(element.name(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
        };
        let all = html.elements();
        let headings: Vec<Element<'_>> = all.iter().filter(is_heading).copied().collect();
        let [h1, h2] = headings.as_slice() else {
            return Err(
                format!("there should be two headings, there are {}", headings.len()).into()
            );
        };
        is("the first heading", Some(h1.name()), "h1")?;
        is("the second heading", Some(h2.name()), "h2")?;
        is("the h1", Some(&h1.text()), &title)?;
        is("the h2", Some(&h2.text()), &heading)?;
        let lists = all.iter().filter(|e| matches!(e.name(), "ul" | "ol")).copied().collect();
        let list = one(lists, "list")?;
        is("the list", Some(list.name()), tag)?;
        if texts(&list.children()) != wanted || list.children().iter().any(|e| e.name() != "li") {
            return Err(format!("the items of the list should be {wanted:?}").into());
        }
        let link = one(html.all("a"), "link")?;
        is("the text of the link", Some(&link.text()), label)?;
        is("the address of the link", link.attribute("href"), &address)?;
        let place = |wanted: &Element<'_>| all.iter().position(|element| element == wanted);
        if place(h1) < place(h2) && place(h2) < place(&list) && place(&list) < place(&link) {
            Ok(())
        } else {
            Err("headings, list and link do not come in this order".into())
        }
    });
    Instance::new(prompt, fenced(&right), grader).with_near_misses(misses)
}

/// A form, a table, semantic elements.
fn form(draw: &mut Draw) -> Instance {
    let action = format!("/{}/{}", draw.pick(&pools::KEYS), draw.between(10..=99));
    let names = draw.sample(&pools::KEYS, 3);
    let (text, mail, choice) = (names[0], names[1], names[2]);
    let colours = draw.sample(&pools::COLOURS, 3);
    let columns = draw.sample(&["City", "Item", "Price", "Stock", "Weight"], 3);
    let rows: Vec<Vec<String>> =
        (0..2).map(|_| (0..3).map(|_| draw.between(100..=999).to_string()).collect()).collect();
    let told: Vec<String> = rows.iter().map(|row| row.join(", ")).collect();
    let prompt = format!(
        "Write an HTML page. Its body holds exactly three elements in this order: header, main and footer. The \
         main element holds one form and, after it, one table. The form has the method post and the action \
         `{action}`. It has a required text input named `{text}`, an input of type email named `{mail}`, a \
         select named `{choice}` with the options {} in this order, and one button of type submit. The text \
         input, the email input and the select have each an id and a label whose for attribute names that id. \
         The table has a thead with one row of the header cells {} in this order, and a tbody with two rows of \
         three data cells: first {}, then {}. There is no other form, input, select, button or table. {ALONE}",
        listed(&colours),
        listed(&columns),
        told[0],
        told[1],
    );
    let form = Form {
        action,
        fields: [text, mail, choice],
        colours: colours.iter().map(|colour| (*colour).to_owned()).collect(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        rows,
    };
    let body = |method: &str, required: &str, r#for: &str, wrap: (&str, &str), head: &str| {
        form.body(method, required, r#for, wrap, head)
    };
    let near = |body: String| fenced(&page("<title>x</title>\n", &body));
    let semantic = ("header", "footer");
    let right = near(body("post", " required", "a", semantic, "th"));
    let misses = [
        ("the method is get", near(body("get", " required", "a", semantic, "th"))),
        ("nothing is required", near(body("post", "", "a", semantic, "th"))),
        ("a label belongs to nothing", near(body("post", " required", "z", semantic, "th"))),
        ("div for header and footer", near(body("post", " required", "a", ("div", "div"), "th"))),
        ("data cells in the head", near(body("post", " required", "a", semantic, "td"))),
        ("the email input is a text input", right.replace("type=\"email\"", "type=\"text\"")),
        (
            "no tbody",
            right
                .replace("<tbody>\n", "")
                .replace("</tbody>\n", "")
                .replace("<thead>", "<tbody>")
                .replace("</thead>", "</tbody>"),
        ),
    ];
    Instance::new(prompt, right, by_answer(move |answer| form.check(answer)))
        .with_near_misses(misses)
}

/// What a page with a form and a table holds.
struct Form {
    action: String,
    /// The names of the text input, the email input and the select.
    fields: [&'static str; 3],
    /// The options.
    colours: Vec<String>,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Form {
    /// The body, as asked for or with a fault.
    fn body(
        &self,
        method: &str,
        required: &str,
        r#for: &str,
        wrap: (&str, &str),
        head: &str,
    ) -> String {
        let Self { action, fields: [text, mail, choice], colours, columns, rows } = self;
        let options: String =
            colours.iter().map(|colour| format!("<option>{colour}</option>")).collect();
        let header: String = columns.iter().map(|c| format!("<{head}>{c}</{head}>")).collect();
        let cells = |row: &Vec<String>| -> String {
            row.iter().map(|cell| format!("<td>{cell}</td>")).collect()
        };
        let data: String = rows.iter().map(|row| format!("<tr>{}</tr>\n", cells(row))).collect();
        format!(
            "<{0}><p>Top</p></{0}>\n<main>\n<form method=\"{method}\" action=\"{action}\">\n\
             <label for=\"{for}\">A</label><input type=\"text\" id=\"a\" name=\"{text}\"{required}>\n\
             <label for=\"b\">B</label><input type=\"email\" id=\"b\" name=\"{mail}\">\n\
             <label for=\"c\">C</label><select id=\"c\" name=\"{choice}\">{options}</select>\n\
             <button type=\"submit\">Send</button>\n</form>\n<table>\n<thead><tr>{header}</tr></thead>\n\
             <tbody>\n{data}</tbody>\n</table>\n</main>\n<{1}><p>End</p></{1}>\n",
            wrap.0, wrap.1,
        )
    }

    fn check(&self, answer: &str) -> Result<(), Mismatch> {
        let Self { action, fields: [text, mail, choice], colours, columns, rows } = self;
        let html = parsed(answer)?;
        let body = one(html.all("body"), "body")?;
        let parts: Vec<&str> = body.children().iter().map(Element::name).collect();
        if parts != ["header", "main", "footer"] {
            return Err(format!("the body holds {parts:?}").into());
        }
        let form = one(html.all("form"), "form")?;
        let table = one(html.all("table"), "table")?;
        if !(form.is_within("main") && table.is_within("main")) {
            return Err("form and table are not both in main".into());
        }
        let all = html.elements();
        let place = |wanted: &Element<'_>| all.iter().position(|element| element == wanted);
        if place(&form) > place(&table) {
            return Err("the table stands before the form".into());
        }
        let method = form.attribute("method").map(str::to_ascii_lowercase);
        is("the method", method.as_deref(), "post")?;
        is("the action", form.attribute("action"), action)?;
        let inputs = html.all("input");
        if inputs.len() != 2 {
            return Err(format!("there should be two inputs, there are {}", inputs.len()).into());
        }
        let typed = |kind: &str, name: &str| {
            let named = inputs.iter().find(|input| input.attribute("name") == Some(name));
            let input = *named.ok_or_else(|| format!("no input is named {name}"))?;
            is("the type of an input", input.attribute("type").or(Some("text")), kind)?;
            Ok::<_, Mismatch>(input)
        };
        let (first, second) = (typed("text", text)?, typed("email", mail)?);
        if first.attribute("required").is_none() {
            return Err("the text input is not required".into());
        }
        let select = one(html.all("select"), "select")?;
        is("the name of the select", select.attribute("name"), choice)?;
        if texts(&select.all("option")) != *colours {
            return Err(format!("the options should be {colours:?}").into());
        }
        let button = one(html.all("button"), "button")?;
        is("the type of the button", button.attribute("type").or(Some("submit")), "submit")?;
        if [first, second, select, button].iter().any(|element| !element.is_within("form")) {
            return Err("not everything of the form is in it".into());
        }
        for field in [first, second, select] {
            labelled(&html, &field)?;
        }
        check_table(&table, columns, rows)
    }
}

fn labelled(html: &Html, field: &Element<'_>) -> Result<(), Mismatch> {
    let name = field.attribute("name").unwrap_or_default();
    let id = field.attribute("id").filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| format!("the field {name} has no id"))?;
    let label = html.all("label").into_iter().find(|label| label.attribute("for") == Some(id));
    match label {
        Some(label) if !label.text().is_empty() => Ok(()),
        _ => Err(format!("the field {name} has no label").into()),
    }
}

fn check_table(
    table: &Element<'_>,
    columns: &[String],
    rows: &[Vec<String>],
) -> Result<(), Mismatch> {
    let head = one(table.all("thead"), "thead")?;
    let header = one(head.all("tr"), "row in the thead")?.children();
    if header.iter().any(|cell| cell.name() != "th") || texts(&header) != columns {
        return Err(format!("the header cells should be {columns:?}").into());
    }
    let body = one(table.all("tbody"), "tbody")?;
    let found: Vec<Vec<String>> = body.all("tr").iter().map(|row| texts(&row.all("td"))).collect();
    if found == rows { Ok(()) } else { Err(format!("the rows should be {rows:?}").into()) }
}

/// An inline SVG, a responsive rule, accessibility.
fn drawing(draw: &mut Draw) -> Instance {
    let width = draw.between(20..=40) * 10;
    let height = draw.between(10..=18) * 10;
    let title = format!("{} chart {}", draw.pick(&pools::CITIES), draw.between(10..=99));
    let label = format!("Show {}", draw.pick(&pools::THINGS));
    let bars: Vec<u64> = (0..3).map(|_| draw.between(2..=9) * 10).collect();
    let limit = draw.between(40..=90) * 10;
    let colour = draw.pick(&pools::COLOURS);
    let told: Vec<String> = bars.iter().map(u64::to_string).collect();
    let prompt = format!(
        "Write an HTML page. The html element has a lang attribute with the value `en`. The head has a meta \
         element with the name viewport and the content `width=device-width, initial-scale=1`, and a style \
         element with a media query `@media (max-width: {limit}px)`. The body has one inline svg with the \
         viewBox `0 0 {width} {height}` and the role `img`. The svg's first child is a title element with an id \
         and the text `{title}`, and the svg's aria-labelledby attribute names that id. The svg holds exactly \
         three rect elements, with the heights {}, {} and {} in this order, each of the width 20, with its \
         lower edge at y = {height} (so that y plus height is {height}), and each filled by the attribute \
         fill=\"{colour}\". The body also has one button with the aria-label `{label}` and the attribute \
         aria-expanded with the value false. {ALONE}",
        told[0], told[1], told[2],
    );
    let build = |lang: &str, viewport: &str, named: &str, lower: u64, expanded: &str| {
        let rects: String = bars
            .iter()
            .enumerate()
            .map(|(at, bar)| {
                let (x, y) = (10 + 30 * at, lower - bar);
                format!(
                    "<rect x=\"{x}\" y=\"{y}\" width=\"20\" height=\"{bar}\" fill=\"{colour}\"/>\n"
                )
            })
            .collect();
        format!(
            "<!DOCTYPE html>\n<html{lang}>\n<head>\n<meta charset=\"utf-8\">\n{viewport}<title>x</title>\n\
             <style>@media (max-width: {limit}px) {{ svg {{ width: 100%; }} }}</style>\n</head>\n<body>\n\
             <svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{named}\">\n\
             <title id=\"t\">{title}</title>\n{rects}</svg>\n\
             <button type=\"button\" aria-label=\"{label}\"{expanded}>+</button>\n</body>\n</html>"
        )
    };
    let (lang, expanded) = (" lang=\"en\"", " aria-expanded=\"false\"");
    let viewport = "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    let right = build(lang, viewport, "t", height, expanded);
    let misses = [
        ("no language", build("", viewport, "t", height, expanded)),
        ("no viewport", build(lang, "", "t", height, expanded)),
        ("the svg is named by nothing", build(lang, viewport, "u", height, expanded)),
        ("bars that hang", build(lang, viewport, "t", height - 5, expanded)),
        ("not told to be folded", build(lang, viewport, "t", height, "")),
        ("another media query", right.replace("max-width", "min-width")),
    ];
    let grader = by_answer(move |answer| {
        let html = parsed(answer)?;
        is("lang", one(html.all("html"), "html")?.attribute("lang"), "en")?;
        let metas = html.all("meta");
        let viewport = metas.iter().find(|meta| meta.attribute("name") == Some("viewport"));
        let viewport = viewport.and_then(|meta| meta.attribute("content"));
        let viewport = viewport.map(|content| content.replace(' ', ""));
        is("the viewport", viewport.as_deref(), "width=device-width,initial-scale=1")?;
        let styles: String = html.all("style").iter().map(Element::text).collect();
        let query = format!("@media(max-width:{limit}px)");
        if !styles.replace(' ', "").contains(&query) {
            return Err(format!("the style has no media query (max-width: {limit}px)").into());
        }
        let svg = one(html.all("svg"), "svg")?;
        is("the viewBox", svg.attribute("viewBox"), &format!("0 0 {width} {height}"))?;
        is("the role", svg.attribute("role"), "img")?;
        let first = svg.children().first().copied();
        let named = first.filter(|child| child.name() == "title");
        let named = named.ok_or("the svg's first child is no title")?;
        is("the title", Some(&named.text()), &title)?;
        let id = named.attribute("id").filter(|id| !id.is_empty()).ok_or("the title has no id")?;
        is("aria-labelledby", svg.attribute("aria-labelledby"), id)?;
        check_bars(&svg, &bars, height, colour)?;
        let button = one(html.all("button"), "button")?;
        is("the aria-label", button.attribute("aria-label"), &label)?;
        is("aria-expanded", button.attribute("aria-expanded"), "false")
    });
    Instance::new(prompt, fenced(&right), grader)
        .with_near_misses(misses.map(|(fault, page)| (fault, fenced(&page))))
}

fn check_bars(svg: &Element<'_>, bars: &[u64], height: u64, colour: &str) -> Result<(), Mismatch> {
    let rects = svg.all("rect");
    if rects.len() != bars.len() {
        return Err(
            format!("there should be {} rects, there are {}", bars.len(), rects.len()).into()
        );
    }
    for (rect, bar) in rects.iter().zip(bars) {
        let number =
            |name: &str| rect.attribute(name).and_then(|text| text.trim().parse::<f64>().ok());
        if number("height") != Some(*bar as f64) || number("width") != Some(20.0) {
            return Err(format!("a rect should have the width 20 and the height {bar}").into());
        }
        if number("y").unwrap_or(0.0) + *bar as f64 != height as f64 {
            return Err(format!("the rect of the height {bar} does not end at y = {height}").into());
        }
        is("the fill of a rect", rect.attribute("fill"), colour)?;
    }
    Ok(())
}
