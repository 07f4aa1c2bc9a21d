//! HTML as graders and the simulated browser look at it: a tree of elements.

use std::borrow::Cow;
use std::cell::{Ref, RefCell};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::{Attribute, QualName, local_name, ns, parse_document};

/// Most tags of a page that are looked at, and most bytes: the parser's time grows with the square of both.
const MAX_TAGS: usize = 2_000;
const MAX_BYTES: usize = 64 << 10;

/// A parsed page. Names of elements and attributes are in small letters, but for SVG's own.
#[derive(Debug)]
pub(crate) struct Html {
    nodes: Vec<Node>,
    errors: Vec<String>,
}

#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    children: Vec<usize>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Document,
    Doctype,
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
        contents: Option<usize>,
    },
    Text(StrTendril),
    /// A comment or the like.
    Other,
}

const DOCUMENT: usize = 0;

impl Html {
    /// The page up to its 2,000th tag and its 65,536th byte.
    pub(crate) fn parse(page: &str) -> Self {
        let end = page.match_indices('<').nth(MAX_TAGS).map_or(page.len(), |(at, _)| at);
        let end = (0..=end.min(MAX_BYTES)).rev().find(|at| page.is_char_boundary(*at));
        let page = page.get(..end.unwrap_or(0)).unwrap_or_default();
        parse_document(Sink::default(), html5ever::ParseOpts::default()).one(page)
    }

    /// What the parser had to put right.
    pub(crate) fn errors(&self) -> &[String] {
        &self.errors
    }

    pub(crate) fn has_doctype(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.kind, Kind::Doctype) && node.parent.is_some())
    }

    /// All elements in the order of the page.
    pub(crate) fn elements(&self) -> Vec<Element<'_>> {
        self.below(DOCUMENT)
    }

    /// The elements of a name in the order of the page.
    pub(crate) fn all(&self, name: &str) -> Vec<Element<'_>> {
        self.elements().into_iter().filter(|element| element.name() == name).collect()
    }

    fn below(&self, root: usize) -> Vec<Element<'_>> {
        let mut found = Vec::new();
        let mut stack: Vec<usize> = self.children(root).rev().collect();
        while let Some(at) = stack.pop() {
            if let Some(element) = self.element(at) {
                found.push(element);
            }
            stack.extend(self.children(at).rev());
        }
        found
    }

    fn children(&self, at: usize) -> std::iter::Copied<std::slice::Iter<'_, usize>> {
        self.nodes.get(at).map_or(&[][..], |node| node.children.as_slice()).iter().copied()
    }

    fn element(&self, at: usize) -> Option<Element<'_>> {
        let node = self.nodes.get(at)?;
        matches!(node.kind, Kind::Element { .. }).then_some(Element { html: self, at })
    }
}

/// An element of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    html: &'a Html,
    at: usize,
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<'a> Element<'a> {
    pub(crate) fn name(&self) -> &'a str {
        match self.html.nodes.get(self.at).map(|node| &node.kind) {
            Some(Kind::Element { name, .. }) => &name.local,
            _ => "",
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        match self.html.nodes.get(self.at).map(|node| &node.kind) {
            Some(Kind::Element { attributes, .. }) => {
                let found = attributes.iter().find(|attribute| &*attribute.name.local == name);
                found.map(|attribute| &*attribute.value)
            }
            _ => None,
        }
    }

    /// The words of the element and everything in it, with single spaces between them.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut stack = vec![self.at];
        while let Some(at) = stack.pop() {
            if let Some(Node { kind: Kind::Text(piece), .. }) = self.html.nodes.get(at) {
                text.push_str(piece);
                text.push(' ');
            }
            stack.extend(self.html.children(at).rev());
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The elements directly in it.
    pub(crate) fn children(&self) -> Vec<Element<'a>> {
        self.html.children(self.at).filter_map(|at| self.html.element(at)).collect()
    }

    /// All elements in it, in the order of the page.
    pub(crate) fn descendants(&self) -> Vec<Element<'a>> {
        self.html.below(self.at)
    }

    /// The elements of a name in it.
    pub(crate) fn all(&self, name: &str) -> Vec<Element<'a>> {
        self.descendants().into_iter().filter(|element| element.name() == name).collect()
    }

    /// Whether one of the elements around it has this name.
    pub(crate) fn is_within(&self, name: &str) -> bool {
        let mut at = self.at;
        while let Some(parent) = self.html.nodes.get(at).and_then(|node| node.parent) {
            if self.html.element(parent).is_some_and(|element| element.name() == name) {
                return true;
            }
            at = parent;
        }
        false
    }
}

/// Builds the tree as the parser says.
#[derive(Debug)]
struct Sink {
    nodes: RefCell<Vec<Node>>,
    errors: RefCell<Vec<String>>,
}

impl Default for Sink {
    fn default() -> Self {
        let document = Node { parent: None, children: Vec::new(), kind: Kind::Document };
        Self { nodes: RefCell::new(vec![document]), errors: RefCell::default() }
    }
}

