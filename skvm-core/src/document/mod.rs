//! The Markdown body of a skill as a tree with byte spans into the source.
//!
//! The tree holds no text of its own beyond what is normalised (headings, link targets): every
//! part is a [`Span`] into the skill's source, so printing it gives the source back byte for byte.
//!
//! ```
//! use skvm_core::skill::Skill;
//!
//! let skill = Skill::from_text("x", "# Use\n\n1. Read `in.txt`\n2. Run:\n\n   ```sh\n   wc -l in.txt\n   ```\n");
//! let document = skill.document();
//! assert_eq!(document.sections()[1].title(), "Use");
//! assert_eq!(document.fences()[0].code(skill.source()), "wc -l in.txt\n");
//! assert_eq!(document.step_lists()[0].steps().len(), 2);
//! ```

mod block;
mod parse;
mod steps;

pub use block::{
    Block, BlockId, BlockKind, CodeSpan, Fence, Heading, Language, Link, LinkKind, ListItem,
    Section, SectionId, Table,
};
pub use steps::{Step, StepKind, StepList};

use crate::span::Span;

/// A parsed Markdown body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    span: Span,
    sections: Vec<Section>,
    blocks: Vec<Block>,
    fences: Vec<Fence>,
    code_spans: Vec<CodeSpan>,
    links: Vec<Link>,
    tables: Vec<Table>,
    items: Vec<ListItem>,
    step_lists: Vec<StepList>,
}

impl Document {
    /// Parses the part of `source` under `body` as CommonMark with tables and task lists. Any text
    /// is a document.
    #[must_use]
    pub fn parse(source: &str, body: Span) -> Self {
        parse::parse(source, body)
    }

    /// Where the body lies in the source.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The sections in source order. The first is the root: it has no heading and spans the body.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// One section.
    #[must_use]
    pub fn section(&self, id: SectionId) -> &Section {
        self.sections.get(id.index()).unwrap_or(&self.sections[0])
    }

    /// The innermost section around a byte of the source.
    #[must_use]
    pub fn section_at(&self, offset: usize) -> SectionId {
        let after = self.sections.partition_point(|section| section.span().start <= offset);
        let mut id = SectionId(after.saturating_sub(1));
        while !self.section(id).span().contains_offset(offset)
            && let Some(parent) = self.section(id).parent()
        {
            id = parent;
        }
        id
    }

    /// The headings that lead to a section, outermost first.
    #[must_use]
    pub fn section_path(&self, id: SectionId) -> Vec<&str> {
        let mut titles = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            let section = self.section(id);
            titles.extend(section.heading().map(Heading::text));
            next = section.parent();
        }
        titles.reverse();
        titles
    }

    /// The block tree in pre-order; see [`Block::subtree_end`].
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Code blocks, fenced and indented, in source order.
    #[must_use]
    pub fn fences(&self) -> &[Fence] {
        &self.fences
    }

    /// Inline code in source order.
    #[must_use]
    pub fn code_spans(&self) -> &[CodeSpan] {
        &self.code_spans
    }

    /// Links and images in source order.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Tables in source order.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// List items in source order, of all lists.
    #[must_use]
    pub fn items(&self) -> &[ListItem] {
        &self.items
    }

    /// What is laid out as steps, in source order. Whether it *is* a procedure is for a pass to
    /// judge: about half of the numbered lists in real skills are not.
    #[must_use]
    pub fn step_lists(&self) -> &[StepList] {
        &self.step_lists
    }

    /// Prints the tree: leaf blocks and what stands between them. For the source that the document
    /// was parsed from this is that source.
    #[must_use]
    pub fn print(&self, source: &str) -> String {
        let mut printed = String::with_capacity(source.len());
        printed.push_str(Span::new(0, self.span.start).text(source));
        let mut at = self.span.start;
        for (index, block) in self.blocks.iter().enumerate() {
            let is_leaf = block.subtree_end().index() == index + 1;
            if is_leaf {
                printed.push_str(Span::new(at, block.span().start).text(source));
                printed.push_str(block.span().text(source));
                at = block.span().end;
            }
        }
        printed.push_str(Span::new(at, source.len()).text(source));
        printed
    }
}
