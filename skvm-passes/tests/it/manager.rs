//! The pass manager: order, errors, events, memo, cancellation, and which edits are published.

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use skvm_core::artifact::{Artifact, ArtifactKey, CodeIndex, Dependencies};
use skvm_core::capability::{CapabilityProfile, Level, Primitive};
use skvm_core::diagnostic::{Code, Diagnostic, Severity};
use skvm_core::edit::{Edit, EditKind, EditReason};
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse, Message};
use skvm_core::pass::{Cancellation, Pass, PassContext, PassError, PassId, Unit, pass_fn};
use skvm_core::skill::Skill;
use skvm_core::span::Span;
use skvm_core::target::{ModelId, Target};
use skvm_passes::capability::CapabilityPass;
use skvm_passes::code::CodePass;
use skvm_passes::concurrency::ConcurrencyPass;
use skvm_passes::environment::EnvironmentPass;
use skvm_passes::lessons::LessonsPass;
use skvm_passes::manager::{
    BuildError, CompileError, PassEvent, PassManager, PassManagerBuilder, PassStatus,
};
use skvm_passes::recorded::{MemoryAnswers, Recorded};
use skvm_passes::requirements::RequirementsPass;
use skvm_passes::templates::TemplatesPass;

use crate::samples;

const STANDARD: [&str; 7] =
    ["code", "requirements", "lessons", "capability", "environment", "concurrency", "templates"];

fn ids(manager: &PassManager) -> Vec<String> {
    manager.passes().map(|pass| pass.id().to_string()).collect()
}

fn nothing(_: &mut PassContext<'_>) -> Result<(), PassError> {
    Ok(())
}

const A: ArtifactKey = ArtifactKey::new("a");
const B: ArtifactKey = ArtifactKey::new("b");
const C: ArtifactKey = ArtifactKey::new("c");

fn build_error(builder: PassManagerBuilder) -> BuildError {
    builder.build().unwrap_err()
}

#[test]
fn the_standard_pipeline_is_the_one_that_the_builder_puts_in_order() {
    let built = PassManager::builder().standard().build().unwrap();
    assert_eq!(ids(&PassManager::standard()), STANDARD);
    assert_eq!(ids(&built), STANDARD);
}

#[test]
fn passes_that_share_no_artifact_run_as_registered() {
    let pass = |id| pass_fn(id, nothing);
    let manager =
        PassManager::builder().pass(pass("z")).pass(pass("a")).pass(pass("m")).build().unwrap();
    assert_eq!(ids(&manager), ["z", "a", "m"]);
}

#[test]
fn a_pass_runs_behind_the_writers_of_what_it_reads() {
    let manager = PassManager::builder()
        .pass(pass_fn("last", nothing).reading(&[A, B]))
        .pass(pass_fn("middle", nothing).reading(&[A]).writing(&[B]))
        .pass(pass_fn("free", nothing))
        .pass(pass_fn("first", nothing).writing(&[A]))
        .build()
        .unwrap();
    assert_eq!(ids(&manager), ["free", "first", "middle", "last"]);
}

