//! Answers that nobody would expect.

use proptest::prelude::*;
use skvm_core::capability::Level;
use skvm_probes::probe::{Grade, Instance};
use skvm_probes::registry::Probes;

fn instances(seed: u64) -> Vec<Instance> {
    let probes = Probes::standard();
    let of = |level| probes.iter().filter_map(move |probe| probe.generate(level, seed));
    Level::DEMANDS.into_iter().flat_map(of).collect()
}

#[test]
fn hostile_answers_are_refused() {
    let deep = "[".repeat(100_000);
    let answers = [
        String::new(),
        " \n\r\n\t ".to_owned(),
        "\u{0}\u{FFFD}\u{FEFF}\u{202E}".to_owned(),
        String::from_utf8_lossy(b"\xff\xfe{\"a\": \xc3\x28}").into_owned(),
        "9".repeat(2_000_000),
        format!("Answer: {}", "9".repeat(2_000_000)),
        "Answer:".to_owned(),
        "Answer: NaN".to_owned(),
        "Answer: ١٢".to_owned(),
        "\n".repeat(1_000_000),
        format!("{{\"a\":{deep}"),
        "1e99999999".to_owned(),
        ",".repeat(1_000_000),
    ];
    for instance in instances(0) {
        for answer in &answers {
            let start: String = answer.chars().take(40).collect();
            let Grade::Failed(reason) = instance.grade(answer) else { panic!("{start:?}") };
            assert!(!reason.is_empty() && reason.len() < 2_000, "{start:?}");
        }
    }
}

#[test]
fn a_code_fence_is_refused_and_the_prompt_says_so() {
    for instance in instances(1) {
        let fenced = format!("```\n{}\n```", instance.reference());
        assert!(matches!(instance.grade(&fenced), Grade::Failed(_)));
        let prompt = instance.prompt();
        assert!(prompt.contains("no code fence") || prompt.contains("no markup"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_gets_a_grade(seed: u64, text in "(?s).{0,200}", bytes: Vec<u8>) {
        for instance in instances(seed) {
            prop_assert_ne!(instance.grade(&text), Grade::Passed);
            let _ = instance.grade(&String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_reference_that_was_cut_off_is_refused(seed: u64, at: usize) {
        for instance in instances(seed) {
            let (cut, rest) = instance.reference().split_at(at % instance.reference().len());
            // 12.5 is 12.50.
            let same_number = rest.trim_matches(['0', '.']).is_empty();
            prop_assert!(same_number || instance.grade(cut) != Grade::Passed, "{}", cut);
            let _ = instance.grade(&format!("{cut}{}", instance.reference()));
        }
    }

    #[test]
    fn controls_hold_for_any_seed(seed: u64) {
        for instance in instances(seed) {
            prop_assert_eq!(instance.grade(instance.reference()), Grade::Passed);
            for miss in instance.near_misses() {
                prop_assert_ne!(instance.grade(miss.answer()), Grade::Passed, "{}", miss.fault());
            }
        }
    }
}