impl Sink {
    fn add(&self, kind: Kind) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { parent: None, children: Vec::new(), kind });
        nodes.len() - 1
    }

    /// Takes a node from where it is.
    fn detach(&self, at: usize) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[at].parent.take() {
            nodes[parent].children.retain(|child| *child != at);
        }
    }

    fn put(&self, parent: usize, place: Option<usize>, child: NodeOrText<usize>) {
        let child = match child {
            NodeOrText::AppendNode(child) => {
                self.detach(child);
                child
            }
            NodeOrText::AppendText(text) => {
                let mut nodes = self.nodes.borrow_mut();
                let last = nodes[parent].children.last().copied().filter(|_| place.is_none());
                if let Some(Node { kind: Kind::Text(before), .. }) = last.map(|at| &mut nodes[at]) {
                    before.push_tendril(&text);
                    return;
                }
                drop(nodes);
                self.add(Kind::Text(text))
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        nodes[child].parent = Some(parent);
        let siblings = &mut nodes[parent].children;
        let place = place.and_then(|sibling| siblings.iter().position(|at| *at == sibling));
        siblings.insert(place.unwrap_or(siblings.len()), child);
    }
}

impl TreeSink for Sink {
    type Handle = usize;
    type Output = Html;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Html {
        Html { nodes: self.nodes.into_inner(), errors: self.errors.into_inner() }
    }

    fn parse_error(&self, error: Cow<'static, str>) {
        let mut errors = self.errors.borrow_mut();
        if errors.len() < 100 {
            errors.push(error.into_owned());
        }
    }

    fn get_document(&self) -> usize {
        DOCUMENT
    }

    fn elem_name<'a>(&'a self, target: &'a usize) -> Ref<'a, QualName> {
        static NO_NAME: std::sync::LazyLock<QualName> =
            std::sync::LazyLock::new(|| QualName::new(None, ns!(html), local_name!("")));
        Ref::map(self.nodes.borrow(), |nodes| match &nodes[*target].kind {
            Kind::Element { name, .. } => name,
            // The parser asks for names of elements alone.
            _ => &NO_NAME,
        })
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> usize {
        let contents = flags.template.then(|| self.add(Kind::Document));
        self.add(Kind::Element { name, attributes, contents })
    }

    fn create_comment(&self, _: StrTendril) -> usize {
        self.add(Kind::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> usize {
        self.add(Kind::Other)
    }

    fn append(&self, parent: &usize, child: NodeOrText<usize>) {
        self.put(*parent, None, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &usize,
        previous: &usize,
        child: NodeOrText<usize>,
    ) {
        if self.nodes.borrow()[*element].parent.is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {
        let doctype = self.add(Kind::Doctype);
        self.put(DOCUMENT, None, NodeOrText::AppendNode(doctype));
    }

    fn get_template_contents(&self, target: &usize) -> usize {
        match self.nodes.borrow()[*target].kind {
            Kind::Element { contents: Some(contents), .. } => contents,
            _ => *target,
        }
    }

    fn same_node(&self, one: &usize, other: &usize) -> bool {
        one == other
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &usize, child: NodeOrText<usize>) {
        let parent = self.nodes.borrow()[*sibling].parent;
        self.put(parent.unwrap_or(DOCUMENT), Some(*sibling), child);
    }

    fn add_attrs_if_missing(&self, target: &usize, more: Vec<Attribute>) {
        if let Kind::Element { attributes, .. } = &mut self.nodes.borrow_mut()[*target].kind {
            for attribute in more {
                if attributes.iter().all(|other| other.name != attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &usize) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &usize, parent: &usize) {
        let children = std::mem::take(&mut self.nodes.borrow_mut()[*node].children);
        for child in children {
            self.nodes.borrow_mut()[child].parent = None;
            self.put(*parent, None, NodeOrText::AppendNode(child));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_tree_of_elements() {
        let html = Html::parse(
            "<!DOCTYPE html><html><body><ul id=a><li>one<li><b>t</b>wo</ul><p>x</p></body></html>",
        );
        assert!(html.has_doctype());
        let list = html.all("ul")[0];
        assert_eq!(list.attribute("id"), Some("a"));
        let items: Vec<String> = list.children().iter().map(Element::text).collect();
        assert_eq!(items, ["one", "t wo"]);
        assert!(html.all("b")[0].is_within("ul") && !html.all("p")[0].is_within("ul"));
        assert!(html.errors().is_empty(), "{:?}", html.errors());
    }

    #[test]
    fn what_is_put_right_is_told() {
        for broken in ["<!DOCTYPE html><p><b>x</p>", "<!DOCTYPE html><div><span></div>", "<p>x"] {
            assert!(!Html::parse(broken).errors().is_empty(), "{broken}");
        }
    }

    #[test]
    fn hostile_pages_come_to_an_end() {
        let deep = "<div>".repeat(1_000_000);
        assert_eq!(Html::parse(&deep).all("div").len(), MAX_TAGS);
        let tables = "<table><td><b>x".repeat(200_000);
        Html::parse(&format!("<table>{}", "x\n".repeat(500_000)));
        Html::parse(&format!(
            "<div {}>",
            (0..200_000).map(|at| format!("a{at} ")).collect::<String>()
        ));
        assert!(!Html::parse(&tables).elements().is_empty());
        Html::parse("\u{0}<!DOCTYPE<svg><![CDATA[<math><mi><table>&#xFFFFFFFF;");
    }
}
