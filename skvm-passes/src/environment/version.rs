//! Version ranges, as far as it takes to tell whether they agree and whether a version is in them.

use std::cmp::Ordering;

/// A version by its release numbers; what follows them (`rc1`, `.post2`, `-beta`) is left out of
/// account.
type Release = Vec<u64>;

/// Several ranges that must hold together, each as it was written.
#[derive(Debug, Clone)]
pub(super) struct Ranges {
    ranges: Vec<(String, Alternatives)>,
}

/// Comparators of which one group must hold whole.
type Alternatives = Vec<Vec<Comparator>>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparator {
    operator: Operator,
    release: Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    AtLeast,
    More,
    /// Begins with these numbers, as in `==1.*`.
    Within,
    Equal,
    NotEqual,
    /// Does not begin with these numbers, as in `!=1.*`.
    NotWithin,
}

impl Ranges {
    /// Python's `>=1,<2`, `~=1.4`, `==1.*`. `None` when one is not understood.
    pub(super) fn python(texts: &[&str]) -> Option<Self> {
        let parse = |text: &str| {
            let comparators: Option<Vec<_>> = text.split(',').map(python_comparators).collect();
            Some(vec![comparators?.concat()])
        };
        Self::of(texts, parse)
    }

    /// npm's `^1.2`, `~1`, `1.x`, `>=18 <21`, `1 || 2`, also with commas in place of spaces. `None` when
    /// one is not understood.
    pub(super) fn npm(texts: &[&str]) -> Option<Self> {
        let parse = |text: &str| text.split("||").map(npm_comparators).collect();
        Self::of(texts, parse)
    }

    fn of(texts: &[&str], parse: impl Fn(&str) -> Option<Alternatives>) -> Option<Self> {
        let ranges: Option<Vec<_>> =
            texts.iter().map(|text| Some(((*text).to_owned(), parse(text)?))).collect();
        Some(Self { ranges: ranges? })
    }

    /// Whether any version is in all of them.
    pub(super) fn is_satisfiable(&self) -> bool {
        self.candidates().iter().any(|release| self.contain_release(release))
    }

    /// Whether a version is in all of them; `None` when it has no release numbers.
    pub(super) fn contain(&self, version: &str) -> Option<bool> {
        Some(self.contain_release(&release(version)?))
    }

    /// The one of them that lies in all others, as it was written.
    pub(super) fn narrowest(&self) -> Option<String> {
        let candidates = self.candidates();
        let narrowest = self.ranges.iter().min_by_key(|(_, alternatives)| {
            candidates.iter().filter(|release| holds(alternatives, release)).count()
        });
        narrowest.map(|(text, _)| text.clone())
    }

    fn contain_release(&self, release: &[u64]) -> bool {
        self.ranges.iter().all(|(_, alternatives)| holds(alternatives, release))
    }

    /// Versions at, just above and far from every bound: ranges that agree on none of these agree on
    /// none at all.
    fn candidates(&self) -> Vec<Release> {
        let bounds = self.ranges.iter().flat_map(|(_, groups)| groups.iter().flatten());
        let mut candidates = vec![vec![0]];
        for comparator in bounds {
            let at = comparator.release.clone();
            let above = [at.clone(), vec![0, 0, 0, 1]].concat();
            let mut next = at.clone();
            if let Some(last) = next.last_mut() {
                *last += 1;
            }
            candidates.extend([at, above, next]);
        }
        candidates
    }
}

/// Whether a version satisfies a requirement of Python's form.
pub(super) fn python_satisfies(version: &str, requirement: &str) -> Option<bool> {
    Ranges::python(&[requirement])?.contain(version)
}

/// Whether a version satisfies a range of npm's form.
pub(super) fn npm_satisfies(version: &str, range: &str) -> Option<bool> {
    Ranges::npm(&[range])?.contain(version)
}

fn holds(alternatives: &Alternatives, release: &[u64]) -> bool {
    alternatives.iter().any(|group| group.iter().all(|comparator| comparator.holds(release)))
}

