//! The parts of a document.

use crate::span::Span;

macro_rules! index_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(super) usize);

        impl $name {
            /// The position in the document's list.
            #[must_use]
            pub fn index(self) -> usize {
                self.0
            }
        }
    };
}

index_type! {
    /// A section of one document.
    SectionId
}
index_type! {
    /// A block of one document.
    BlockId
}

/// A heading and everything up to the next one of its level or above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub(super) heading: Option<Heading>,
    pub(super) parent: Option<SectionId>,
    pub(super) span: Span,
    pub(super) own_end: usize,
}

impl Section {
    /// The heading; `None` for the root.
    #[must_use]
    pub fn heading(&self) -> Option<&Heading> {
        self.heading.as_ref()
    }

    /// The heading's text; empty for the root.
    #[must_use]
    pub fn title(&self) -> &str {
        self.heading.as_ref().map_or("", Heading::text)
    }

    /// The heading's level, 1 to 6; 0 for the root.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.heading.as_ref().map_or(0, |heading| heading.level)
    }

    /// The section around this one; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<SectionId> {
        self.parent
    }

    /// From the heading to the end of the last section below this one.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// From the heading to the first section below this one.
    #[must_use]
    pub fn own_span(&self) -> Span {
        Span::new(self.span.start, self.own_end)
    }
}

/// A heading line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    pub(super) level: u8,
    pub(super) text: String,
    pub(super) span: Span,
}

impl Heading {
    /// The level, 1 to 6.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The text without marks.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The heading with its marks.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }
}

/// One node of the block tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub(super) kind: BlockKind,
    pub(super) span: Span,
    pub(super) parent: Option<BlockId>,
    pub(super) end: BlockId,
    pub(super) section: SectionId,
}

impl Block {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> BlockKind {
        self.kind
    }

    /// Where it lies; inside its parent, and beside its siblings.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The block around it.
    #[must_use]
    pub fn parent(&self) -> Option<BlockId> {
        self.parent
    }

    /// One past the last block below this one; blocks are in pre-order, so the blocks between this
    /// one and that are its descendants.
    #[must_use]
    pub fn subtree_end(&self) -> BlockId {
        self.end
    }

    /// The section it stands in.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }
}

/// What a block is. An index points into the document's list of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// A heading; its section is the block's section.
    Heading,
    /// Running text.
    Paragraph,
    /// A numbered list, with its first number.
    OrderedList(u64),
    /// A list with bullets.
    BulletList,
    /// An item, in [`Document::items`](super::Document::items).
    Item(usize),
    /// A code block, in [`Document::fences`](super::Document::fences).
    Code(usize),
    /// A table, in [`Document::tables`](super::Document::tables).
    Table(usize),
    /// A quotation.
    Quote,
    /// Raw HTML.
    Html,
    /// A line across the page.
    Rule,
}

/// A code block: fenced with backticks or tildes, or indented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub(super) span: Span,
    pub(super) info: String,
    pub(super) segments: Vec<Span>,
    /// Where in the code each segment begins.
    pub(super) code_starts: Vec<usize>,
    pub(super) fenced: bool,
    pub(super) closed: bool,
    pub(super) in_item: bool,
    pub(super) in_quote: bool,
    pub(super) section: SectionId,
}

impl Fence {
    /// The whole block with its fences.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The text behind the opening fence; empty for none.
    #[must_use]
    pub fn info(&self) -> &str {
        &self.info
    }

    /// The language that the info text names.
    #[must_use]
    pub fn language(&self) -> Language {
        Language::from_label(self.info.split([' ', '\t', ',', '{']).next().unwrap_or(""))
    }

    /// The pieces of source that make up the code, in order: one for a fence at the margin, one a
    /// line where the fence is indented or quoted.
    #[must_use]
    pub fn segments(&self) -> &[Span] {
        &self.segments
    }

    /// The code, without the indentation of what surrounds the block.
    #[must_use]
    pub fn code<'s>(&self, source: &'s str) -> std::borrow::Cow<'s, str> {
        match self.segments.as_slice() {
            [] => "".into(),
            [one] => one.text(source).into(),
            many => many.iter().map(|segment| segment.text(source)).collect::<String>().into(),
        }
    }

    /// The place in the source of a byte of [`Fence::code`]; the end of the code maps to the end
    /// of its last piece.
    #[must_use]
    pub fn source_offset(&self, code_offset: usize) -> usize {
        let index = self.code_starts.partition_point(|start| *start <= code_offset);
        let found = index.checked_sub(1).and_then(|index| {
            let (segment, start) = (self.segments.get(index)?, self.code_starts.get(index)?);
            let place = segment.start + (code_offset - start);
            (place < segment.end).then_some(place)
        });
        if let Some(place) = found {
            return place;
        }
        self.segments.last().map_or(self.span.end, |segment| segment.end)
    }

    /// The place in the source of a range of [`Fence::code`]; from the first byte to the last, so
    /// that it covers the indentation between lines.
    #[must_use]
    pub fn source_span(&self, code: Span) -> Span {
        let start = self.source_offset(code.start);
        match code.end.checked_sub(1) {
            Some(last) if code.end > code.start => Span::new(start, self.source_offset(last) + 1),
            _ => Span::at(start),
        }
    }

    /// Whether it has fences, rather than being indented by four spaces.
    #[must_use]
    pub fn fenced(&self) -> bool {
        self.fenced
    }

    /// Whether the closing fence is there; true for indented code.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// Whether it stands inside a list item.
    #[must_use]
    pub fn in_item(&self) -> bool {
        self.in_item
    }

    /// Whether it stands inside a quotation.
    #[must_use]
    pub fn in_quote(&self) -> bool {
        self.in_quote
    }

    /// The section it stands in.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }
}

