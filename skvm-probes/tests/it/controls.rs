//! The controls of every probe, put through the bare agent: the reference is accepted, every near miss refused.

use std::collections::HashSet;

use skvm_core::capability::{Level, Primitive};
use skvm_probes::probe::Outcome;
use skvm_probes::registry::Probes;

use crate::target::outcome;

/// Seeds of a probe: as many as `SKVM_TEST_SEEDS` says, else few where each instance starts interpreters.
fn seeds(primitive: Primitive) -> u64 {
    let asked = std::env::var("SKVM_TEST_SEEDS").ok().and_then(|count| count.parse().ok());
    let slow = matches!(
        primitive,
        Primitive::GenCodePython | Primitive::GenCodeJavascript | Primitive::GenCodeShell
    );
    asked.unwrap_or(if slow { 3 } else { 10 })
}

async fn check(primitive: Primitive) {
    let probes = Probes::standard();
    let probe = probes.get(primitive).unwrap();
    for level in Level::DEMANDS {
        for seed in 0..seeds(primitive) {
            let instance = probe.generate(level, seed).unwrap();
            let name = format!("{primitive} {level} seed {seed}\n{}", instance.prompt());
            let passed = outcome(&instance, instance.reference()).await;
            if matches!(passed, Outcome::Skipped(_)) && std::env::var_os("SKVM_TEST_ALL").is_none()
            {
                continue;
            }
            assert_eq!(passed, Outcome::Passed, "{:#?}\n{name}", instance.reference());
            assert!(instance.near_misses().len() >= 4, "{name}");
            let faults: HashSet<&str> = instance.near_misses().iter().map(|m| m.fault()).collect();
            assert_eq!(faults.len(), instance.near_misses().len(), "{name}");
            for miss in instance.near_misses() {
                let refused = outcome(&instance, miss.answer()).await;
                assert!(
                    matches!(&refused, Outcome::Failed(reason) if !reason.is_empty()),
                    "{}: {refused:?}\n{:#?}\n{name}",
                    miss.fault(),
                    miss.answer()
                );
            }
        }
    }
}

macro_rules! controls {
    ($($test:ident: $primitive:ident,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                check(Primitive::$primitive).await;
            }
        )*

        #[test]
        fn every_primitive_is_checked() {
            let checked = [$(Primitive::$primitive),*];
            assert_eq!(checked, Primitive::ALL);
        }
    };
}

controls! {
    gen_code_python: GenCodePython,
    gen_code_javascript: GenCodeJavascript,
    gen_code_shell: GenCodeShell,
    gen_code_sql: GenCodeSql,
    gen_code_html: GenCodeHtml,
    gen_text_structured: GenTextStructured,
    gen_text_long: GenTextLong,
    gen_text_prose: GenTextProse,
    gen_regex: GenRegex,
    reason_arithmetic: ReasonArithmetic,
    reason_logic: ReasonLogic,
    reason_spatial: ReasonSpatial,
    reason_planning: ReasonPlanning,
    reason_analysis: ReasonAnalysis,
    tool_file_read: ToolFileRead,
    tool_file_write: ToolFileWrite,
    tool_exec: ToolExec,
    tool_call_format: ToolCallFormat,
    tool_call_batch: ToolCallBatch,
    tool_web: ToolWeb,
    tool_browser: ToolBrowser,
    follow_format: FollowFormat,
    follow_constraint: FollowConstraint,
    follow_procedure: FollowProcedure,
    follow_delegation: FollowDelegation,
    follow_style: FollowStyle,
}
