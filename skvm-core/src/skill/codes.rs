//! The codes that loading a skill can report; [`LINTS`](super::LINTS) says what each is about.

use crate::diagnostic::Code;

pub(super) const NOT_UTF8: Code = Code::new("skill/not-utf8");
pub(super) const FILE_NAME: Code = Code::new("skill/file-name");
pub(super) const EMPTY_BODY: Code = Code::new("skill/empty-body");
pub(super) const LONG_BODY: Code = Code::new("skill/long-body");
pub(super) const MISSING: Code = Code::new("front-matter/missing");
pub(super) const UNCLOSED: Code = Code::new("front-matter/unclosed");
pub(super) const UNDELIMITED: Code = Code::new("front-matter/undelimited");
pub(super) const INVALID_YAML: Code = Code::new("front-matter/invalid-yaml");
pub(super) const REPAIRED: Code = Code::new("front-matter/repaired");
pub(super) const NAME_MISSING: Code = Code::new("front-matter/name-missing");
pub(super) const NAME_FORM: Code = Code::new("front-matter/name-form");
pub(super) const NAME_FOLDER: Code = Code::new("front-matter/name-folder");
pub(super) const DESCRIPTION_MISSING: Code = Code::new("front-matter/description-missing");
pub(super) const DESCRIPTION_LONG: Code = Code::new("front-matter/description-long");
pub(super) const COMPATIBILITY_LONG: Code = Code::new("front-matter/compatibility-long");
pub(super) const KEY_UNKNOWN: Code = Code::new("front-matter/key-unknown");
pub(super) const METADATA_NESTED: Code = Code::new("front-matter/metadata-nested");
pub(super) const TOOLS_LIST: Code = Code::new("front-matter/tools-list");
pub(super) const LEAVES_FOLDER: Code = Code::new("bundle/leaves-folder");
pub(super) const LEFT_OUT: Code = Code::new("bundle/left-out");
pub(super) const LINK_LEAVES: Code = Code::new("link/leaves-folder");
pub(super) const LINK_DEAD: Code = Code::new("link/dead");
pub(super) const FENCE_UNCLOSED: Code = Code::new("document/fence-unclosed");