fn standard_passes() -> Vec<Arc<dyn Pass>> {
    vec![
        Arc::new(CodePass),
        Arc::new(RequirementsPass),
        Arc::new(LessonsPass),
        Arc::new(CapabilityPass::standard()),
        Arc::new(EnvironmentPass::default()),
        Arc::new(ConcurrencyPass::default()),
        Arc::new(TemplatesPass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Only the manifest, which lists the passes as they ran, may tell the registrations apart.
    #[test]
    fn the_standard_passes_find_the_same_in_any_registration(
        passes in Just(standard_passes()).prop_shuffle(),
    ) {
        let builder = passes.into_iter().fold(PassManager::builder(), PassManagerBuilder::shared_pass);
        let manager = builder.build().unwrap();
        let order = ids(&manager);
        let place = |id: &str| order.iter().position(|other| other == id).unwrap();
        for (before, after) in [
            ("code", "requirements"),
            ("code", "lessons"),
            ("code", "environment"),
            ("code", "templates"),
            ("requirements", "capability"),
        ] {
            prop_assert!(place(before) < place(after), "{order:?}");
        }
        let unit = samples::unit(samples::shipped("pdf-tools"))
            .with_profile(samples::profile_of(Level::L1));
        let (here, standard) = (block_on(manager.compile(&unit)).unwrap().variant, samples::compile(&unit));
        prop_assert!(!here.edits().is_empty());
        prop_assert_eq!(here.text(), standard.text());
        prop_assert_eq!(here.edits(), standard.edits());
        prop_assert_eq!(
            serde_json::to_string(here.artifacts()).unwrap(),
            serde_json::to_string(standard.artifacts()).unwrap()
        );
    }
}

#[test]
fn a_second_pass_of_the_same_id_is_refused() {
    let error =
        build_error(PassManager::builder().pass(pass_fn("x", nothing)).pass(pass_fn("x", nothing)));
    assert_eq!(error, BuildError::DuplicateId { pass: PassId::new("x") });
    assert_eq!(error.to_string(), "two passes are called x");
}

#[test]
fn a_second_writer_of_an_artifact_is_refused() {
    let error = build_error(
        PassManager::builder()
            .pass(pass_fn("x", nothing).writing(&[A]))
            .pass(pass_fn("y", nothing).writing(&[B, A])),
    );
    let (first, second) = (PassId::new("x"), PassId::new("y"));
    assert_eq!(error, BuildError::DuplicateWriter { key: A, first, second });
    assert_eq!(error.to_string(), "passes x and y both write artifact a");
}

#[test]
fn an_artifact_that_nobody_writes_is_refused() {
    let error = build_error(PassManager::builder().pass(pass_fn("x", nothing).reading(&[A])));
    assert_eq!(error, BuildError::NoWriter { pass: PassId::new("x"), key: A });
    assert_eq!(error.to_string(), "pass x reads artifact a, which no pass writes");
}

#[test]
fn a_circle_is_refused_and_names_only_its_members() {
    let error = build_error(
        PassManager::builder()
            .pass(pass_fn("before", nothing).writing(&[C]))
            .pass(pass_fn("x", nothing).reading(&[B, C]).writing(&[A]))
            .pass(pass_fn("behind", nothing).reading(&[A]))
            .pass(pass_fn("y", nothing).reading(&[A]).writing(&[B])),
    );
    assert_eq!(error, BuildError::Cycle { passes: vec![PassId::new("x"), PassId::new("y")] });
    assert_eq!(error.to_string(), "passes wait for each other in a circle: x, y");
}

#[test]
fn a_pass_that_waits_for_itself_is_refused() {
    let error =
        build_error(PassManager::builder().pass(pass_fn("x", nothing).reading(&[A]).writing(&[A])));
    assert_eq!(error, BuildError::Cycle { passes: vec![PassId::new("x")] });
}

/// An artifact of the test's own.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Lines(usize);

impl Artifact for Lines {
    const KEY: ArtifactKey = ArtifactKey::new("own-lines");
}

fn note(rule: &str) -> EditReason {
    EditReason::new(rule, EditKind::Compensation, "for the test")
}

#[test]
fn what_a_pass_of_ones_own_gives_arrives_in_the_variant() {
    let count =
        pass_fn("own-count", |cx: &mut PassContext<'_>| cx.put(Lines(cx.source().lines().count())))
            .writing(&[Lines::KEY]);
    let tell = pass_fn("own-tell", |cx: &mut PassContext<'_>| {
        let Lines(lines) = *cx.artifact::<Lines>()?.unwrap();
        let end = cx.source().len();
        cx.edit(Edit::insert(end, format!("\nThis text had {lines} lines.\n"), note("own-rule")))?;
        cx.diagnose(Diagnostic::note(Code::new("own-tell/size"), format!("{lines} lines")));
        Ok(())
    })
    .reading(&[Lines::KEY]);
    let manager = PassManager::builder().pass(tell).standard().pass(count).build().unwrap();
    let unit = samples::unit(samples::skill("# Demo\n\nRead it.\n"));
    let compilation = block_on(manager.compile(&unit)).unwrap();
    let variant = &compilation.variant;
    assert_eq!(variant.artifacts().get::<Lines>().unwrap().as_deref(), Some(&Lines(7)));
    assert_eq!(variant.text(), format!("{}\nThis text had 7 lines.\n", unit.skill.source()));
    assert_eq!(variant.edits().iter().next().unwrap().reason.rule, "own-rule");
    assert_eq!(variant.diagnostics()[0].summary(), "note[own-tell/size]: 7 lines");
    assert_eq!(compilation.passes.len(), STANDARD.len() + 2);
    let told = compilation.passes.iter().find(|record| record.pass.as_str() == "own-tell").unwrap();
    assert_eq!((told.status, told.edits, told.diagnostics), (PassStatus::Ran, 1, 1));
}

fn compile_error(pass: impl Pass + 'static) -> CompileError {
    let manager = PassManager::builder().pass(CodePass).pass(pass).build().unwrap();
    block_on(manager.compile(&samples::unit(samples::skill("# Demo\n")))).unwrap_err()
}

fn cause(error: &CompileError) -> String {
    error.source().unwrap().to_string()
}

#[test]
fn reading_what_is_not_declared_fails() {
    let error = compile_error(pass_fn("x", |cx: &mut PassContext<'_>| {
        cx.artifact::<CodeIndex>().map(|_| ())
    }));
    assert_eq!(error.to_string(), "pass x on skill \"demo\"");
    assert_eq!(cause(&error), "pass x reads artifact code without declaring it");
}

#[test]
fn writing_what_is_not_declared_fails() {
    let error = compile_error(
        pass_fn("x", |cx: &mut PassContext<'_>| cx.put(Dependencies::default())).writing(&[A]),
    );
    assert_eq!(cause(&error), "pass x writes artifact dependencies without declaring it");
}

#[test]
fn an_edit_outside_the_source_fails() {
    let error = compile_error(pass_fn("x", |cx: &mut PassContext<'_>| {
        cx.edit(Edit::replace(Span::new(3, 9_999), "", note("far")))
    }));
    let edit = error.source().unwrap().source().unwrap();
    assert_eq!(edit.to_string(), "edit \"far\" at bytes 3..9999 does not lie in the source");
}

#[test]
fn a_failing_pass_is_named_with_its_cause() {
    let error = compile_error(pass_fn("x", |_: &mut PassContext<'_>| {
        Err(PassError::Other {
            what: "reading the atlas".to_owned(),
            source: Some(Box::new(std::io::Error::other("no such page"))),
        })
    }));
    assert!(
        matches!(&error, CompileError::Pass { pass, skill, .. } if pass.as_str() == "x" && skill == "demo")
    );
    assert!(!error.is_cancelled());
    assert!(error.llm_error().is_none());
    assert_eq!(cause(&error), "reading the atlas");
    assert_eq!(error.source().unwrap().source().unwrap().to_string(), "no such page");
}

