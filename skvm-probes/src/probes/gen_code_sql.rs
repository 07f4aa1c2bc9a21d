//! `gen.code.sql`: a query that is run in SQLite on data that the target never saw.

use std::time::{Duration, Instant};

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::Value as Cell;
use rusqlite::{Batch, Connection};

use super::phrase::code;
use super::{Levels, pools};
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

pub(super) const LEVELS: Levels = [selection, grouping, combination];

/// How long a query may take.
const PATIENCE: Duration = Duration::from_secs(2);
const RULES: &str = "Write one SELECT statement for SQLite, which may begin with WITH. It gives exactly the \
    columns that are named, in that order; what the columns are called in the result is up to you. Answer with \
    the statement alone, in one code block.";

const TABLES: &str = "customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT)\n\
    purchase(id INTEGER PRIMARY KEY, customer_id INTEGER, item TEXT, amount INTEGER, paid INTEGER)\n\
    visit(id INTEGER PRIMARY KEY, customer_id INTEGER, day INTEGER)\n\n\
    `customer_id` is the id of a customer; `paid` is 1 or 0; `day` counts from 1; no two purchases have the \
    same amount.";

/// What the tables and columns are called that the texts here call customer, purchase, visit, city and amount.
#[derive(Debug, Clone, Copy)]
struct Names([(&'static str, &'static str); 5]);

impl Names {
    fn draw(draw: &mut Draw) -> Self {
        Self([
            ("customer", draw.pick(&["customer", "client", "member", "guest"])),
            ("purchase", draw.pick(&["purchase", "booking", "sale", "ticket"])),
            ("visit", draw.pick(&["visit", "stay", "trip", "lesson"])),
            ("city", draw.pick(&["city", "town", "region", "village"])),
            ("amount", draw.pick(&["amount", "price", "cost", "charge"])),
        ])
    }

