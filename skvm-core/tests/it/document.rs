//! The document tree: what it finds, and laws that hold for any text.

use proptest::prelude::*;
use skvm_core::document::{BlockKind, Language, LinkKind, StepKind};
use skvm_core::skill::Skill;
use skvm_core::span::Span;

fn skill(text: &str) -> Skill {
    Skill::from_text("demo", text)
}

/// Everything that must hold for every skill, whatever its text.
pub(crate) fn assert_sound(skill: &Skill) {
    let (source, document) = (skill.source(), skill.document());
    assert_eq!(document.print(source), source, "printing gives the source");
    let check = |what: &str, span: Span| {
        assert!(span.get(source).is_some(), "{what} at {span:?} leaves the source");
    };
    for section in document.sections() {
        check("section", section.span());
        check("own part", section.own_span());
        assert!(section.span().contains(section.own_span()));
    }
    let own: usize = document.sections().iter().map(|section| section.own_span().len()).sum();
    assert_eq!(own, document.span().len(), "sections cover the body once");
    for (index, block) in document.blocks().iter().enumerate() {
        check("block", block.span());
        assert!(block.subtree_end().index() > index);
        if let Some(parent) = block.parent() {
            let parent = &document.blocks()[parent.index()];
            assert!(parent.span().contains(block.span()), "a block lies in its parent");
            assert!(parent.subtree_end() >= block.subtree_end());
        }
        if let Some(next) = document.blocks().get(block.subtree_end().index())
            && next.parent() == block.parent()
        {
            assert!(block.span().end <= next.span().start, "siblings do not overlap");
        }
    }
    for fence in document.fences() {
        check("fence", fence.span());
        fence.segments().iter().for_each(|segment| check("code", *segment));
        let code = fence.code(source);
        let whole = fence.source_span(Span::new(0, code.len()));
        check("code as a whole", whole);
    }
    document.code_spans().iter().for_each(|code| check("inline code", code.content()));
    document.links().iter().for_each(|link| check("link", link.span()));
    for table in document.tables() {
        table.header().iter().chain(table.rows().iter().flatten()).for_each(|c| check("cell", *c));
    }
    document.items().iter().for_each(|item| check("item", item.text()));
    for step in document.step_lists().iter().flat_map(|list| list.steps()) {
        check("step", step.span());
        check("step text", step.text());
    }
    for diagnostic in skill.diagnostics() {
        if let Some(span) = diagnostic.span {
            check("diagnostic", span);
        }
        let rendered = skvm_core::diagnostic::render(diagnostic, "SKILL.md", source);
        assert!(rendered.contains(diagnostic.code.as_str()));
    }
}

#[test]
fn sections_nest_by_level_and_ignore_fences() {
    let skill = skill("intro\n# A\ntext\n## B\n```\n# not a heading\n```\n# C\n> # quoted\n");
    let document = skill.document();
    let titles: Vec<&str> = document.sections().iter().map(|section| section.title()).collect();
    assert_eq!(titles, ["", "A", "B", "C"]);
    assert_eq!(document.sections()[2].parent().unwrap().index(), 1);
    assert_eq!(document.sections()[3].parent().unwrap().index(), 0);
    let inside = document.section_at(skill.source().find("not a").unwrap());
    assert_eq!(document.section_path(inside), ["A", "B"]);
}

#[test]
fn setext_headings_and_marks_in_headings() {
    let skill = skill("Title `x`\n=====\n\n## **Bold** [link](a.md) ##\n");
    let titles: Vec<&str> = skill.document().sections().iter().map(|s| s.title()).collect();
    assert_eq!(titles, ["", "Title x", "Bold link"]);
}

#[test]
fn fences_know_language_code_and_whether_they_are_closed() {
    let source = "~~~~Bash title=x\na | b\n~~~~\n\n1. item\n\n   ```py\n   x = 1\n     y = 2\n   ```\n\n> ```json\n> {}\n> ```\n\n````\n```\n````\n\n```sh\nopen";
    let skill = skill(source);
    let fences = skill.document().fences();
    let read: Vec<(Language, String, bool, bool)> = fences
        .iter()
        .map(|f| (f.language(), f.code(source).into_owned(), f.closed(), f.in_item()))
        .collect();
    assert_eq!(
        read,
        [
            (Language::Shell, "a | b\n".to_owned(), true, false),
            (Language::Python, "x = 1\n  y = 2\n".to_owned(), true, true),
            (Language::Json, "{}\n".to_owned(), true, false),
            (Language::Unlabelled, "```\n".to_owned(), true, false),
            (Language::Shell, "open".to_owned(), false, false),
        ]
    );
    assert!(fences[2].in_quote());
}

#[test]
fn a_place_in_nested_code_maps_back_to_the_source() {
    let source = "- item\n\n  ```sh\n  one\n  two three\n  ```\n";
    let skill = skill(source);
    let fence = &skill.document().fences()[0];
    let code = fence.code(source);
    let at = code.find("three").unwrap();
    assert_eq!(fence.source_span(Span::new(at, at + 5)).text(source), "three");
    let both = fence.source_span(Span::new(0, code.find(" three").unwrap()));
    assert_eq!(both.text(source), "one\n  two");
}

#[test]
fn crlf_code_keeps_its_lines() {
    let source = "# A\r\n\r\n```sh\r\nls\r\npwd\r\n```\r\n";
    let skill = skill(source);
    assert_eq!(skill.document().fences()[0].code(source).replace('\r', ""), "ls\npwd\n");
    assert_sound(&skill);
}

