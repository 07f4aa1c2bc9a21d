//! From Markdown events to the tree.

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::block::{
    Block, BlockId, BlockKind, CodeSpan, Fence, Heading, Link, LinkKind, ListItem, Section,
    SectionId, Table,
};
use super::{Document, steps};
use crate::span::Span;

pub(super) fn parse(source: &str, body: Span) -> Document {
    let text = body.get(source).unwrap_or("");
    let body = if text.is_empty() { Span::at(body.start.min(source.len())) } else { body };
    let mut builder = Builder::new(source, body, text.len());
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        builder.event(event, Span::from(range).shifted(body.start));
    }
    builder.finish()
}

struct Builder<'s> {
    source: &'s str,
    document: Document,
    /// Open blocks, outermost first.
    open: Vec<BlockId>,
    /// At each depth, where the next block may begin: behind its elder sibling.
    free_from: Vec<usize>,
    /// Open lists: the list's block, and the number of its next item.
    lists: Vec<(BlockId, Option<u64>)>,
    /// Open items, as positions in `document.items`.
    items: Vec<usize>,
    quotes: usize,
    heading: Option<(u8, String, Span)>,
    cell: Option<Span>,
    in_table_head: bool,
    in_image: usize,
    /// Paragraphs that open with bold text: where they may be steps.
    bold_openings: Vec<Span>,
    paragraph_start: Option<usize>,
}

impl<'s> Builder<'s> {
    fn new(source: &'s str, body: Span, length: usize) -> Self {
        let root = Section { heading: None, parent: None, span: body, own_end: body.end };
        Self {
            source,
            document: Document {
                span: body,
                sections: vec![root],
                blocks: Vec::with_capacity(length / 64),
                fences: Vec::new(),
                code_spans: Vec::new(),
                links: Vec::new(),
                tables: Vec::new(),
                items: Vec::new(),
                step_lists: Vec::new(),
            },
            open: Vec::new(),
            free_from: vec![body.start],
            lists: Vec::new(),
            items: Vec::new(),
            quotes: 0,
            heading: None,
            cell: None,
            in_table_head: false,
            in_image: 0,
            bold_openings: Vec::new(),
            paragraph_start: None,
        }
    }