    fn put(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

fn fenced(sql: &str) -> String {
    format!("```sql\n{sql}\n```")
}

/// An instance of this question, with a right query and wrong ones.
fn graded(
    draw: &mut Draw,
    asked: &str,
    reference: &str,
    wrong: Vec<(&'static str, String)>,
) -> Instance {
    let names = Names::draw(draw);
    let prompt = names.put(&format!("There are these tables:\n\n{TABLES}\n\n{asked} {RULES}"));
    let data: [String; 3] = std::array::from_fn(|_| names.put(&rows(draw)));
    let right = names.put(reference);
    let reference = fenced(&right);
    let misses: Vec<(&str, String)> =
        wrong.iter().map(|(fault, sql)| (*fault, fenced(&names.put(sql)))).collect();
    Instance::new(prompt, reference, by_answer(move |answer| check(answer, &right, &data)))
        .with_near_misses(misses)
}

/// Data as SQL. Amounts differ, some customers have no purchases, and names and cities repeat in no pattern.
fn rows(draw: &mut Draw) -> String {
    let mut sql = "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT);
        CREATE TABLE purchase(id INTEGER PRIMARY KEY, customer_id INTEGER, item TEXT, amount INTEGER,
            paid INTEGER);
        CREATE TABLE visit(id INTEGER PRIMARY KEY, customer_id INTEGER, day INTEGER);"
        .to_owned();
    let names = draw.sample(&pools::PEOPLE, 12);
    for (at, name) in names.iter().enumerate() {
        let city = CITIES[if at < CITIES.len() { at } else { draw.below(4) as usize }];
        sql.push_str(&format!("INSERT INTO customer VALUES({}, '{name}', '{city}');", at + 1));
    }
    let mut amounts: Vec<u64> = (1..=60).map(|n| n * 16 + draw.below(16)).collect();
    draw.shuffle(&mut amounts);
    for (at, amount) in amounts.iter().take(45).enumerate() {
        // The last two customers buy nothing.
        let customer = if at < 10 { at as u64 + 1 } else { draw.between(1..=10) };
        let item = ITEMS[if at < ITEMS.len() { at } else { draw.below(4) as usize }];
        let paid = if at < 2 { at as u64 } else { draw.below(2) };
        let id = at + 1;
        sql.push_str(&format!(
            "INSERT INTO purchase VALUES({id}, {customer}, '{item}', {amount}, {paid});"
        ));
    }
    for at in 0..60 {
        // The first customers do not visit, the last two do.
        let customer = if at < 2 { 11 + at } else { draw.between(4..=12) };
        let day = draw.between(1..=28);
        sql.push_str(&format!("INSERT INTO visit VALUES({}, {customer}, {day});", at + 1));
    }
    sql
}

const CITIES: [&str; 4] = ["Bern", "Lima", "Oslo", "Rome"];
const ITEMS: [&str; 4] = ["lamp", "rope", "sofa", "tent"];

/// One table: select, where, count.
fn selection(draw: &mut Draw) -> Instance {
    let least = draw.between(200..=700);
    let item = draw.pick(&ITEMS);
    let paid = draw.below(2);
    let state = if paid == 1 { "are paid" } else { "are not paid" };
    let (asked, right) = if draw.flip() {
        (
            format!(
                "Give the id and the amount of the purchases of the item `{item}` that {state} and whose \
                 amount is greater than {least}, the largest amount first."
            ),
            format!(
                "SELECT id, amount FROM purchase WHERE item = '{item}' AND paid = {paid} AND amount > {least} \
                 ORDER BY amount DESC"
            ),
        )
    } else {
        (
            format!(
                "Give one row with the number of purchases of the item `{item}` that {state} and whose \
                 amount is greater than {least}, and the number of all purchases whose amount is greater \
                 than {least}."
            ),
            format!(
                "SELECT (SELECT COUNT(*) FROM purchase WHERE item = '{item}' AND paid = {paid} AND \
                 amount > {least}), (SELECT COUNT(*) FROM purchase WHERE amount > {least})"
            ),
        )
    };
    let other = right.replace(&format!("paid = {paid}"), &format!("paid = {}", 1 - paid));
    let wrong = vec![
        ("the other state", other),
        ("smaller amounts", right.replace("amount >", "amount <")),
        ("any item", right.replace(&format!("item = '{item}' AND "), "")),
        ("no such column", right.replace("amount", "sum")),
        ("two statements", format!("{right}; DELETE FROM purchase")),
        ("data is changed", "DELETE FROM purchase".to_owned()),
    ];
    graded(draw, &asked, &right, wrong)
}

/// A join, a group, a window.
fn grouping(draw: &mut Draw) -> Instance {
    if draw.flip() {
        let above = draw.between(100..=500);
        let least = draw.between(2..=3);
        let asked = format!(
            "For each city give the city, the number of the paid purchases of its customers whose amount is greater \
             than {above}, and the sum of the amounts of these. Leave out each city with fewer than {least} such \
             purchases. Sort by city in alphabetical order."
        );
        let right = format!(
            "SELECT c.city, COUNT(*), SUM(p.amount) FROM customer c JOIN purchase p ON p.customer_id = c.id \
             WHERE p.paid = 1 AND p.amount > {above} GROUP BY c.city HAVING COUNT(*) >= {least} ORDER BY c.city"
        );
        let wrong = vec![
            ("unpaid ones count", right.replace("p.paid = 1 AND ", "")),
            ("all amounts count", right.replace(&format!(" AND p.amount > {above}"), "")),
            ("the largest for the sum", right.replace("SUM", "MAX")),
            ("joined by the wrong column", right.replace("p.customer_id =", "p.id =")),
            ("grouped by customer", right.replace("GROUP BY c.city", "GROUP BY c.id")),
        ];
        graded(draw, &asked, &right, wrong)
    } else {
        let above = draw.between(500..=800);
        let asked = format!(
            "Only purchases whose amount is greater than {above} count here. For each customer who has such \
             purchases give the name and the amounts of the largest and of the second largest of them; the second is \
             NULL if there is only one. Sort by the amount of the largest, the largest first."
        );
        let right = format!(
            "SELECT name, MAX(CASE WHEN place = 1 THEN amount END), MAX(CASE WHEN place = 2 THEN amount END) \
             FROM (SELECT c.name, c.id, p.amount, ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY p.amount DESC) \
             AS place FROM customer c JOIN purchase p ON p.customer_id = c.id AND p.amount > {above}) \
             GROUP BY id ORDER BY 2 DESC"
        );
        let wrong = vec![
            ("smallest first", right.replace("p.amount DESC", "p.amount")),
            ("ranked over all", right.replace("PARTITION BY c.id ", "")),
            ("customers without purchases", right.replace("JOIN purchase", "LEFT JOIN purchase")),
            ("all amounts count", right.replace(&format!(" AND p.amount > {above}"), "")),
            ("sorted by name", right.replace("ORDER BY 2 DESC", "ORDER BY name DESC")),
        ];
        graded(draw, &asked, &right, wrong)
    }
}

/// Common table expressions over several tables.
fn combination(draw: &mut Draw) -> Instance {
    let (day, least) = (draw.between(12..=20), draw.between(2..=3));
    let above = draw.between(250..=600);
    let asked = format!(
        "Call a customer active if they have at least {least} visits on days up to and including {day}. For each \
         active customer give the name, the number of those visits, the sum of the amounts of their paid \
         purchases whose amount is greater than {above} (0 if there are none), and that sum minus \
         the average of these sums over all active customers, rounded to two decimals with ROUND. Sort by name \
         in alphabetical order."
    );
    let right = format!(
        "WITH active AS (SELECT customer_id, COUNT(*) AS count FROM visit WHERE day <= {day} \
         GROUP BY customer_id HAVING COUNT(*) >= {least}), \
         spent AS (SELECT a.customer_id, a.count, COALESCE(SUM(p.amount), 0) AS total FROM active a \
         LEFT JOIN purchase p ON p.customer_id = a.customer_id AND p.paid = 1 AND p.amount > {above} \
         GROUP BY a.customer_id, a.count) \
         SELECT c.name, s.count, s.total, ROUND(s.total - (SELECT AVG(total) FROM spent), 2) \
         FROM spent s JOIN customer c ON c.id = s.customer_id ORDER BY c.name"
    );
    let average = "SUM(amount) / 12.0 FROM purchase WHERE paid = 1";
    let wrong = vec![
        ("customers without purchases are lost", right.replace("LEFT JOIN", "JOIN")),
        ("unpaid ones count", right.replace(" AND p.paid = 1", "")),
        ("visits of all days", right.replace(&format!("WHERE day <= {day} "), "")),
        ("all amounts count", right.replace(&format!(" AND p.amount > {above}"), "")),
        ("the average over all customers", right.replace("AVG(total) FROM spent", average)),
    ];
    graded(draw, &asked, &right, wrong)
}

/// Runs both queries on each set of data and compares the rows.
fn check(answer: &str, reference: &str, data: &[String]) -> Result<(), Mismatch> {
    let query = code(answer)?;
    for (at, data) in data.iter().enumerate() {
        let right = run(reference, data, usize::MAX)?;
        // One row more shows that there are too many.
        let found = run(&query, data, right.len() + 1)?;
        if found.len() != right.len() {
            let (found, right) = (found.len(), right.len());
            return Err(
                format!("data {}: {right} rows were right, there are {found}", at + 1).into()
            );
        }
        for (row, (found, right)) in found.iter().zip(&right).enumerate() {
            if !(found.len() == right.len() && found.iter().zip(right).all(|(a, b)| same(a, b))) {
                let (right, found) = (shown(right), shown(found));
                let told = format!("row {} should be {right} and is {found}", row + 1);
                return Err(format!("data {}: {told}", at + 1).into());
            }
        }
    }
    Ok(())
}

/// A row in words, the beginning of each cell.
fn shown(row: &[Cell]) -> String {
    let cell = |cell: &Cell| match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.chars().take(40).collect(),
        Cell::Blob(bytes) => format!("{} bytes", bytes.len()),
    };
    row.iter().map(cell).collect::<Vec<_>>().join(", ")
}

fn same(one: &Cell, other: &Cell) -> bool {
    let number = |cell: &Cell| match cell {
        Cell::Integer(number) => Some(*number as f64),
        Cell::Real(number) => Some(*number),
        Cell::Null | Cell::Text(_) | Cell::Blob(_) => None,
    };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => (one - other).abs() < 0.005,
        _ => one == other,
    }
}

/// The first rows of a query on fresh data, which it may only read, within bounds of time and size.
fn run(query: &str, data: &str, most: usize) -> Result<Vec<Vec<Cell>>, Mismatch> {
    let told = |error: rusqlite::Error| Mismatch::new(format!("the statement fails: {error}"));
    let mut database = Connection::open_in_memory().map_err(told)?;
    database.execute_batch(data).map_err(told)?;
    let limit = |limit, most| database.set_limit(limit, most).map(drop).map_err(told);
    limit(Limit::SQLITE_LIMIT_LENGTH, 64 << 10)?;
    limit(Limit::SQLITE_LIMIT_COLUMN, 20)?;
    limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100)?;
    limit(Limit::SQLITE_LIMIT_SQL_LENGTH, 64 << 10)?;
    limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, 200)?;
    let allow = |context: AuthContext<'_>| match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Recursive
        | AuthAction::Function { .. } => Authorization::Allow,
        _ => Authorization::Deny,
    };
    database.authorizer(Some(allow)).map_err(told)?;
    let until = Instant::now() + PATIENCE;
    database.progress_handler(1_000, Some(move || Instant::now() > until)).map_err(told)?;
    let mut batch = Batch::new(&database, query);
    let mut statement = batch.next().map_err(told)?.ok_or("there is no statement")?;
    let columns = statement.column_count();
    let mut rows = statement.query([]).map_err(told)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(told)? {
        if found.len() == most {
            break;
        }
        let cells = (0..columns).map(|at| row.get::<_, Cell>(at)).collect::<Result<_, _>>();
        found.push(cells.map_err(told)?);
    }
    drop(rows);
    match batch.next() {
        Ok(None) => Ok(found),
        _ => Err("there is more than one statement".into()),
    }
}