/// What an observer saw, one line an event.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn observe(&self) -> impl Fn(&PassEvent) + Send + Sync + use<> {
        let log = Arc::clone(&self.0);
        move |event| {
            let line = match event {
                PassEvent::Started { pass } => format!("{pass} starts"),
                PassEvent::Finished(record) => format!("{} {:?}", record.pass, record.status),
                other => panic!("unknown event {other:?}"),
            };
            log.lock().unwrap().push(line);
        }
    }

    /// The lines since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn a_cancelled_compilation_runs_nothing() {
    let log = Log::default();
    let manager = PassManager::builder().standard().observer(log.observe()).build().unwrap();
    let unit = samples::unit(samples::skill("# Demo\n"));
    let cancellation = Cancellation::new();
    cancellation.cancel();
    let error = block_on(manager.compile_until(&unit, &cancellation)).unwrap_err();
    assert!(error.is_cancelled());
    assert!(log.take().is_empty());
    block_on(manager.compile_until(&unit, &Cancellation::new())).unwrap();
}

#[test]
fn a_compilation_is_cancelled_at_the_next_checkpoint() {
    let cancellation = Cancellation::new();
    let raise = cancellation.clone();
    let log = Log::default();
    let manager = PassManager::builder()
        .pass(pass_fn("long", move |cx: &mut PassContext<'_>| {
            cx.checkpoint()?;
            raise.cancel();
            cx.checkpoint()?;
            Err(PassError::other("the pass went on"))
        }))
        .observer(log.observe())
        .build()
        .unwrap();
    let unit = samples::unit(samples::skill("# Demo\n"));
    let error = block_on(manager.compile_until(&unit, &cancellation)).unwrap_err();
    assert!(error.is_cancelled(), "{}", cause(&error));
    assert_eq!(cause(&error), "the compilation was cancelled");
    assert_eq!(log.take(), ["long starts"]);
}

