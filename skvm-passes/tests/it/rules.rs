//! Every rewriting rule and every direction, by golden cases: `testdata/rules/<rule>/<case>/`.
//!
//! A case is a skill, `case.json` with the primitives in which the target is weak (it has all others)
//! and whether the rule fires, and what comes out: `expected.md`, `expected.diff`, `expected.gaps`.
//! `SKVM_BLESS=1 cargo test -p skvm-passes rules` writes the latter three anew.

mod golden;
mod laws;
mod run;