impl Comparator {
    fn new(operator: Operator, release: Release) -> Self {
        Self { operator, release }
    }

    fn holds(&self, release: &[u64]) -> bool {
        let order = compare(release, &self.release);
        let within =
            || (0..self.release.len()).all(|at| number(release, at) == number(&self.release, at));
        match self.operator {
            Operator::Less => order == Ordering::Less,
            Operator::AtMost => order != Ordering::Greater,
            Operator::AtLeast => order != Ordering::Less,
            Operator::More => order == Ordering::Greater,
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Within => within(),
            Operator::NotWithin => !within(),
        }
    }
}

/// Numbers that are not told are zero.
fn number(release: &[u64], at: usize) -> u64 {
    release.get(at).copied().unwrap_or(0)
}

fn compare(a: &[u64], b: &[u64]) -> Ordering {
    (0..a.len().max(b.len()))
        .map(|at| number(a, at).cmp(&number(b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The release numbers at the head of a version: `1.2` of `v1.2rc1`.
fn release(version: &str) -> Option<Release> {
    let version = version.trim().trim_start_matches(['v', 'V', '=']);
    let numbers: Vec<&str> = version.split('.').collect();
    let mut release = Vec::new();
    for part in numbers {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let Ok(number) = part.get(..end)?.parse::<u64>() else { break };
        release.push(number.min(u64::from(u32::MAX)));
        if end < part.len() {
            break;
        }
    }
    (!release.is_empty() && release.len() < 16).then_some(release)
}

fn python_comparators(clause: &str) -> Option<Vec<Comparator>> {
    let clause = clause.trim();
    if clause.is_empty() {
        return Some(Vec::new());
    }
    let end = clause.find(|c: char| !matches!(c, '<' | '>' | '=' | '!' | '~'))?;
    let (operator, version) = clause.split_at_checked(end)?;
    let (version, is_prefix) = match version.trim().strip_suffix(".*") {
        Some(prefix) => (prefix, true),
        None => (version.trim(), false),
    };
    let release = release(version)?;
    let operator = match (operator, is_prefix) {
        ("==", true) => Operator::Within,
        ("!=", true) => Operator::NotWithin,
        ("==" | "===", false) => Operator::Equal,
        ("!=", false) => Operator::NotEqual,
        ("<", _) => Operator::Less,
        ("<=", _) => Operator::AtMost,
        (">", _) => Operator::More,
        (">=", _) => Operator::AtLeast,
        ("~=", false) if release.len() > 1 => {
            let series = release.get(..release.len() - 1)?.to_vec();
            return Some(vec![
                Comparator::new(Operator::AtLeast, release),
                Comparator::new(Operator::Within, series),
            ]);
        }
        _ => return None,
    };
    Some(vec![Comparator::new(operator, release)])
}

fn npm_comparators(group: &str) -> Option<Vec<Comparator>> {
    if let Some((low, high)) = group.split_once(" - ") {
        let low = Comparator::new(Operator::AtLeast, release(low)?);
        return Some(vec![low, Comparator::new(Operator::AtMost, release(high)?)]);
    }
    let mut comparators = Vec::new();
    let words = group.replace(',', " ");
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        // `>= 18` as well as `>=18`.
        let joined = match word {
            ">" | ">=" | "<" | "<=" | "=" | "^" | "~" => format!("{word}{}", words.next()?),
            _ => word.to_owned(),
        };
        comparators.extend(npm_comparator(&joined)?);
    }
    Some(comparators)
}

fn npm_comparator(word: &str) -> Option<Vec<Comparator>> {
    if matches!(word, "*" | "x" | "X" | "latest" | "") {
        return Some(Vec::new());
    }
    let end = word.find(|c: char| !matches!(c, '<' | '>' | '=' | '^' | '~'))?;
    let (operator, version) = word.split_at_checked(end)?;
    let release = release(version)?;
    let is_whole = release.len() > 2;
    let up_to = |at: usize| {
        let mut ceiling: Release = release.iter().take(at + 1).copied().collect();
        ceiling.resize(at + 1, 0);
        if let Some(last) = ceiling.last_mut() {
            *last += 1;
        }
        vec![
            Comparator::new(Operator::AtLeast, release.clone()),
            Comparator::new(Operator::Less, ceiling),
        ]
    };
    Some(match operator {
        // The first number that is not zero stays.
        "^" => up_to(release.iter().position(|n| *n > 0).unwrap_or(release.len() - 1)),
        "~" | "~>" => up_to(1.min(release.len() - 1)),
        "" | "=" if is_whole => vec![Comparator::new(Operator::Equal, release)],
        "" | "=" => vec![Comparator::new(Operator::Within, release)],
        "==" => vec![Comparator::new(Operator::Within, release)],
        "<" => vec![Comparator::new(Operator::Less, release)],
        "<=" => vec![Comparator::new(Operator::AtMost, release)],
        ">" => vec![Comparator::new(Operator::More, release)],
        ">=" => vec![Comparator::new(Operator::AtLeast, release)],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_ranges_contain_versions() {
        let cases = [
            ("3.11.7", ">=3.8", Some(true)),
            ("3.11.7", ">=3.12", Some(false)),
            ("3.11.7", ">=3.8,<3.11", Some(false)),
            ("3.11.7", "~=3.11", Some(true)),
            ("3.11.7", "~=3.11.8", Some(false)),
            ("3.11.7", "==3.11.*", Some(true)),
            ("3.11", "==3.11.0", Some(true)),
            ("3.11.7", "!=3.11.*", Some(false)),
            ("2.0rc1", ">=2", Some(true)),
            ("3.11.7", "^3.8", None),
            ("x", ">=1", None),
        ];
        for (version, requirement, expected) in cases {
            assert_eq!(python_satisfies(version, requirement), expected, "{version} {requirement}");
        }
    }

    #[test]
    fn npm_ranges_contain_versions() {
        let cases = [
            ("20.20.2", ">=18", Some(true)),
            ("20.20.2", ">= 18 <20", Some(false)),
            ("20.20.2", "^20", Some(true)),
            ("20.20.2", "^20.20.3", Some(false)),
            ("0.3.1", "^0.2", Some(false)),
            ("0.2.9", "^0.2.3", Some(true)),
            ("1.4.0", "~1.2", Some(false)),
            ("1.4.0", "1.x", Some(true)),
            ("1.4.0", "1.4", Some(true)),
            ("1.4.0", "1.4.1", Some(false)),
            ("16.1.0", "14 || 16", Some(true)),
            ("15.0.0", "1.2 - 2.4", Some(false)),
            ("1.0.0", "latest", Some(true)),
            ("1.0.0", "next", None),
        ];
        for (version, range, expected) in cases {
            assert_eq!(npm_satisfies(version, range), expected, "{version} {range}");
        }
    }

    #[test]
    fn ranges_that_no_version_is_in_are_seen() {
        let python = |texts: &[&str]| Ranges::python(texts).unwrap().is_satisfiable();
        assert!(python(&[">=5", ">=6"]));
        assert!(python(&[">=1,<2", "<1.5"]));
        assert!(python(&["==1.2", ">=1"]));
        assert!(python(&[">1", "<1.0.1"]));
        assert!(!python(&["==1.2", ">=2"]));
        assert!(!python(&["~=1.4", ">=2"]));
        assert!(!python(&["==1.*", "==2.*"]));
        let npm = |texts: &[&str]| Ranges::npm(texts).unwrap();
        assert!(npm(&["^1", "^1.5"]).is_satisfiable());
        assert_eq!(npm(&["^1", "^1.5"]).narrowest().as_deref(), Some("^1.5"));
        assert!(!npm(&["^1", "^2"]).is_satisfiable());
    }
}