#[test]
fn a_compilation_is_cancelled_between_two_passes() {
    let cancellation = Cancellation::new();
    let raise = cancellation.clone();
    let log = Log::default();
    let manager = PassManager::builder()
        .pass(pass_fn("first", move |_: &mut PassContext<'_>| {
            raise.cancel();
            Ok(())
        }))
        .pass(pass_fn("second", nothing))
        .observer(log.observe())
        .build()
        .unwrap();
    let unit = samples::unit(samples::skill("# Demo\n"));
    let error = block_on(manager.compile_until(&unit, &cancellation)).unwrap_err();
    assert!(matches!(&error, CompileError::Pass { pass, .. } if pass.as_str() == "second"));
    assert!(error.is_cancelled());
    assert_eq!(log.take(), ["first starts", "first Ran"]);
}

#[test]
fn events_tell_what_ran_what_was_known_and_what_was_passed_over() {
    let log = Log::default();
    let manager = PassManager::builder().standard().observer(log.observe()).build().unwrap();
    let unit = samples::unit(samples::skill("# Demo\n\n```sh\nls | wc\n```\n"));
    let events = |status: &str, capability: &[&str]| -> Vec<String> {
        STANDARD
            .iter()
            .flat_map(|id| match *id {
                "capability" => {
                    capability.iter().map(|event| format!("capability {event}")).collect()
                }
                id => vec![format!("{id} starts"), format!("{id} {status}")],
            })
            .collect()
    };
    block_on(manager.compile(&unit)).unwrap();
    assert_eq!(log.take(), events("Ran", &["Skipped"]));
    block_on(manager.compile(&unit)).unwrap();
    assert_eq!(log.take(), events("Memoised", &["Skipped"]));
    let measured = unit.with_profile(samples::profile_of(Level::L1));
    block_on(manager.compile(&measured)).unwrap();
    assert_eq!(log.take(), events("Memoised", &["starts", "Ran"]));
    block_on(manager.compile(&measured)).unwrap();
    assert_eq!(log.take(), events("Memoised", &["starts", "Memoised"]));
}

#[test]
fn events_are_json_with_a_tag() {
    let started = PassEvent::Started { pass: PassId::new("code") };
    assert_eq!(serde_json::to_string(&started).unwrap(), r#"{"event":"started","pass":"code"}"#);
}

/// A pass whose memo key can be turned from outside.
#[derive(Debug, Default)]
struct Prober {
    version: AtomicU32,
    configuration: Mutex<String>,
    needs_profile: bool,
    looks_at_target: bool,
}

#[async_trait]
impl Pass for Prober {
    fn id(&self) -> PassId {
        PassId::new("prober")
    }

    fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed)
    }

    fn configuration(&self) -> String {
        self.configuration.lock().unwrap().clone()
    }

    fn needs_profile(&self) -> bool {
        self.needs_profile
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        if self.looks_at_target {
            let _ = cx.target();
        }
        Ok(())
    }
}

/// A manager around one prober.
struct Memo {
    prober: Arc<Prober>,
    manager: PassManager,
}

impl Memo {
    fn of(prober: Prober) -> Self {
        let prober = Arc::new(prober);
        let shared: Arc<dyn Pass> = Arc::clone(&prober) as _;
        let manager = PassManager::builder().shared_pass(shared).build().unwrap();
        Self { prober, manager }
    }

    fn status(&self, unit: &Unit) -> PassStatus {
        block_on(self.manager.compile(unit)).unwrap().passes[0].status
    }