/// A language named by a fence, as far as this library treats it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// POSIX shell and its relatives.
    Shell,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
    /// TypeScript, with or without JSX.
    TypeScript,
    /// JSON, with or without comments.
    Json,
    /// YAML.
    Yaml,
    /// HTML, SVG and XML.
    Markup,
    /// SQL.
    Sql,
    /// Markdown.
    Markdown,
    /// Named, and none of these.
    Other,
    /// Not named.
    Unlabelled,
}

impl Language {
    /// The language that a label names, in any letter case.
    #[must_use]
    pub fn from_label(label: &str) -> Self {
        match label.to_ascii_lowercase().as_str() {
            "" => Self::Unlabelled,
            "bash" | "sh" | "shell" | "zsh" | "console" | "shell-session" | "terminal" => {
                Self::Shell
            }
            "python" | "py" | "python3" => Self::Python,
            "javascript" | "js" | "mjs" | "cjs" | "jsx" | "node" => Self::JavaScript,
            "typescript" | "ts" | "tsx" => Self::TypeScript,
            "json" | "json5" | "jsonc" | "jsonl" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "html" | "svg" | "xml" => Self::Markup,
            "sql" => Self::Sql,
            "markdown" | "md" => Self::Markdown,
            _ => Self::Other,
        }
    }
}

/// Inline code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeSpan {
    pub(super) span: Span,
    pub(super) content: Span,
    pub(super) section: SectionId,
}

impl CodeSpan {
    /// With its backticks.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Without its backticks.
    #[must_use]
    pub fn content(&self) -> Span {
        self.content
    }

    /// The section it stands in.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }
}

/// A link or an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub(super) span: Span,
    pub(super) dest: String,
    pub(super) kind: LinkKind,
    pub(super) section: SectionId,
}

impl Link {
    /// With its text and marks.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// Where it leads, with escapes resolved.
    #[must_use]
    pub fn dest(&self) -> &str {
        &self.dest
    }

    /// How it is written.
    #[must_use]
    pub fn kind(&self) -> LinkKind {
        self.kind
    }

    /// The section it stands in.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }
}

/// How a link is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// `[text](dest)`
    Inline,
    /// `[text][label]`, with the destination elsewhere.
    Reference,
    /// `<https://…>`
    Autolink,
    /// `![text](dest)` and `![text][label]`
    Image,
}

/// A table; cells are trimmed spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub(super) span: Span,
    pub(super) header: Vec<Span>,
    pub(super) rows: Vec<Vec<Span>>,
    pub(super) section: SectionId,
}

impl Table {
    /// The whole table.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The cells of the head.
    #[must_use]
    pub fn header(&self) -> &[Span] {
        &self.header
    }

    /// The cells of each row below the head.
    #[must_use]
    pub fn rows(&self) -> &[Vec<Span>] {
        &self.rows
    }

    /// The section it stands in.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }
}

/// One item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListItem {
    pub(super) block: BlockId,
    pub(super) list: BlockId,
    pub(super) number: Option<u64>,
    pub(super) task: Option<bool>,
    pub(super) text: Span,
    pub(super) span: Span,
    pub(super) depth: usize,
    pub(super) section: SectionId,
}

impl ListItem {
    /// Its block.
    #[must_use]
    pub fn block(&self) -> BlockId {
        self.block
    }

    /// The block of its list.
    #[must_use]
    pub fn list(&self) -> BlockId {
        self.list
    }

    /// Its number in a numbered list.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// Whether its box is ticked, in a task list.
    #[must_use]
    pub fn task(&self) -> Option<bool> {
        self.task
    }

    /// Its first run of text, without marker and without what is nested below it.
    #[must_use]
    pub fn text(&self) -> Span {
        self.text
    }

    /// The whole item.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// How many lists it is nested in; 0 for an item of an outermost list.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The section it stands in.
    #[must_use]
    pub fn section(&self) -> SectionId {
        self.section
    }
}
