//! `reason.spatial`: places, areas and bodies, worked out without a program.

use std::f64::consts::PI;

use super::Levels;
use super::phrase::{LAST_LINE, final_answer, question};
use crate::draw::Draw;
use crate::probe::{Instance, by_answer};

pub(super) const LEVELS: Levels = [
    |draw| if draw.flip() { walk(draw) } else { heading(draw) },
    |draw| if draw.flip() { area(draw) } else { image(draw) },
    |draw| if draw.flip() { globe(draw) } else { body(draw) },
];

/// A question whose answer is a number within a tolerance.
fn measured(
    question: &str,
    right: f64,
    tolerance: f64,
    wrong: Vec<(&'static str, f64)>,
) -> Instance {
    let prompt = format!(
        "{question}\n\n{LAST_LINE}the number alone, in plain digits with a point before any decimals and \
         without a unit. Anything within {tolerance} of the exact value is accepted."
    );
    let grader = by_answer(move |answer| {
        let found = final_answer(answer)?;
        let number: f64 = found.parse().map_err(|_| format!("{found:?} is no plain number"))?;
        if (number - right).abs() <= tolerance {
            Ok(())
        } else {
            Err(format!("{right:.4} was right, the answer is {number}").into())
        }
    });
    let line = |number: f64| format!("Answer: {number:.4}");
    let misses = wrong
        .into_iter()
        .filter(move |(_, number)| (number - right).abs() > 2.0 * tolerance)
        .map(|(fault, number)| (fault, line(number)));
    let unmarked = ("the answer is not marked", format!("{right:.4}"));
    let off = ("just beyond the tolerance", line(right + 1.5 * tolerance));
    let misses: Vec<(&str, String)> = misses.chain([unmarked, off]).collect();
    Instance::new(prompt, line(right), grader)
        .with_near_misses(misses)
        .with_near_miss("a unit follows", format!("Answer: {right:.4} m"))
}

const COMPASS: [&str; 4] = ["north", "east", "south", "west"];

/// Distance after steps on a grid.
fn walk(draw: &mut Draw) -> Instance {
    let [a, b] = std::array::from_fn(|_| draw.between(3..=20) as f64);
    let (more, back) = (draw.between(21..=40) as f64, draw.between(1..=2) as f64);
    let (one, other) = (draw.below(4) as usize, draw.flip());
    let side = if other { (one + 1) % 4 } else { (one + 3) % 4 };
    let asked = format!(
        "On a flat field someone walks {more} m to the {}, then {a} m to the {}, then {} m back to the {}, and \
         at last {b} m to the {}. How far, in metres and in a straight line, is the end from the start?",
        COMPASS[one],
        COMPASS[side],
        more - back,
        COMPASS[(one + 2) % 4],
        COMPASS[side],
    );
    let right = (back * back + (a + b) * (a + b)).sqrt();
    let wrong = vec![
        ("the way that was walked", more + a + (more - back) + b),
        ("the sum of both directions", back + a + b),
        ("nothing is walked back", ((2.0 * more - back).powi(2) + (a + b).powi(2)).sqrt()),
        ("the square of it", back * back + (a + b) * (a + b)),
    ];
    measured(&asked, right, 0.01, wrong)
}

/// The direction after turns.
fn heading(draw: &mut Draw) -> Instance {
    let start = draw.below(4) as usize;
    let mut facing = start;
    let mut told = Vec::new();
    let turns: Vec<u64> = (0..4).map(|_| draw.below(3)).collect();
    for turn in &turns {
        let (by, words) = [
            (1, "turns right by 90 degrees"),
            (3, "turns left by 90 degrees"),
            (2, "turns around"),
        ][*turn as usize];
        facing = (facing + by) % 4;
        told.push(format!("{words} and walks {} m", draw.between(2..=30)));
    }
    let asked = format!(
        "Someone faces {}, then {}. In which direction do they face at the end?",
        COMPASS[start],
        told.join(", then ")
    );
    let others = (1..4).map(|by| COMPASS[(facing + by) % 4].to_owned());
    let faults = ["a quarter too far", "the opposite", "a quarter short"];
    let mut wrong: Vec<(&str, String)> = faults.into_iter().zip(others).collect();
    wrong.push((
        "between two directions",
        format!("{}-{}", COMPASS[facing], COMPASS[(facing + 1) % 4]),
    ));
    let form = "one of north, east, south and west.";
    question(&asked, form, COMPASS[facing], wrong)
}

/// The area of a polygon with right angles.
fn area(draw: &mut Draw) -> Instance {
    let (width, height) = (draw.between(12..=70), draw.between(10..=60));
    let (cut, deep) = (draw.between(3..=8), draw.between(2..=7));
    let radius = draw.between(1..=2) as f64;
    let asked = format!(
        "A floor is a polygon with the corners (0, 0), ({width}, 0), ({width}, {}), ({}, {}), ({}, {height}) and \
         (0, {height}), in this order; all coordinates are metres. A round hole of radius {radius} m, which lies \
         wholly inside, is cut out of it. How large is the area that is left, in square metres? Take pi as \
         3.14159.",
        height - deep,
        width - cut,
        height - deep,
        width - cut,
    );
    let (w, h, c, d) = (width as f64, height as f64, cut as f64, deep as f64);
    let right = w * h - c * d - PI * radius * radius;
    let wrong = vec![
        ("the whole rectangle", w * h - PI * radius * radius),
        ("no hole", w * h - c * d),
        ("the corner counts twice", w * h - 2.0 * c * d - PI * radius * radius),
        ("the circumference for the area", w * h - c * d - 2.0 * PI * radius),
        ("the outline", 2.0 * (w + h)),
    ];
    measured(&asked, right, 0.05, wrong)
}

/// A point after a turn, a mirror and a shift.
fn image(draw: &mut Draw) -> Instance {
    let [x, y, dx, dy] = std::array::from_fn(|_| draw.between(2..=15) as i64);
    let y = if y == x { y + 1 } else { y };
    let clockwise = draw.flip();
    let upright = draw.flip();
    let turn = |(x, y): (i64, i64), clockwise: bool| if clockwise { (y, -x) } else { (-y, x) };
    let mirror = |(x, y): (i64, i64), upright: bool| if upright { (-x, y) } else { (x, -y) };
    let shift = |(x, y): (i64, i64)| (x + dx, y - dy);
    let line = |(x, y): (i64, i64)| format!("({x}, {y})");
    let right = shift(mirror(turn((x, y), clockwise), upright));
    let asked = format!(
        "In a plane with the x axis to the right and the y axis upwards, the point ({x}, {y}) is turned by 90 \
         degrees {} about the origin. The result is mirrored at the {} axis, and that result is shifted by {dx} \
         to the right and by {dy} downwards. Where is the point then?",
        if clockwise { "clockwise" } else { "counter-clockwise" },
        if upright { "y" } else { "x" },
    );
    let wrong = [
        ("turned the other way", shift(mirror(turn((x, y), !clockwise), upright))),
        ("mirrored at the other axis", shift(mirror(turn((x, y), clockwise), !upright))),
        ("not shifted", mirror(turn((x, y), clockwise), upright)),
        ("not turned", shift(mirror((x, y), upright))),
        ("shifted upwards", (right.0, right.1 + 2 * dy)),
        ("coordinates swapped", (right.1, right.0)),
    ];
    let wrong = wrong.into_iter().filter(|(_, place)| *place != right);
    let wrong = wrong.map(|(fault, place)| (fault, line(place))).collect();
    question(&asked, "the point as `(x, y)`.", &line(right), wrong)
}

/// The way over a sphere.
fn globe(draw: &mut Draw) -> Instance {
    let radius = draw.between(2..=9) as f64 * 1_000.0;
    let [a, b] = std::array::from_fn(|_| draw.between(10..=60) as f64);
    let apart = draw.between(30..=120) as f64;
    let asked = format!(
        "Two towns lie on a sphere of radius {radius} km. One is at {a} degrees north, 10 degrees east, the other \
         at {b} degrees north, {} degrees east. How long is the shortest way between them along the surface, in \
         kilometres?",
        10.0 + apart
    );
    let (p, q, l) = (a.to_radians(), b.to_radians(), apart.to_radians());
    let angle = (p.sin() * q.sin() + p.cos() * q.cos() * l.cos()).clamp(-1.0, 1.0).acos();
    let wrong = vec![
        ("through the sphere", radius * 2.0 * (angle / 2.0).sin()),
        ("as on a plane", radius * ((p - q).powi(2) + l.powi(2)).sqrt()),
        ("along the circle of latitude", radius * l * p.cos() + radius * (p - q).abs()),
        ("degrees for radians", radius * angle.to_degrees()),
        ("the diameter for the radius", 2.0 * radius * angle),
    ];
    measured(&asked, radius * angle, (radius * angle * 0.01).round().max(1.0), wrong)
}

/// A body in space: a cone on a cylinder in a box, or a diagonal.
fn body(draw: &mut Draw) -> Instance {
    let [radius, height, top] = std::array::from_fn(|_| draw.between(3..=40) as f64);
    let slack = draw.between(2..=20) as f64;
    let asked = format!(
        "A tower is a cylinder of radius {radius} m and height {height} m with a cone of the same radius and of \
         height {top} m on top. It stands in a box whose square base has sides of {} m and which is just as high \
         as the tower. How large is the part of the box's volume that the tower does not fill, in cubic metres?",
        2.0 * radius + slack
    );
    let side = 2.0 * radius + slack;
    let tower = PI * radius * radius * height + PI * radius * radius * top / 3.0;
    let box_ = side * side * (height + top);
    let wrong = vec![
        ("the tower itself", tower),
        ("the box itself", box_),
        ("the cone as a cylinder", box_ - PI * radius * radius * (height + top)),
        ("half for a third", box_ - PI * radius * radius * (height + top / 2.0)),
        ("the box ends at the cylinder", side * side * height - tower),
    ];
    let right = box_ - tower;
    measured(&asked, right, (right * 0.005).round().max(1.0), wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_within_the_tolerance() {
        let instance = measured("How much?", 10.0, 0.5, Vec::new());
        let outcome = |answer: &str| {
            let evidence = crate::probe::Evidence::of(answer);
            futures::executor::block_on(instance.grade(&evidence)).reason().is_none()
        };
        assert!(outcome("Answer: 10.5") && outcome("Answer: 9.5") && outcome("**Answer: 10**"));
        assert!(!outcome("Answer: 10.51") && !outcome("Answer: ten") && !outcome("Answer: NaN"));
    }
}