    /// Compiles twice, so that the second time shows whether the first was kept.
    fn ran(&self, unit: &Unit) -> bool {
        let first = self.status(unit);
        assert_eq!(self.status(unit), PassStatus::Memoised);
        first == PassStatus::Ran
    }
}

fn measured(level: Level) -> CapabilityProfile {
    CapabilityProfile::new(&samples::target(), "2026-01-01T00:00:00Z")
        .with_level(Primitive::ToolExec, level)
}

fn for_target(unit: &Unit, target: Target) -> Unit {
    Unit { target, ..unit.clone() }
}

#[test]
fn the_memo_serves_clones_of_the_manager() {
    let memo = Memo::of(Prober::default());
    let unit = samples::unit(samples::skill("# Demo\n"));
    assert!(memo.ran(&unit));
    let clone = memo.manager.clone();
    assert_eq!(block_on(clone.compile(&unit)).unwrap().passes[0].status, PassStatus::Memoised);
}

#[test]
fn another_skill_runs_again() {
    let memo = Memo::of(Prober::default());
    assert!(memo.ran(&samples::unit(samples::skill("# Demo\n"))));
    assert!(memo.ran(&samples::unit(samples::skill("# Other\n"))));
    assert!(memo.ran(&samples::unit(samples::bundled("# Demo\n", &[("x.txt", "1")]))));
    assert!(memo.ran(&samples::unit(samples::bundled("# Demo\n", &[("x.txt", "2")]))));
    let moved = Skill::from_text("/skills/moved", samples::skill("# Demo\n").source());
    assert!(memo.ran(&samples::unit(moved)), "a pass may look at the folder");
}

#[test]
fn another_version_or_configuration_runs_again() {
    let memo = Memo::of(Prober::default());
    let unit = samples::unit(samples::skill("# Demo\n"));
    assert!(memo.ran(&unit));
    memo.prober.version.store(2, Ordering::Relaxed);
    assert!(memo.ran(&unit));
    "fast".clone_into(&mut memo.prober.configuration.lock().unwrap());
    assert!(memo.ran(&unit));
    memo.prober.version.store(0, Ordering::Relaxed);
    memo.prober.configuration.lock().unwrap().clear();
    assert!(!memo.ran(&unit), "the first result is still there");
}

#[test]
fn another_profile_runs_only_what_needs_one_again() {
    let unit = samples::unit(samples::skill("# Demo\n"));
    let memo = Memo::of(Prober { needs_profile: true, ..Prober::default() });
    assert_eq!(memo.status(&unit), PassStatus::Skipped);
    assert!(memo.ran(&unit.clone().with_profile(measured(Level::L1))));
    assert!(memo.ran(&unit.clone().with_profile(measured(Level::L2))));
    let mut later = measured(Level::L2);
    "2027-01-01T00:00:00Z".clone_into(&mut later.profiled_at);
    assert!(!memo.ran(&unit.clone().with_profile(later)), "when it was measured does not matter");

    let memo = Memo::of(Prober::default());
    assert!(memo.ran(&unit));
    assert!(!memo.ran(&unit.clone().with_profile(measured(Level::L1))));
}

#[test]
fn another_target_runs_only_what_looked_at_it_again() {
    let unit = samples::unit(samples::skill("# Demo\n"));
    let others = [Target::new("other", "harness"), Target::new("model", "other")];
    for looks_at_target in [false, true] {
        let memo = Memo::of(Prober { looks_at_target, ..Prober::default() });
        assert!(memo.ran(&unit));
        for target in &others {
            let ran = memo.ran(&for_target(&unit, target.clone()));
            assert_eq!(ran, looks_at_target, "{target:?}");
        }
    }
}

#[test]
fn another_place_of_installation_runs_again() {
    let memo = Memo::of(Prober::default());
    let unit = samples::unit(samples::skill("# Demo\n"));
    assert!(memo.ran(&unit));
    assert!(memo.ran(&unit.with_install_dir("/elsewhere")));
}

