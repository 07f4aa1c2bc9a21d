//! Collecting evidence by purpose.

use std::collections::BTreeMap;

use skvm_core::capability::{CapabilityPath, Level, Primitive, Purpose, Requirement};
use skvm_core::document::SectionId;
use skvm_core::skill::Skill;
use skvm_core::span::Span;

use crate::section::{SectionRole, role};

/// Most spans that are kept for one requirement.
const MAX_SPANS: usize = 8;

/// How sure structural evidence is: it is there, but may be meant otherwise.
pub(super) const STRUCTURAL: f32 = 0.9;

/// Collects evidence; knows to which purpose a place belongs and which places demand nothing.
pub(super) struct Collector<'s> {
    skill: &'s Skill,
    /// By section: the section that names its purpose, or `None` where nothing is demanded.
    purposes: Vec<Option<SectionId>>,
    found: BTreeMap<(SectionId, Primitive), Found>,
}

struct Found {
    level: Level,
    evidence: String,
    confidence: f32,
    spans: Vec<Span>,
}

impl<'s> Collector<'s> {
    pub(super) fn new(skill: &'s Skill) -> Self {
        let document = skill.document();
        let mut purposes: Vec<Option<SectionId>> = Vec::with_capacity(document.sections().len());
        let root = root(skill);
        for section in document.sections() {
            let id = document.section_at(section.span().start);
            let demands = section.heading().is_none() || {
                let path = document.section_path(id);
                matches!(role(&path), SectionRole::Other | SectionRole::Procedure)
            };
            // A section below the second level belongs to the purpose of the one around it.
            let purpose = match section.parent() {
                Some(parent) if section.level() > 2 => {
                    purposes.get(parent.index()).copied().flatten().or(Some(id))
                }
                _ if section.level() <= 1 => Some(root),
                _ => Some(id),
            };
            purposes.push(purpose.filter(|_| demands));
        }
        Self { skill, purposes, found: BTreeMap::new() }
    }

    /// The purpose of a place; `None` where the text demands nothing.
    fn purpose(&self, section: SectionId) -> Option<SectionId> {
        self.purposes.get(section.index()).copied().flatten()
    }

    /// Whether a section demands anything.
    pub(super) fn demands(&self, section: SectionId) -> bool {
        self.purpose(section).is_some()
    }

    /// Adds structural evidence at a place.
    pub(super) fn add(
        &mut self,
        section: SectionId,
        primitive: Primitive,
        level: Level,
        evidence: &str,
        span: Span,
    ) {
        if let Some(purpose) = self.purpose(section) {
            self.add_to(purpose, primitive, level, evidence, Some(span), STRUCTURAL);
        }
    }

    /// Adds evidence for the skill as a whole.
    pub(super) fn add_whole(
        &mut self,
        primitive: Primitive,
        level: Level,
        evidence: &str,
        span: Option<Span>,
        confidence: f32,
    ) {
        self.add_to(root(self.skill), primitive, level, evidence, span, confidence);
    }

    fn add_to(
        &mut self,
        purpose: SectionId,
        primitive: Primitive,
        level: Level,
        evidence: &str,
        span: Option<Span>,
        confidence: f32,
    ) {
        let found = self.found.entry((purpose, primitive)).or_insert_with(|| Found {
            level,
            evidence: evidence.to_owned(),
            confidence,
            spans: Vec::new(),
        });
        if level > found.level {
            *found = Found { level, evidence: evidence.to_owned(), confidence, spans: Vec::new() };
        }
        if level == found.level {
            found.confidence = found.confidence.max(confidence);
            if found.spans.len() < MAX_SPANS {
                found.spans.extend(span.filter(|span| !found.spans.contains(span)));
            }
        }
    }

    pub(super) fn finish(self) -> Vec<Purpose> {
        let mut purposes: Vec<Purpose> = Vec::new();
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        let mut current = None;
        for ((section, primitive), found) in self.found {
            if current != Some(section) {
                current = Some(section);
                purposes.push(new_purpose(self.skill, section, &mut ids));
            }
            let Some(purpose) = purposes.last_mut() else { continue };
            let mut spans = found.spans;
            spans.sort_unstable();
            purpose.current_path.primitives.push(Requirement {
                primitive,
                min_level: found.level,
                evidence: found.evidence,
                spans,
                confidence: Some(found.confidence),
            });
        }
        purposes
    }
}

/// The section around all others. A heading may stand at its very first byte.
fn root(skill: &Skill) -> SectionId {
    let document = skill.document();
    let first = document.section_at(document.span().start);
    document.section(first).parent().unwrap_or(first)
}

fn new_purpose(skill: &Skill, section: SectionId, ids: &mut BTreeMap<String, usize>) -> Purpose {
    let section = skill.document().section(section);
    let (name, description) = match section.heading() {
        Some(heading) => (heading.text(), heading.text().to_owned()),
        None => {
            let whole = skill.description().map_or_else(|| skill.name().to_owned(), first_sentence);
            (skill.name(), whole)
        }
    };
    let slug = slug(name);
    let mut id = slug.clone();
    while ids.contains_key(&id) {
        let seen = ids.entry(slug.clone()).or_insert(1);
        *seen += 1;
        id = format!("{slug}-{seen}");
    }
    ids.insert(id.clone(), 1);
    Purpose {
        id,
        description,
        span: Some(section.span()),
        current_path: CapabilityPath::default(),
        alternative_paths: Vec::new(),
    }
}

fn first_sentence(text: &str) -> String {
    let text = text.trim();
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text.get(..end).unwrap_or(text).lines().collect::<Vec<_>>().join(" ")
}

/// Letters and digits in lower case, with hyphens between words.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() {
            slug.extend(c.to_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "skill".to_owned() } else { slug.to_owned() }
}