#[test]
fn inline_code_links_and_tables() {
    let source = "Use ``a ` b`` and [x](y.md#z \"t\") ![i](p.png) <https://e.org> [r][q]\n\n[q]: ref.md\n\n| a | `b` |\n|---|---|\n| 1 | |\n";
    let skill = skill(source);
    let document = skill.document();
    assert_eq!(document.code_spans()[0].content().text(source), "a ` b");
    let links: Vec<(&str, LinkKind)> =
        document.links().iter().map(|link| (link.dest(), link.kind())).collect();
    assert_eq!(
        links,
        [
            ("y.md#z", LinkKind::Inline),
            ("p.png", LinkKind::Image),
            ("https://e.org", LinkKind::Autolink),
            ("ref.md", LinkKind::Reference),
        ]
    );
    let table = &document.tables()[0];
    let header: Vec<&str> = table.header().iter().map(|cell| cell.text(source)).collect();
    assert_eq!(header, ["a", "`b`"]);
    assert_eq!(table.rows().len(), 1);
}

#[test]
fn steps_in_every_layout() {
    let source = "\
# Numbered\n1. Open `x`\n   more\n2. Close\n\n```sh\nls\n```\n\n3. Goes on\n\n\
# Headings\n## Step 1: One\ntext\n## Step 2 - Two\n\n\
# Dotted\n## 1. One\n## 2) Two\n\n\
# Boxes\n- [ ] todo\n- [x] done\n\n\
# Bold\n**Step 1**: a\n\n**Step 2: b** rest\n\n\
# Bullets\n- a\n- b\n\n# 中文\n## 第1步 读\n## 第二步 写\n";
    let skill = skill(source);
    let found: Vec<(StepKind, usize)> = skill
        .document()
        .step_lists()
        .iter()
        .map(|list| (list.kind(), list.steps().len()))
        .collect();
    assert_eq!(
        found,
        [
            (StepKind::Numbered, 3),
            (StepKind::Heading, 2),
            (StepKind::Heading, 2),
            (StepKind::Checklist, 2),
            (StepKind::Bold, 2),
            (StepKind::Heading, 2),
        ]
    );
    let first = skill.document().step_lists()[0].steps()[0];
    assert_eq!(first.text().text(source), "Open `x`\n   more");
}

#[test]
fn nested_items_are_not_steps_of_the_outer_list() {
    let source = "1. a\n   1. a.a\n   2. a.b\n2. b\n";
    let skill = skill(source);
    assert_eq!(skill.document().step_lists().len(), 1);
    assert_eq!(skill.document().step_lists()[0].steps().len(), 2);
    assert_eq!(skill.document().items().len(), 4);
    let depths: Vec<usize> = skill.document().items().iter().map(|item| item.depth()).collect();
    assert_eq!(depths, [0, 1, 1, 0]);
}

#[test]
fn the_block_tree_names_what_it_holds() {
    let skill = skill("para\n\n- x\n\n> q\n\n---\n\n<div>\n</div>\n");
    let kinds: Vec<BlockKind> = skill.document().blocks().iter().map(|b| b.kind()).collect();
    assert!(kinds.contains(&BlockKind::BulletList));
    assert!(kinds.contains(&BlockKind::Quote));
    assert!(kinds.contains(&BlockKind::Rule));
    assert!(kinds.contains(&BlockKind::Html));
}

/// Pieces of Markdown and YAML that go wrong together.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("---\n".to_owned()),
        Just("---\r\n".to_owned()),
        Just("name: x\n".to_owned()),
        Just("description: a: b\n".to_owned()),
        Just("metadata: {\"a\":[}\n".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("# H\n".to_owned()),
        Just("## Step 1\n".to_owned()),
        Just("1. a\n".to_owned()),
        Just("   - [ ] b\n".to_owned()),
        Just("```sh\n".to_owned()),
        Just("~~~~\n".to_owned()),
        Just("> quote\n".to_owned()),
        Just("    code\n".to_owned()),
        Just("| a | b |\n|---|---|\n".to_owned()),
        Just("[l](../../x.md)\n".to_owned()),
        Just("**Step 2** 步\r\n".to_owned()),
        Just("<!-- c -->\n".to_owned()),
        Just("`` ` ``\n\n".to_owned()),
        ".{0,12}",
        "\\PC{0,6}\n",
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_bytes_give_a_sound_skill(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        assert_sound(&skill(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn any_pieces_give_a_sound_skill(text in pieces()) {
        assert_sound(&skill(&text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Cuts, doubles and moves parts of real-looking skills.
    #[test]
    fn mutated_skills_are_sound(
        which in 0..crate::skill::SHIPPED.len(),
        cuts in proptest::collection::vec((0.0..1.0_f64, 0.0..1.0_f64, 0..3_u8), 1..6),
    ) {
        let mut text = crate::skill::shipped(which);
        for (from, to, action) in cuts {
            let place = |share: f64| {
                let at = (share * text.len() as f64) as usize;
                (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap()
            };
            let (from, to) = (place(from.min(to)), place(from.max(to)));
            let part = text[from..to].to_owned();
            match action {
                0 => text.replace_range(from..to, ""),
                1 => text.insert_str(to, &part),
                _ => text.insert_str(0, &part),
            }
            text.truncate(20_000.min((0..=text.len().min(20_000)).rev().find(|at| text.is_char_boundary(*at)).unwrap()));
        }
        assert_sound(&skill(&text));
    }
}
