//! Planted faults. Commands are run for real; the model is a script that behaves like an agent.
//!
//! What can be put right without a person fails or is mended at first; once the fix is kept, the same failure is not seen
//! again in twenty further runs. What only a person can put right is told once, and nothing is tried.

use skvm_core::capability::{Level, Primitive};
use skvm_core::failure::{Advice, FailureClass};
use skvm_core::harness::RunRecord;
use skvm_runtime::adaptation::{AdaptPolicy, Decision, SequentialTest, Verdict};
use skvm_runtime::engine::Judgement;
use skvm_runtime::life::ActivationReason;

use super::machine::{Fault, Machine, PLAIN};

/// Most runs until a fix is kept.
const MOST: usize = 90;

/// The failure is found, fixed, and does not come again.
async fn fixed(fault: Fault) {
    let mut machine = Machine::with(&fault);
    let mut planted = None;
    let mut runs = 0;
    let kept = loop {
        // While nothing is decided, every run shows it.
        let is_undecided = machine.decisions.is_empty();
        let outcome = machine.run().await;
        if is_undecided {
            let found = machine.diagnosed(&outcome);
            let shown = machine.planted(&found);
            let shown = shown.unwrap_or_else(|| panic!("{found:#?}\n{:#?}", outcome.record.steps));
            assert_eq!(*planted.get_or_insert(shown.signature()), shown.signature());
        }
        let kept = machine.decisions.iter().find_map(|decision| match decision {
            Decision::TrialEnded { variant, verdict: Verdict::Better, .. } => Some(*variant),
            _ => None,
        });
        if let Some(kept) = kept {
            break kept;
        }
        runs += 1;
        assert!(runs < MOST, "{:#?}\n{:#?}", machine.decisions, outcome.record.steps);
    };
    let planted = planted.unwrap();
    let told = machine.decisions.iter().find_map(|decision| match decision {
        Decision::Diagnosed { class, subject, .. } => Some((*class, subject.as_str())),
        _ => None,
    });
    assert!(
        told.is_some_and(
            |(class, subject)| class == fault.class && subject.ends_with(fault.subject)
        ),
        "{told:?}"
    );
    let history = machine.vm.history(&machine.skill, &machine.target).await.unwrap();
    let last = history.activations.last().unwrap();
    assert!(matches!(last.reason, ActivationReason::TrialKept { lost: 0, .. }), "{last:?}");
    let decided = machine.decisions.len();
    for _ in 0..20 {
        let outcome = machine.run().await;
        assert_eq!(outcome.variant.as_ref().unwrap().digest(), kept);
        let found = machine.diagnosed(&outcome);
        assert!(found.iter().all(|one| one.signature() != planted), "{found:#?}");
        assert_eq!(outcome.record.text, "done");
    }
    assert_eq!(machine.decisions.len(), decided, "{:#?}", machine.decisions);
}

/// The failure is told to a person once, however often it comes, and nothing is tried.
async fn told_once(fault: Fault) {
    let mut machine = Machine::with(&fault);
    for _ in 0..45 {
        let outcome = machine.run().await;
        let found = machine.diagnosed(&outcome);
        let shown = machine.planted(&found);
        assert!(shown.is_some(), "{found:#?}\n{:#?}", outcome.record.steps);
    }
    match machine.decisions.as_slice() {
        [Decision::NeedsPerson { class, subject, help, .. }] => {
            assert_eq!(*class, fault.class);
            assert!(subject.ends_with(fault.subject), "{subject}");
            assert!(!help.is_empty());
        }
        others => panic!("{others:#?}"),
    }
}

/// Nothing is held against the skill; a person is told once that every session is spoiled.
async fn passed_over(fault: Fault) {
    let mut machine = Machine::with(&fault);
    for _ in 0..45 {
        let outcome = machine.run().await;
        let found = machine.diagnosed(&outcome);
        assert!(machine.planted(&found).is_some(), "{found:#?}\n{:#?}", outcome.record.steps);
    }
    match machine.decisions.as_slice() {
        [Decision::NeedsPerson { class, .. }] => assert_eq!(*class, fault.class),
        others => panic!("{others:#?}"),
    }
    let history = machine.vm.history(&machine.skill, &machine.target).await.unwrap();
    let fared = super::host::sum(&history.fared);
    assert_eq!((fared.spoiled, fared.clean + fared.mended + fared.failed), (45, 0));
}