    fn section(&self) -> SectionId {
        SectionId(self.document.sections.len() - 1)
    }

    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Start(tag) => self.start(tag, span),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => {
                if let Some(BlockKind::Code(index)) = self.innermost() {
                    self.code_text(index, span);
                } else {
                    self.inline(span);
                    self.heading_text(&text);
                }
            }
            Event::Code(code) => {
                self.inline(span);
                self.heading_text(&code);
                self.code_span(span);
            }
            Event::SoftBreak | Event::HardBreak => self.heading_text(" "),
            Event::TaskListMarker(ticked) => {
                let item = self.items.last().and_then(|at| self.document.items.get_mut(*at));
                if let Some(item) = item {
                    item.task = Some(ticked);
                }
            }
            Event::Rule => {
                self.open_block(BlockKind::Rule, span);
                self.close_block();
            }
            Event::InlineHtml(_) | Event::Html(_) => self.inline(span),
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) => {}
        }
    }

    fn innermost(&self) -> Option<BlockKind> {
        let id = self.open.last()?;
        self.document.blocks.get(id.0).map(|block| block.kind)
    }

    fn start(&mut self, tag: Tag<'_>, span: Span) {
        match tag {
            Tag::Heading { level, .. } => {
                let level = level as u8;
                if self.open.is_empty() {
                    self.open_section(level, span);
                    self.heading = Some((level, String::new(), span));
                }
                self.open_block(BlockKind::Heading, span);
            }
            Tag::Paragraph => {
                self.paragraph_start = Some(span.start);
                self.open_block(BlockKind::Paragraph, span);
            }
            Tag::BlockQuote(_) => {
                self.quotes += 1;
                self.open_block(BlockKind::Quote, span);
            }
            Tag::CodeBlock(kind) => self.start_code(kind, span),
            Tag::HtmlBlock => self.open_block(BlockKind::Html, span),
            Tag::List(start) => {
                let kind = start.map_or(BlockKind::BulletList, BlockKind::OrderedList);
                self.open_block(kind, span);
                self.lists.push((BlockId(self.document.blocks.len() - 1), start));
            }
            Tag::Item => self.start_item(span),
            Tag::Table(_) => {
                self.open_block(BlockKind::Table(self.document.tables.len()), span);
                let section = self.section();
                let table = Table { span, header: Vec::new(), rows: Vec::new(), section };
                self.document.tables.push(table);
            }
            Tag::TableHead => self.in_table_head = true,
            Tag::TableRow => {
                if let Some(table) = self.document.tables.last_mut() {
                    table.rows.push(Vec::new());
                }
            }
            Tag::TableCell => self.cell = Some(span),
            Tag::Strong if self.paragraph_start == Some(span.start) => {
                self.bold_openings.push(span);
                self.inline(span);
            }
            Tag::Link { link_type, dest_url, .. } => {
                self.inline(span);
                let kind = match link_type {
                    LinkType::Inline => LinkKind::Inline,
                    LinkType::Autolink | LinkType::Email => LinkKind::Autolink,
                    _ => LinkKind::Reference,
                };
                self.link(span, dest_url.into_string(), kind);
            }
            Tag::Image { dest_url, .. } => {
                self.inline(span);
                self.in_image += 1;
                self.link(span, dest_url.into_string(), LinkKind::Image);
            }
            _ => self.inline(span),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.close_block();
                if let Some((level, text, span)) = self.heading.take()
                    && let Some(section) = self.document.sections.last_mut()
                {
                    section.heading = Some(Heading { level, text: text.trim().to_owned(), span });
                }
            }
            TagEnd::BlockQuote(_) => {
                self.quotes = self.quotes.saturating_sub(1);
                self.close_block();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.close_block();
            }
            TagEnd::Item => {
                self.items.pop();
                self.close_block();
            }
            TagEnd::TableHead => self.in_table_head = false,
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::Table => {
                self.close_block();
            }
            TagEnd::Image => self.in_image = self.in_image.saturating_sub(1),
            _ => {}
        }
    }

    /// Opens a block, clamped so that it lies inside its parent and behind its elder sibling.
    fn open_block(&mut self, kind: BlockKind, span: Span) {
        let parent = self.open.last().copied();
        let bounds = match parent.and_then(|id| self.document.blocks.get(id.0)) {
            Some(parent) => parent.span,
            None => self.document.span,
        };
        let first = self.free_from.last().copied().unwrap_or(bounds.start).min(bounds.end);
        let start = span.start.clamp(first, bounds.end);
        let end = span.end.clamp(start, bounds.end);
        let id = BlockId(self.document.blocks.len());
        let section = self.section();
        let span = Span::new(start, end);
        self.document.blocks.push(Block { kind, span, parent, end: BlockId(id.0 + 1), section });
        self.open.push(id);
        if let Some(free) = self.free_from.last_mut() {
            *free = end;
        }
        self.free_from.push(start);
    }

    fn close_block(&mut self) {
        let end = BlockId(self.document.blocks.len());
        self.free_from.pop();
        if let Some(id) = self.open.pop()
            && let Some(block) = self.document.blocks.get_mut(id.0)
        {
            block.end = end;
        }
    }

    fn open_section(&mut self, level: u8, span: Span) {
        let mut parent = Some(self.section());
        while let Some(id) = parent {
            let section = &self.document.sections[id.0];
            if section.heading.as_ref().is_none_or(|heading| heading.level < level) {
                break;
            }
            parent = section.parent;
        }
        self.document.sections.push(Section {
            heading: None,
            parent,
            span: Span::new(span.start, self.document.span.end),
            own_end: self.document.span.end,
        });
    }

    fn start_item(&mut self, span: Span) {
        let depth = self.lists.len().saturating_sub(1);
        let Some((list, next)) = self.lists.last_mut() else { return };
        let (list, number) = (*list, *next);
        *next = number.map(|number| number.saturating_add(1));
        self.open_block(BlockKind::Item(self.document.items.len()), span);
        let block = BlockId(self.document.blocks.len() - 1);
        self.items.push(self.document.items.len());
        self.document.items.push(ListItem {
            block,
            list,
            number,
            task: None,
            text: Span::at(span.end),
            span: self.document.blocks[block.0].span,
            depth,
            section: self.section(),
        });
    }

    /// Notes that inline content lies at `span`, for what collects its text.
    fn inline(&mut self, span: Span) {
        if let Some(item) = self.items.last().and_then(|at| self.document.items.get_mut(*at))
            && matches!(self.open.last(), Some(id) if *id == item.block || is_first_paragraph(&self.document.blocks, *id, item.block))
        {
            let start = if item.text.is_empty() { span.start } else { item.text.start };
            item.text = Span::new(start, span.end.max(item.text.end.min(span.end)));
        }
    }

    fn heading_text(&mut self, text: &str) {
        if let Some((_, heading, _)) = &mut self.heading {
            heading.push_str(text);
        }
    }

    fn code_span(&mut self, span: Span) {
        let written = span.text(self.source);
        let ticks = written.bytes().take_while(|byte| *byte == b'`').count();
        let content = if written.len() >= 2 * ticks {
            Span::new(span.start + ticks, span.end - ticks)
        } else {
            span
        };
        let section = self.section();
        self.document.code_spans.push(CodeSpan { span, content, section });
    }

    fn link(&mut self, span: Span, dest: String, kind: LinkKind) {
        let section = self.section();
        self.document.links.push(Link { span, dest, kind, section });
    }

    fn end_cell(&mut self) {
        let (Some(span), Some(table)) = (self.cell.take(), self.document.tables.last_mut()) else {
            return;
        };
        let written = span.text(self.source);
        let trimmed = written.trim_matches(|c: char| c.is_whitespace() || c == '|');
        let cell = Span::of_slice(self.source, trimmed).unwrap_or(span);
        match (self.in_table_head, table.rows.last_mut()) {
            (false, Some(row)) => row.push(cell),
            _ => table.header.push(cell),
        }
    }

    fn start_code(&mut self, kind: CodeBlockKind<'_>, span: Span) {
        self.open_block(BlockKind::Code(self.document.fences.len()), span);
        let (fenced, info) = match kind {
            CodeBlockKind::Fenced(info) => (true, info.trim().to_owned()),
            CodeBlockKind::Indented => (false, String::new()),
        };
        let closed = !fenced || is_closed(span.text(self.source));
        let fence = Fence {
            span,
            info,
            segments: Vec::new(),
            code_starts: Vec::new(),
            fenced,
            closed,
            in_item: !self.items.is_empty(),
            in_quote: self.quotes > 0,
            section: self.section(),
        };
        self.document.fences.push(fence);
    }

    fn code_text(&mut self, index: usize, span: Span) {
        let Some(fence) = self.document.fences.get_mut(index) else { return };
        match fence.segments.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            Some(last) if span.start < last.end => {}
            last => {
                let length = last.map_or(0, |last| last.len());
                fence.code_starts.push(fence.code_starts.last().map_or(0, |start| start + length));
                fence.segments.push(span);
            }
        }
    }

    fn finish(mut self) -> Document {
        let count = self.document.sections.len();
        for index in 1..count {
            let level = self.document.sections[index].level();
            let start = self.document.sections[index].span.start;
            let next = self.document.sections.get(index + 1).map(|next| next.span.start);
            let after = self.document.sections[index + 1..]
                .iter()
                .find(|later| later.level() <= level)
                .map_or(self.document.span.end, |later| later.span.start);
            let section = &mut self.document.sections[index];
            section.span = Span::new(start, after);
            section.own_end = next.unwrap_or(self.document.span.end);
        }
        if let Some(first) = self.document.sections.get(1) {
            self.document.sections[0].own_end = first.span.start;
        }
        self.document.step_lists = steps::find(self.source, &self.document, &self.bold_openings);
        self.document
    }
}

/// Whether `block` is the paragraph that an item opens with.
fn is_first_paragraph(blocks: &[Block], block: BlockId, item: BlockId) -> bool {
    block.0 == item.0 + 1
        && blocks.get(block.0).is_some_and(|block| block.kind == BlockKind::Paragraph)
}

/// Whether a fenced block's last line is a fence at least as long as the first.
fn is_closed(block: &str) -> bool {
    let opening = block.trim_start();
    let Some(mark) = opening.chars().next().filter(|c| *c == '`' || *c == '~') else {
        return false;
    };
    let length = opening.chars().take_while(|c| *c == mark).count();
    let Some((_, last)) = block.trim_end().rsplit_once('\n') else { return false };
    let closing = last.trim_start_matches([' ', '\t', '>']);
    closing.chars().count() >= length && closing.chars().all(|c| c == mark)
}