#[test]
fn a_changed_artifact_runs_its_readers_again() {
    let writer = pass_fn("writer", |cx: &mut PassContext<'_>| {
        cx.put(Lines(cx.target().model.as_str().len()))
    })
    .writing(&[Lines::KEY]);
    let reader = pass_fn("reader", |cx: &mut PassContext<'_>| {
        let Lines(lines) = *cx.artifact::<Lines>()?.unwrap();
        cx.diagnose(Diagnostic::note(Code::new("reader/lines"), lines.to_string()));
        Ok(())
    })
    .reading(&[Lines::KEY]);
    let manager = PassManager::builder().pass(writer).pass(reader).build().unwrap();
    let unit = samples::unit(samples::skill("# Demo\n"));
    let expect = |model: &str, status: PassStatus| {
        let unit = for_target(&unit, Target::new(model, "h"));
        let compilation = block_on(manager.compile(&unit)).unwrap();
        assert_eq!(compilation.passes[1].status, status, "{model}");
        assert_eq!(compilation.variant.diagnostics()[0].message, model.len().to_string());
    };
    expect("aa", PassStatus::Ran);
    expect("bb", PassStatus::Memoised);
    expect("ccc", PassStatus::Ran);
}

#[test]
fn a_failed_run_is_not_remembered() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let manager = PassManager::builder()
        .pass(pass_fn("shaky", move |_: &mut PassContext<'_>| {
            match counted.fetch_add(1, Ordering::Relaxed) {
                0 => Err(PassError::other("the first try")),
                _ => Ok(()),
            }
        }))
        .build()
        .unwrap();
    let unit = samples::unit(samples::skill("# Demo\n"));
    assert!(block_on(manager.compile(&unit)).is_err());
    assert_eq!(block_on(manager.compile(&unit)).unwrap().passes[0].status, PassStatus::Ran);
    assert_eq!(tries.load(Ordering::Relaxed), 2);
}

/// A pass that replaces `old` wherever it stands.
fn replacing(
    id: &'static str,
    old: &'static str,
    new: &'static str,
    kind: EditKind,
) -> impl Pass + 'static {
    pass_fn(id, move |cx: &mut PassContext<'_>| {
        for (at, _) in cx.source().match_indices(old) {
            let span = Span::new(at, at + old.len());
            cx.edit(Edit::replace(span, new, EditReason::new(id, kind, "for the test")))?;
        }
        Ok(())
    })
}

#[test]
fn of_two_edits_at_one_place_the_later_is_left_out_and_told() {
    let kind = EditKind::Substitution;
    let manager = PassManager::builder()
        .pass(replacing("early", "quick brown", "quick dark brown", kind))
        .pass(replacing("late", "brown fox", "brown old fox", kind))
        .pass(replacing("apart", "the dog", "the old dog", kind))
        .build()
        .unwrap();
    let unit = samples::unit(samples::skill("# Demo\n\nThe quick brown fox and the dog.\n"));
    let compilation = block_on(manager.compile(&unit)).unwrap();
    let variant = compilation.variant;
    assert!(
        variant.text().ends_with("The quick dark brown fox and the old dog.\n"),
        "{}",
        variant.text()
    );
    let [told] = variant.diagnostics() else { panic!("{:?}", variant.diagnostics()) };
    assert_eq!((told.code.as_str(), told.severity), ("edit/overlap", Severity::Warning));
    let (at, source) = (told.span.unwrap(), unit.skill.source());
    assert_eq!(at.text(source), "brown fox");
    assert_eq!(
        told.message,
        format!(
            "pass late: edit \"late\" at bytes {}..{} overlaps edit \"early\"; it was left out",
            at.start, at.end
        )
    );
    assert_eq!(compilation.passes[1].edits, 1, "a record tells what the pass made");
}