macro_rules! faults {
    ($($(#[$about:meta])* $name:ident: $ends:ident $fault:expr;)*) => {
        $(
            $(#[$about])*
            #[tokio::test]
            async fn $name() {
                $ends($fault).await;
            }
        )*

        /// The classes of all faults.
        const CLASSES: &[FailureClass] = &[$($fault.class),*];
    };
}

#[test]
fn the_faults_cover_every_class() {
    for class in FailureClass::ALL {
        assert!(CLASSES.contains(&class), "{class}");
    }
    assert!(CLASSES.len() >= 15);
}

const FORM: &str = "# Report\n\n```sh\nfigtool report --format json\n```\n\n## Output format\n\n\
    Answer with one JSON object with the keys `total` and `rows`, like this:\n\n```json\n{\"total\": 0, \"rows\": 0}\n```\n";

/// Whether an answer is the word that stands for the right one.
fn is_done(record: &RunRecord, about: FailureClass) -> Judgement {
    match record.text.as_str() {
        "done" => Judgement::Right,
        text => Judgement::Wrong { about: Some(about), what: format!("not so: {text}") },
    }
}

/// A policy for sessions that take long: two failures will do, and two pairs.
fn soon() -> AdaptPolicy {
    let test = SequentialTest { alpha: 0.45, ..SequentialTest::default() };
    AdaptPolicy::default().after(2, 0.25).test(test)
}

faults! {
    /// A script imports, in a way that no compiler sees, a module that the skill names.
    a_missing_python_module: fixed Fault {
        body: "# Report\n\nTables are made by the module `figtab`.\n\n```sh\npython3 scripts/report.py\n```\n",
        files: &[("scripts/report.py",
            "import importlib\nprint(importlib.import_module('fig' + 'tab').rows())\n")],
        class: FailureClass::MissingDependency,
        subject: "figtab",
        ..PLAIN
    };

    a_missing_program_that_a_script_starts: fixed Fault {
        body: "# Report\n\n```sh\npython3 scripts/report.py\n```\n",
        files: &[("scripts/report.py",
            "import subprocess\nname = 'figstat'\nsubprocess.run([name, 'figures.csv'], check=True)\n")],
        class: FailureClass::MissingDependency,
        subject: "figstat",
        ..PLAIN
    };

    /// It stands in a sentence, and not in a command.
    a_missing_program_that_the_text_names: fixed Fault {
        body: "# Report\n\nThe program `figstat` tells the mean of a file.\n\n```sh\ncat figures.csv\n```\n",
        acts: |sight| sight.try_or_give_up("figstat figures.csv"),
        class: FailureClass::MissingDependency,
        subject: "figstat",
        ..PLAIN
    };

    /// The path is relative to the skill's folder, and the agent works in another one.
    a_script_that_is_looked_for_in_the_wrong_folder: fixed Fault {
        body: "# Report\n\n```sh\nsh scripts/report.sh figures.csv\n```\n",
        files: &[("scripts/report.sh", "cat \"$1\"\n")],
        acts: |sight| sight.try_or_give_up(&sight.command()),
        class: FailureClass::WrongPath,
        subject: "scripts/report.sh",
        ..PLAIN
    };

    a_misspelt_script_that_the_agent_finds: fixed Fault {
        body: "# Report\n\n```sh\nsh scripts/reprot.sh figures.csv\n```\n",
        files: &[("scripts/report.sh", "cat \"$1\"\n")],
        acts: |sight| {
            let found = format!("sh {}/scripts/report.sh figures.csv", sight.folder);
            sight.try_or_else(&sight.command(), &found)
        },
        class: FailureClass::WrongPath,
        subject: "scripts/reprot.sh",
        ..PLAIN
    };

    /// It was put into the place of another by a person who forgot the bit.
    a_script_that_may_not_be_executed: fixed Fault {
        body: "# Report\n\n```sh\n./scripts/report.py\n```\n",
        files: &[("scripts/report.py", "#!/usr/bin/env python3\nprint('total 3')\n")],
        acts: |sight| match sight.command() {
            bare if bare.starts_with("./") => {
                sight.try_or_give_up(&format!("cd {} && {bare}", sight.folder))
            }
            whole => sight.try_or_give_up(&whole),
        },
        class: FailureClass::WrongInterpreter,
        subject: "scripts/report.py",
        ..PLAIN
    };

    a_script_that_the_wrong_program_runs: fixed Fault {
        body: "# Report\n\n```sh\nbash scripts/report.py\n```\n",
        files: &[("scripts/report.py", "import sys\nprint('total', len(sys.argv))\n")],
        class: FailureClass::WrongInterpreter,
        subject: "scripts/report.py",
        ..PLAIN
    };

    a_program_that_has_another_name_here: fixed Fault {
        body: "# Report\n\n```sh\npython -c 'print(3)'\n```\n",
        acts: |sight| sight.try_or_give_up(&sight.command()),
        class: FailureClass::WrongInterpreter,
        subject: "python",
        ..PLAIN
    };

    a_placeholder_that_is_not_filled_in: fixed Fault {
        body: "# Report\n\n```sh\ncat <figures-file>\n```\n",
        acts: |sight| {
            let command = sight.command();
            let filled = command.replace("<figures-file>", "figures.csv");
            sight.try_or_give_up(if sight.is_told(Advice::FillIn) { &filled } else { &command })
        },
        class: FailureClass::BadPlaceholder,
        subject: "<figures-file>",
        ..PLAIN
    };

    /// With a profile, the level is lowered, and the value becomes a variable.
    a_placeholder_of_a_target_that_was_measured: fixed Fault {
        body: "# Report\n\n```sh\ncat <figures-file> && cat figures.csv | cat\n```\n",
        acts: |sight| {
            let command = sight.command();
            let filled = command.replace("\"${FIGURES_FILE:?}\"", "figures.csv");
            sight.try_or_give_up(&filled)
        },
        profile: Some(|profile| profile.with_level(Primitive::GenCodeShell, Level::L3)),
        class: FailureClass::BadPlaceholder,
        subject: "<figures-file>",
        ..PLAIN
    };

    an_option_that_the_agent_replaces: fixed Fault {
        body: "# Report\n\n```sh\nfigtool report --fmt json\n```\n",
        acts: |sight| {
            let command = sight.command();
            sight.try_or_else(&command, &command.replace("--fmt", "--format"))
        },
        class: FailureClass::WrongFact,
        subject: "figtool --fmt",
        ..PLAIN
    };

    a_subcommand_that_the_agent_replaces: fixed Fault {
        body: "# Report\n\n```sh\nfigman export figures.csv\n```\n",
        acts: |sight| {
            let command = sight.command();
            sight.try_or_else(&command, &command.replace("export", "write"))
        },
        class: FailureClass::WrongFact,
        subject: "figman export",
        ..PLAIN
    };

    arguments_under_names_that_the_tool_does_not_have: fixed Fault {
        body: "# Report\n\n```sh\ncat figures.csv\n```\n",
        acts: |sight| {
            let argument = if sight.is_told(Advice::Arguments) { "command" } else { "shell_command" };
            match sight.last() {
                None => {
                    let arguments = serde_json::json!({ argument: sight.command() });
                    sight.call("execute_command", arguments)
                }
                Some(last) if last.contains("do not fit") => sight.says("It does not work."),
                Some(_) => sight.says("done"),
            }
        },
        class: FailureClass::FormatAboveAbility,
        subject: "tool.call.format",
        ..PLAIN
    };

    a_tool_that_does_not_exist: fixed Fault {
        body: "# Report\n\n```sh\ncat figures.csv\n```\n",
        acts: |sight| {
            let tool = if sight.is_told(Advice::Arguments) { "execute_command" } else { "bash" };
            match sight.last() {
                None => sight.call(tool, serde_json::json!({ "command": sight.command() })),
                Some(last) if last.contains("no tool") => sight.says("It does not work."),
                Some(_) => sight.says("done"),
            }
        },
        class: FailureClass::FormatAboveAbility,
        subject: "tool.call.format",
        ..PLAIN
    };

    an_answer_in_another_form: fixed Fault {
        body: FORM,
        acts: |sight| match sight.is_told(Advice::AnswerOnly) {
            true => sight.says("done"),
            false => sight.says("Here you are: {\"total\": 3, \"rows\": 1}. Anything else?"),
        },
        check: |record| is_done(record, FailureClass::FormatAboveAbility),
        class: FailureClass::FormatAboveAbility,
        subject: "follow.format",
        ..PLAIN
    };

    /// With a profile, the level is lowered, and a direction takes the demand down.
    an_answer_in_another_form_of_a_target_that_was_measured: fixed Fault {
        body: FORM,
        acts: |sight| match sight.skill.contains("in the form that is shown") {
            true => sight.says("done"),
            false => sight.says("Here you are: {\"total\": 3, \"rows\": 1}. Anything else?"),
        },
        check: |record| is_done(record, FailureClass::FormatAboveAbility),
        profile: Some(|profile| profile.with_level(Primitive::FollowFormat, Level::L3)),
        class: FailureClass::FormatAboveAbility,
        subject: "follow.format",
        ..PLAIN
    };

    a_step_that_is_left_out: fixed Fault {
        body: "# Report\n\n1. Read the file.\n2. Add the rows.\n3. Write the total down.\n",
        acts: |sight| match sight.is_told(Advice::EveryStep) {
            true => sight.says("done"),
            false => sight.says("The total is 3."),
        },
        check: |record| is_done(record, FailureClass::ProcedureAboveAbility),
        class: FailureClass::ProcedureAboveAbility,
        subject: "follow.procedure",
        ..PLAIN
    };

    a_loop_that_does_not_end: fixed Fault {
        body: "# Report\n\n1. Run the command.\n2. Run it again until the total is 4.\n\n```sh\nfigtool report --format json\n```\n",
        acts: |sight| match sight.is_told(Advice::Bounded) && sight.calls.len() == 2 {
            true => sight.says("done"),
            false => sight.run(&sight.command()),
        },
        turns: 6,
        class: FailureClass::ProcedureAboveAbility,
        subject: "follow.procedure",
        ..PLAIN
    };

    /// The deadline of the run comes first. It is long enough for a slow machine, so fewer pairs are waited for.
    a_wait_that_does_not_end: fixed Fault {
        body: "# Report\n\nWait until the report is there, then tell its total.\n\n```sh\nfigtool report --format json\n```\n",
        acts: |sight| match (sight.is_told(Advice::Bounded), sight.calls.len()) {
            (true, 0) => sight.run("cat figures.csv"),
            (true, _) => sight.says("done"),
            (false, calls) => sight.run(&format!("sleep 0.1{calls}; cat figures.csv")),
        },
        turns: 60,
        deadline: 600,
        policy: soon,
        class: FailureClass::ProcedureAboveAbility,
        subject: "follow.procedure",
        ..PLAIN
    };

    an_answer_that_is_cut_off: fixed Fault {
        body: "# Report\n\nWrite out every row of the report with a comment of your own.\n",
        acts: |sight| match sight.is_told(Advice::InParts) {
            true => sight.says("done"),
            false => sight.cut_off("Row 1: a fine row. Row 2: a"),
        },
        class: FailureClass::TooLong,
        subject: "gen.text.long",
        ..PLAIN
    };

    an_input_that_is_too_long: fixed Fault {
        body: "# Report\n\n```sh\nenv cat $(seq 400000)\n```\n",
        acts: |sight| match sight.is_told(Advice::InParts) {
            true => sight.try_or_give_up("cat figures.csv"),
            false => sight.try_or_give_up(&sight.command()),
        },
        class: FailureClass::TooLong,
        subject: "gen.text.long",
        ..PLAIN
    };

    /// The shortest limit that the tool knows is a second, so fewer pairs are waited for.
    a_command_that_takes_longer_than_it_may: fixed Fault {
        body: "# Report\n\n```sh\nsleep 1.2\n```\n",
        acts: |sight| {
            let seconds = if sight.is_told(Advice::MoreTime) { 5 } else { 1 };
            match (sight.last(), sight.worked()) {
                (None, _) => {
                    let command = if seconds == 5 { "sleep 0".to_owned() } else { sight.command() };
                    let arguments = serde_json::json!({
                        "command": command,
                        "timeout_seconds": seconds,
                    });
                    sight.call("execute_command", arguments)
                }
                (_, Some(true)) => sight.says("done"),
                _ => sight.says("It does not work."),
            }
        },
        policy: soon,
        class: FailureClass::TooLong,
        subject: "call",
        ..PLAIN
    };

    a_key_that_is_not_set: told_once Fault {
        body: "# Report\n\nThe key of the service is in the environment.\n\n```sh\npython3 scripts/report.py\n```\n",
        files: &[("scripts/report.py", "import os\nprint(os.environ['FIGURES_API_KEY'])\n")],
        class: FailureClass::MissingPermission,
        subject: "FIGURES_API_KEY",
        ..PLAIN
    };

    /// Not even the superuser may write there.
    a_file_of_the_system_that_may_not_be_written: told_once Fault {
        body: "# Report\n\n```sh\necho 1 > /proc/sys/kernel/osrelease\n```\n",
        class: FailureClass::MissingPermission,
        subject: "/proc/sys/kernel/osrelease",
        ..PLAIN
    };

    a_command_that_the_policy_refuses: told_once Fault {
        body: "# Report\n\n```sh\nsudo figtool report\n```\n",
        class: FailureClass::MissingPermission,
        subject: "policy sudo",
        ..PLAIN
    };

    /// Only a person can correct what the skill says, as no call that worked tells how.
    an_option_that_nobody_can_replace: told_once Fault {
        body: "# Report\n\n```sh\nfigtool report --fmt json\n```\n",
        class: FailureClass::WrongFact,
        subject: "figtool --fmt",
        ..PLAIN
    };

    /// A module of the skill's own is not where the script looks.
    a_module_of_the_skill_that_is_not_found: told_once Fault {
        body: "# Report\n\n```sh\npython3 scripts/report.py\n```\n",
        files: &[
            ("scripts/report.py", "import importlib\nimportlib.import_module('rows')\n"),
            ("lib/rows.py", "ROWS = 3\n"),
        ],
        class: FailureClass::WrongPath,
        subject: "lib/rows.py",
        ..PLAIN
    };

    an_exit_that_nobody_knows: told_once Fault {
        body: "# Report\n\n```sh\nsh scripts/report.sh\n```\n",
        files: &[("scripts/report.sh", "echo 'bad weather' >&2\nexit 7\n")],
        class: FailureClass::Unknown,
        subject: "bad weather",
        ..PLAIN
    };

    a_correction_that_nobody_explains: told_once Fault {
        body: "# Report\n\nTell the total.\n",
        acts: |sight| sight.says("The total is 3."),
        check: |_| Judgement::Wrong { about: None, what: "this is the total of last year".into() },
        class: FailureClass::Unknown,
        subject: "this is the total of last year",
        ..PLAIN
    };

    /// As the standard library of Python tells it.
    a_server_that_is_not_available: passed_over Fault {
        body: "# Report\n\n```sh\npython3 scripts/report.py\n```\n",
        files: &[("scripts/report.py",
            "from urllib.error import HTTPError\n\
             raise HTTPError('https://figures.example/a', 503, 'Service Unavailable', {}, None)\n")],
        class: FailureClass::FlakyNetwork,
        subject: "network",
        ..PLAIN
    };
}
