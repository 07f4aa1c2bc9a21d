//! Which routines a task could be for, in time that does not depend on how many there are.
//!
//! A discrimination tree over the elements of wordings: a task is read token by token, and a path that its next
//! token does not continue is left at once.

use std::collections::{BTreeMap, HashMap};

use skvm_core::digest::Digest;

use super::wording::{Element, MAX_TOKENS, Tokens, Wording, key};

/// Names a routine: its record, and its number there.
pub(super) type RoutineId = (Digest, u32);

/// How many nodes one search may look at. A task that leads to more is for no routine.
const MAX_STEPS: usize = 4096;

/// Most routines that one search gives.
const MAX_FOUND: usize = 256;

/// The tree; see the [module](self).
#[derive(Debug)]
pub(super) struct Index {
    nodes: Vec<Node>,
    paths: BTreeMap<RoutineId, usize>,
    /// Nodes that no path uses any more.
    waste: usize,
}

#[derive(Debug, Default)]
struct Node {
    fixed: HashMap<Box<str>, usize>,
    gap: Option<usize>,
    ends: Vec<RoutineId>,
}

impl Default for Index {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], paths: BTreeMap::new(), waste: 0 }
    }
}

impl Index {
    /// Adds a routine by its wording.
    pub(super) fn insert(&mut self, id: RoutineId, wording: &Wording) {
        self.remove(&id);
        let known = self.nodes.len();
        let mut at = 0;
        for element in wording.elements() {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            let next = match element {
                Element::Fixed(token) => *node.fixed.entry(token.as_str().into()).or_insert(fresh),
                Element::Gap(_) => *node.gap.get_or_insert(fresh),
            };
            if next == fresh {
                self.nodes.push(Node::default());
            }
            at = next;
        }
        if let Some(node) = self.nodes.get_mut(at) {
            self.waste = self.waste.saturating_sub(usize::from(node.ends.is_empty() && at < known));
            node.ends.push(id);
            self.paths.insert(id, at);
        }
    }

    /// Takes a routine out. Its path stays for others like it.
    pub(super) fn remove(&mut self, id: &RoutineId) {
        if let Some(node) = self.paths.remove(id).and_then(|at| self.nodes.get_mut(at)) {
            node.ends.retain(|known| known != id);
            self.waste += usize::from(node.ends.is_empty());
        }
    }

    /// Whether it pays to build the tree anew.
    pub(super) fn is_wasteful(&self) -> bool {
        self.waste > 64 && self.waste > 2 * self.paths.len()
    }

    /// The routines whose wording a task may fit.
    pub(super) fn find(&self, task: &str) -> Vec<RoutineId> {
        let mut search = Search {
            index: self,
            task,
            tokens: Tokens::of(task),
            read: Vec::new(),
            found: Vec::new(),
            steps: MAX_STEPS,
        };
        search.go(0, 0);
        if search.steps == 0 { Vec::new() } else { search.found }
    }
}

struct Search<'a> {
    index: &'a Index,
    task: &'a str,
    tokens: Tokens<'a>,
    /// The tokens that were looked at so far.
    read: Vec<&'a str>,
    found: Vec<RoutineId>,
    steps: usize,
}

impl<'a> Search<'a> {
    fn token(&mut self, at: usize) -> Option<&'a str> {
        while self.read.len() <= at && self.read.len() < MAX_TOKENS {
            let token = self.task.get(self.tokens.next()?)?;
            self.read.push(key(token));
        }
        self.read.get(at).copied()
    }

    fn go(&mut self, mut node: usize, mut at: usize) {
        // Only a gap branches.
        loop {
            self.steps = self.steps.saturating_sub(1);
            let Some(here) = self.index.nodes.get(node).filter(|_| self.steps > 0) else { return };
            let Some(token) = self.token(at) else {
                for id in &here.ends {
                    if self.found.len() < MAX_FOUND && !self.found.contains(id) {
                        self.found.push(*id);
                    }
                }
                return;
            };
            if let Some(gap) = here.gap {
                let mut behind = at + 1;
                loop {
                    self.go(gap, behind);
                    if self.steps == 0 || self.token(behind).is_none() {
                        break;
                    }
                    behind += 1;
                }
            }
            let Some(next) = here.fixed.get(token) else { return };
            (node, at) = (*next, at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_lead_to_their_routines() {
        let mut index = Index::default();
        let id = |number: u32| (Digest::of(b"x"), number);
        let wordings = [
            ["convert q1.csv to JSON", "convert q2.csv to JSON"],
            ["convert q1.csv to XML", "convert q2.csv to XML"],
            ["a b c", "x b y"],
            ["merge a.pdf and b.pdf", "merge c.pdf and d.pdf"],
        ];
        for (number, texts) in wordings.iter().enumerate() {
            let wording = Wording::of_all(texts.iter().copied()).unwrap();
            index.insert(id(u32::try_from(number).unwrap()), &wording);
        }
        for (task, expected) in [
            ("convert sales.csv to JSON", vec![id(0)]),
            ("convert sales.csv   to\tXML", vec![id(1)]),
            ("convert sales.csv to YAML", vec![]),
            ("merge one two.pdf and three.pdf", vec![id(3)]),
            ("merge one.pdf", vec![]),
            ("q b z", vec![id(2)]),
            ("", vec![]),
        ] {
            assert_eq!(index.find(task), expected, "{task}");
        }
        index.remove(&id(0));
        assert_eq!(index.find("convert sales.csv to JSON"), []);
    }

    #[test]
    fn a_search_among_many_gaps_is_given_up() {
        let mut index = Index::default();
        let texts = ["a ".repeat(300), "b ".repeat(300)];
        let wording = Wording::of_all(texts.iter().map(String::as_str)).unwrap();
        index.insert((Digest::of(b"x"), 0), &wording);
        assert_eq!(index.find(&format!("{}!", "c ".repeat(500))), []);
    }
}