#[test]
fn edits_that_the_guard_blames_are_taken_back_and_the_others_stay() {
    let kind = EditKind::Compensation;
    let manager = PassManager::builder()
        .pass(replacing("rename", "# Second", "# Other", kind))
        .pass(replacing("good", "calmly", "calmly and slowly", kind))
        .pass(replacing("code", "ls -l", "ls -la", kind))
        .pass(replacing("fetch", "a file", "a file from https://evil.example/x", kind))
        .build()
        .unwrap();
    let body = "# First\n\nRead a file calmly.\n\n# Second\n\n```sh\nls -l\n```\n";
    let unit = samples::unit(samples::skill(body));
    let variant = block_on(manager.compile(&unit)).unwrap().variant;
    assert_eq!(variant.text(), unit.skill.source().replace("calmly", "calmly and slowly"));
    assert_eq!(variant.edits().len(), 1);
    let mut told: Vec<(&str, &str)> = variant
        .diagnostics()
        .iter()
        .map(|found| (found.code.as_str(), found.span.unwrap().text(unit.skill.source())))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [("guard/refused", "# Second"), ("guard/refused", "a file"), ("guard/refused", "ls -l")]
    );
    let rename = variant.diagnostics().iter().find(|found| found.message.contains("rename"));
    assert!(rename.unwrap().message.starts_with("edit \"rename\" was taken back: "));
    assert!(rename.unwrap().message.contains("headings: the headings are not the same"));
}

#[test]
fn when_the_guard_cannot_tell_whom_to_blame_every_edit_is_taken_back() {
    let kind = EditKind::Compensation;
    let manager = PassManager::builder()
        .pass(replacing("good", "calmly", "calmly and slowly", kind))
        .pass(replacing("heading", "Then go on.", "Then go on.\n\n# New\n", kind))
        .build()
        .unwrap();
    let unit = samples::unit(samples::skill("# First\n\nRead calmly.\n\nThen go on.\n"));
    let variant = block_on(manager.compile(&unit)).unwrap().variant;
    assert_eq!(variant.text(), unit.skill.source());
    assert_eq!(variant.diagnostics().len(), 2);
}

/// A model that says how often it was asked.
#[derive(Debug)]
struct Counting {
    model: ModelId,
    asked: AtomicU32,
}

#[async_trait]
impl LlmBackend for Counting {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, request: LlmRequest) -> Result<LlmResponse, LlmError> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let said = request.messages.first().map_or("", Message::text).to_owned();
        Ok(LlmResponse { text: format!("{said} {asked}"), ..LlmResponse::default() })
    }
}

/// Adds what a model says at the end of the skill.
#[derive(Debug)]
struct Refiner;

#[async_trait]
impl Pass for Refiner {
    fn id(&self) -> PassId {
        PassId::new("refiner")
    }

    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &mut PassContext<'_>) -> Result<(), PassError> {
        let Some(llm) = cx.llm() else { return Ok(()) };
        let request = LlmRequest { messages: vec![Message::user("hint")], ..LlmRequest::default() };
        let text = llm.complete(request).await?.text;
        let end = cx.source().len();
        cx.edit(Edit::insert(end, format!("\n{text}\n"), note("refiner")))
    }
}

fn refining(llm: Option<Arc<dyn LlmBackend>>) -> PassManager {
    let manager = PassManager::builder().pass(Refiner).build().unwrap();
    match llm {
        Some(llm) => manager.with_llm(llm),
        None => manager,
    }
}

#[test]
fn recorded_answers_give_the_same_variant_offline() {
    let unit = samples::unit(samples::skill("# Demo\n"));
    let backend = Arc::new(Counting { model: "m".into(), asked: AtomicU32::new(0) });
    let answers = Arc::new(MemoryAnswers::default());
    let online = refining(Some(Arc::new(Recorded::new(backend.clone(), answers.clone()))));
    let first = block_on(online.compile(&unit)).unwrap().variant;
    assert!(first.text().ends_with("\nhint 1\n"), "{}", first.text());
    let offline = refining(Some(Arc::new(Recorded::replay("m".into(), answers.clone()))));
    assert_eq!(block_on(offline.compile(&unit)).unwrap().variant, first);
    assert_eq!(backend.asked.load(Ordering::Relaxed), 1);
    let without = block_on(refining(None).compile(&unit)).unwrap().variant;
    assert_eq!(without.text(), unit.skill.source());

    let other = refining(Some(Arc::new(Recorded::replay("other".into(), answers))));
    let error = block_on(other.compile(&unit)).unwrap_err();
    assert_eq!(error.llm_error().unwrap().kind(), &LlmErrorKind::NotRecorded);
}
