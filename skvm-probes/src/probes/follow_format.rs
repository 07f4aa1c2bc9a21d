//! `follow.format`: giving an answer in a given format.

use super::Levels;
use crate::draw::Draw;
use crate::probe::{Instance, Mismatch, by_answer};

// The facts are short, so that only the format is hard. White space around the answer and at the ends of lines
// is free.

pub(super) const LEVELS: Levels = [
    |draw| {
        let people = people(draw);
        csv(&draw.sample(&[Field::Name, Field::City, Field::Points], 3), &people)
    },
    |draw| {
        let people = people(draw);
        lines(&Layout::draw(draw, false), &people)
    },
    |draw| {
        let people = people(draw);
        lines(&Layout::draw(draw, true), &people)
    },
];

const ALONE: &str = "Answer with this text alone: no code fence and nothing before or after it.";

/// One fact.
#[derive(Debug, Clone, Copy)]
struct Person {
    name: &'static str,
    city: &'static str,
    points: u64,
    day: u64,
    month: usize,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn people(draw: &mut Draw) -> Vec<Person> {
    let names = [
        "Ada", "Bruno", "Clara", "David", "Edith", "Felix", "Greta", "Hugo", "Irene", "Jonas",
        "Karla", "Leo", "Mara", "Nils", "Olga", "Paul",
    ];
    let cities = ["Bern", "Cairo", "Delhi", "Lima", "Oslo", "Paris", "Quito", "Rome", "Seoul"];
    let names = draw.sample(&names, 4);
    let cities = draw.sample(&cities, 4);
    std::iter::zip(names, cities)
        .map(|(name, city)| Person {
            name,
            city,
            points: draw.between(13..=9_879),
            day: draw.between(1..=28),
            month: draw.below(12) as usize,
        })
        .collect()
}

fn facts(people: &[Person]) -> String {
    let facts = people.iter().map(|Person { name, city, points, day, month }| {
        let month = MONTHS[month % MONTHS.len()];
        format!("- {name} of {city} got {points} points on {day} {month} 2027.\n")
    });
    format!("The facts:\n{}", facts.collect::<String>())
}

/// What is told of a person.
#[derive(Debug, Clone, Copy)]
enum Field {
    Name,
    City,
    Points,
    Date,
}

impl Field {
    fn label(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::City => "city",
            Self::Points => "points",
            Self::Date => "date",
        }
    }

    /// The value as digits and letters stand in the fact; the date as YYYY-MM-DD.
    fn plain(self, person: &Person) -> String {
        let Person { name, city, points, day, month } = person;
        match self {
            Self::Name => (*name).to_owned(),
            Self::City => (*city).to_owned(),
            Self::Points => points.to_string(),
            Self::Date => format!("2027-{:02}-{day:02}", month + 1),
        }
    }
}

/// CSV of three columns in some order.
fn csv(columns: &[Field], people: &[Person]) -> Instance {
    let header: Vec<String> = columns.iter().map(|field| field.label().to_owned()).collect();
    let row = |person: &Person| columns.iter().map(|field| field.plain(person)).collect();
    let rows: Vec<Vec<String>> =
        std::iter::once(header.clone()).chain(people.iter().map(row)).collect();
    let prompt = format!(
        "Write the facts below as CSV, separated by commas. The columns are `{}`, in this order. \
         The header row has these names. One row follows for each fact, in the order given, with the \
         values as they stand there. No field needs quotes: write none, and no spaces around the \
         commas. {ALONE}\n\n{}",
        header.join("`, `"),
        facts(people)
    );
    let write = |rows: &[Vec<String>], comma: &str| {
        rows.iter().map(|row| row.join(comma)).collect::<Vec<_>>().join("\n")
    };
    let changed = |change: fn(&mut Vec<Vec<String>>)| {
        let mut rows = rows.clone();
        change(&mut rows);
        write(&rows, ",")
    };
    instance(prompt, write(&rows, ","))
        .with_near_miss("semicolons for commas", write(&rows, ";"))
        .with_near_miss("spaces after commas", write(&rows, ", "))
        .with_near_miss("no header", changed(|rows| drop(rows.remove(0))))
        .with_near_miss("a row is missing", changed(|rows| drop(rows.pop())))
        .with_near_miss("rows are out of order", changed(|rows| rows[1..].reverse()))
        .with_near_miss(
            "columns are out of order",
            changed(|rows| rows.iter_mut().for_each(|row| row.reverse())),
        )
}

/// An instance whose only right answer are these lines.
fn instance(prompt: String, right: String) -> Instance {
    let expected = right.clone();
    Instance::new(prompt, &right, by_answer(move |answer| exact_lines(answer, &expected)))
        .with_near_miss("a code fence surrounds it", format!("```\n{right}\n```"))
        .with_near_miss("a sentence precedes it", format!("Here it is:\n{right}"))
        .with_near_miss("a sentence follows it", format!("{right}\nThat is all."))
}

/// Rules for lines of facts and, at L3, for the whole.
#[derive(Debug, Clone)]
struct Layout {
    fields: Vec<Field>,
    separator: &'static str,
    capitals: bool,
    digits: usize,
    iso: bool,
    frame: Option<&'static str>,
    numbered: bool,
    spaced: bool,
}

