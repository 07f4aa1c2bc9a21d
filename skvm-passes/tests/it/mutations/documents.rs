//! The documents that are mutated.

use skvm_core::skill::Skill;

use crate::samples;

const HEAD: &str = "---\nname: x\ndescription: At most 3 words.\n---\n";

/// Documents in which something is easily taken for something else.
const TRICKY: [(&str, &str); 12] = [
    (
        "equal-blocks",
        "# A\n\nRun at most 3 times:\n\n```sh\nls -l\n```\n\nAgain:\n\n```sh\nls -l\n```\n\n~~~sh\nls -l\n~~~\n\n## A\n\nls -l\n\n    ls -l\n",
    ),
    (
        "long-fences",
        "# A\n\n`````md title=\"a b\"\n```sh\nls\n```\n\n## Not a heading\n\n- not an item\n`````\n\nText of 12 words.\n\n~~~~ sh {x=1}\n~~~\n```\nls\n~~~~~\n\nEnd, 4.5 times.\n",
    ),
    (
        "fences-in-lists",
        "# A\n\n1. One, at most 10:\n\n   ```sh\n   ls\n     -l\n   ```\n\n2. Two\n   - inner\n     ~~~python info\n     import os\n     ~~~\n   - inner\n3. Three\n\n- ```\n  in the item's line\n  ```\n- last of 2\n\nBehind 5 items.\n",
    ),
    (
        "quotes",
        "# A\n\n> Quoted 3 times.\n>\n> ```sh\n> ls\n> ```\n>\n> - quoted item\n\nText with 7 words.\n\n> - > ~~~\n>   > deep\n>   > ~~~\n\nMore.\n",
    ),
    (
        "headings",
        "Title 1\n=======\n\nText 1.\n\nTitle 2\n---\n\nText 2.\n\n## Closed ##\n\n## `code` and [link](#closed) *text*\n\n###### Six\n\nText.\n\n## Closed ##\n\n#\n\nNo 1.\n\n# #hash\n\nText.\n",
    ),
    (
        "links",
        "# A\n\nSee [a](b.md), [c][ref], [ref], <https://e.example/x>, ![i](i.png \"t\") and [d](<e f.md>).\n\n[ref]: https://e.example/ref \"Title 3\"\n\nSee [a](b.md) again, at most 2 times, [a](b.md#x).\n\n- [g](h.md)\n",
    ),
    (
        "lists",
        "# A\n\n* one 1\n* two 2\n\n+ plus\n+ plus\n\n1) a\n2) b\n   * c\n     continued 9\n\n     loose\n   * d\n\n- [ ] task\n- [x] done 4\n-\n- empty above\n\nText 8.\n",
    ),
    (
        "inline-code",
        "# A\n\nRun `ls -l 3` and ``a ` b`` once. Not more than `--max 20` or 30.\n\n| a | b |\n|---|---|\n| `ls x` | 4 |\n\n- item with `rm x`\n\n```text\n`ls`\n```\n",
    ),
    (
        "html",
        "# A\n\n<details>\n<summary>More 1</summary>\n\n```sh\nls\n```\n\n</details>\n\n<!-- a comment\n\n```sh\nno block\n```\n-->\n\nText 2.\n\n- item\n",
    ),
    ("unclosed", "# A\n\nText of 5 words.\n\n- item\n\n```sh\nls\n\n# no heading\n"),
    (
        "blanks",
        "# A  \n\n\n\nText 1  \nwith breaks\\\nand more 2.\n\n\t- tabbed item?\n\n-\titem\n\n\t```sh\n\tls\n\t```\n\n    indented 3\n\n\n    indented on\n\nText.\n",
    ),
    (
        "letters",
        "# Über\n\nÄ 1 ö 2 ü 3. Höchstens 20 Zeichen, ½ davon.\n\n```sh\necho 'ä ö' \u{1f600}\n```\n\n- ß\n- \u{4e2d}\u{6587} 5\n\n## \u{4e2d}\u{6587}\n\n[ü](ü.md)\n",
    ),
];

/// The shipped skills and the tricky documents: with either line end, without front matter, with a
/// byte order mark.
pub(super) fn all() -> Vec<(String, Skill)> {
    let mut documents: Vec<(String, Skill)> =
        samples::SHIPPED.iter().map(|name| (name.clone(), samples::shipped(name))).collect();
    for name in samples::SHIPPED.iter() {
        let skill = samples::shipped(name);
        let text = skill.source().replace('\n', "\r\n");
        documents.push((format!("{name} with CRLF"), skill.with_text(text)));
    }
    for (name, body) in TRICKY {
        let text = format!("{HEAD}{body}");
        let forms = [
            ("", text.clone()),
            (" with CRLF", text.replace('\n', "\r\n")),
            (" without front matter", body.to_owned()),
            (" with a byte order mark", format!("\u{feff}{text}")),
            (" without its last line end", text.trim_end().to_owned()),
        ];
        for (form, text) in forms {
            documents.push((format!("{name}{form}"), Skill::from_text("/skills/x", text)));
        }
    }
    documents
}