impl Layout {
    fn draw(draw: &mut Draw, whole: bool) -> Self {
        let frame = draw.pick(&["LIST", "POINTS", "RESULT", "TABLE"]);
        Self {
            fields: draw.sample(&[Field::Name, Field::City, Field::Points, Field::Date], 4),
            separator: draw.pick(&["|", ";", "::", "~"]),
            capitals: draw.flip(),
            digits: draw.between(5..=7) as usize,
            iso: draw.flip(),
            frame: whole.then_some(frame),
            numbered: whole,
            spaced: whole,
        }
    }

    fn write(&self, people: &[Person]) -> String {
        let lines: Vec<String> = people
            .iter()
            .enumerate()
            .map(|(at, person)| {
                let number = if self.numbered { format!("{:02}) ", at + 1) } else { String::new() };
                let fields: Vec<String> =
                    self.fields.iter().map(|field| self.field(*field, person)).collect();
                number + &fields.join(self.separator)
            })
            .collect();
        let body = lines.join(if self.spaced { "\n\n" } else { "\n" });
        match self.frame {
            Some(word) => format!("BEGIN {word}\n{body}\nEND {word}"),
            None => body,
        }
    }

    fn field(&self, field: Field, person: &Person) -> String {
        match field {
            Field::Name if self.capitals => person.name.to_uppercase(),
            Field::Name => person.name.to_lowercase(),
            Field::Points => format!("{:0width$}", person.points, width = self.digits),
            Field::Date if !self.iso => {
                format!("{:02}.{:02}.2027", person.day, person.month + 1)
            }
            Field::City | Field::Date => field.plain(person),
        }
    }

    /// The rules in words, as far as they are not the schema of a line.
    fn rules(&self) -> Vec<String> {
        let letters = if self.capitals { "capital" } else { "small" };
        let date = if self.iso { "YYYY-MM-DD" } else { "DD.MM.YYYY" };
        let mut rules = vec![
            "One line stands for each fact, in the order given.".to_owned(),
            format!("`<name>` is the person's name in {letters} letters only."),
            format!("`<points>` is the points with {} digits, zeros in front.", self.digits),
            format!("`<date>` is the date as {date}."),
            "`<city>` is the city as it stands in the fact.".to_owned(),
        ];
        if self.numbered {
            let rule = "In front of each fact's line stands its number in two digits, `)` and one space: \
                the first begins with `01) `.";
            rules.push(rule.to_owned());
        }
        if self.spaced {
            let rule = "Exactly one empty line stands between each two lines of facts, and no empty \
                line anywhere else.";
            rules.push(rule.to_owned());
        }
        if let Some(word) = self.frame {
            let rule = "and the last line of all is";
            rules.push(format!("The first line of all is `BEGIN {word}`, {rule} `END {word}`."));
        }
        rules
    }

    /// The same rules but for one that is broken.
    fn broken(&self) -> Vec<(&'static str, Self)> {
        let with = |change: fn(&mut Self)| {
            let mut layout = self.clone();
            change(&mut layout);
            layout
        };
        let mut broken = vec![
            ("fields are out of order", with(|layout| layout.fields.reverse())),
            ("another separator", with(|layout| layout.separator = ",")),
            ("spaces for the separator", with(|layout| layout.separator = " ")),
            ("the wrong letters", with(|layout| layout.capitals = !layout.capitals)),
            ("no zeros in front", with(|layout| layout.digits = 0)),
            ("another form of date", with(|layout| layout.iso = !layout.iso)),
        ];
        if self.frame.is_some() {
            broken.push(("no first and last line", with(|layout| layout.frame = None)));
            broken.push(("lines without numbers", with(|layout| layout.numbered = false)));
            broken.push(("no empty lines", with(|layout| layout.spaced = false)));
        }
        broken
    }
}

fn lines(layout: &Layout, people: &[Person]) -> Instance {
    let fields: Vec<String> =
        layout.fields.iter().map(|field| format!("<{}>", field.label())).collect();
    let schema = fields.join(layout.separator);
    let rules: String = layout.rules().iter().map(|rule| format!("- {rule}\n")).collect();
    let prompt = format!(
        "Write the facts below as lines of this schema, in which all but the fields in angle \
         brackets stands as it is:\n\n    {schema}\n\nThese rules hold:\n{rules}\n{ALONE}\n\n{}",
        facts(people)
    );
    let right = layout.write(people);
    let swapped: Vec<Person> = people.iter().rev().copied().collect();
    let instance = instance(prompt, right)
        .with_near_miss("facts are out of order", layout.write(&swapped))
        .with_near_miss("a fact is missing", layout.write(&people[1..]));
    layout.broken().into_iter().fold(instance, |instance, (fault, layout)| {
        instance.with_near_miss(fault, layout.write(people))
    })
}

/// Wants these lines.
fn exact_lines(answer: &str, expected: &str) -> Result<(), Mismatch> {
    let mut found = answer.trim().lines().map(str::trim_end);
    for (at, expected) in expected.lines().enumerate() {
        if found.next() != Some(expected) {
            return Err(format!("line {} is not {expected:?}", at + 1).into());
        }
    }
    match found.next() {
        Some(line) => Err(format!("one line too many: {line}").into()),
        None => Ok(()),
    }
}
