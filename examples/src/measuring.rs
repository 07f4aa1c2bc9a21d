//! What it takes to measure targets: an agent that can do all that probes ask for, tables, and the recovery of
//! planted profiles.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use skvm_core::capability::{CapabilityProfile, Level, Primitive, UnmeasuredCause};
use skvm_core::harness::{Harness, RunLimits};
use skvm_core::llm::LlmBackend;
use skvm_core::target::{ModelId, Target};
use skvm_probes::draw::instance_seed;
use skvm_probes::examination::Examiner;
use skvm_probes::profiler::Profiler;
use skvm_probes::simulated::{SimulatedBrowser, SimulatedModel};
use skvm_runtime::command::{Environment, ScratchRunner};
use skvm_runtime::harness::bare::{AddressPolicy, AgentPolicy, BARE_AGENT, BareAgent};

use crate::usage::Stop;

/// The bare agent, which may reach the pages of probes on loopback.
#[must_use]
pub fn agent(model: impl LlmBackend + 'static) -> BareAgent {
    let addresses = AddressPolicy::default().allowing_loopback();
    BareAgent::new(Arc::new(model)).with_policy(AgentPolicy { addresses, ..AgentPolicy::default() })
}

/// The bounds of an instance.
#[must_use]
pub fn limits() -> RunLimits {
    RunLimits {
        deadline: Duration::from_secs(300),
        turns: 25,
        answer_tokens: Examiner::ANSWER_TOKENS,
    }
}

/// A profiler that runs programs on this machine.
pub fn profiler(harness: Arc<dyn Harness>, model: impl Into<ModelId>) -> Profiler {
    let programs = ScratchRunner::new(Environment::from_host());
    Profiler::new(harness, model).with_programs(Arc::new(programs)).with_limits(limits())
}

/// The levels of a profile and what they rest on, a line for each primitive that was asked for.
#[must_use]
pub fn table(profile: &CapabilityProfile) -> String {
    let mut text = format!(
        "{:<20} {:<5} {:<8} {:>7} {:>7} {:>7}  {}\n",
        "primitive", "level", "95 %", "L1", "L2", "L3", "remark"
    );
    for primitive in Primitive::ALL {
        let reason = profile.unmeasured(primitive);
        if reason.is_some_and(|reason| reason.cause == UnmeasuredCause::NotAsked) {
            continue;
        }
        let detail = profile.detail(primitive);
        let level = profile.level(primitive).map_or_else(|| "–".to_owned(), |l| l.to_string());
        let interval = detail.and_then(|detail| detail.interval);
        let interval = interval.map(|range| {
            if range.lowest == range.highest {
                range.lowest.to_string()
            } else {
                format!("{}–{}", range.lowest, range.highest)
            }
        });
        let counts = Level::DEMANDS.map(|level| {
            let results = detail.map(|detail| detail.level_results.as_slice()).unwrap_or_default();
            let result = results.iter().find(|result| result.level == level);
            result.map_or_else(String::new, |r| format!("{}/{}", r.pass_count, r.judged()))
        });
        let note = detail.and_then(|detail| detail.calibration_note.clone());
        let unmeasured = reason.map(|reason| {
            let short: String = reason.detail.chars().take(60).collect();
            format!("unmeasured: {short}")
        });
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<20} {level:<5} {:<8} {:>7} {:>7} {:>7}  {}",
            primitive.id(),
            interval.unwrap_or_default(),
            counts[0],
            counts[1],
            counts[2],
            unmeasured.or(note).unwrap_or_default(),
        );
    }
    let known =
        |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
    let tokens = &profile.cost.total_tokens;
    let seconds = profile.cost.duration_ms.unwrap_or_default() / 1e3;
    let _ = writeln!(
        text,
        "\n{} primitives measured in {seconds:.1} s; tokens read: {}, written: {}{}",
        profile.levels().count(),
        known(tokens.input),
        known(tokens.output),
        if profile.is_partial { "; the profile is partial" } else { "" },
    );
    text
}

/// How well planted profiles come back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// Share of primitives whose level is exactly the planted one.
    pub exact: f64,
    /// Judged instances of a primitive, on average.
    pub instances_per_primitive: f64,
    /// Share of primitives that the original's rule gets exactly, on the same outcomes: three instances a level
    /// that must all pass, and the highest such level counts.
    pub original_rule_exact: f64,
    /// What came back otherwise, in words.
    pub wrong: Vec<String>,
}

/// A profile of random levels.
#[must_use]
pub fn random_profile(seed: u64) -> CapabilityProfile {
    const LEVELS: [Level; 4] = [Level::L0, Level::L1, Level::L2, Level::L3];
    let target = Target::new("simulated", BARE_AGENT);
    let blank = CapabilityProfile::new(&target, "1970-01-01T00:00:00Z");
    Primitive::ALL.into_iter().fold(blank, |profile, primitive| {
        let drawn = instance_seed(seed, primitive, Level::L0, 0) % 4;
        profile.with_level(primitive, LEVELS[drawn as usize])
    })
}

/// Plants random profiles in simulated models and measures them through the bare agent.
///
/// # Errors
/// [`Stop::Failed`] when a measurement cannot be carried out, or leaves a primitive unmeasured.
pub async fn recover(
    profiles: usize,
    success: f64,
    failure: f64,
    seed: u64,
    told: impl Fn(usize),
) -> Result<Recovery, Stop> {
    let (mut exact, mut judged, mut original, mut all) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut wrong = Vec::new();
    let measure = |at: usize| {
        // Seeds of measurements lie far from each other.
        let seed = instance_seed(seed, Primitive::GenRegex, Level::L0, at as u32);
        let planted = random_profile(seed);
        let model = move |planted: &CapabilityProfile| {
            SimulatedModel::new("simulated", planted.clone(), seed).with_chances(success, failure)
        };
        tokio::spawn(async move {
            let harness = agent(model(&planted)).with_tool(Arc::new(SimulatedBrowser::new()));
            let run = profiler(Arc::new(harness), "simulated").with_seed(seed).run().await;
            (model(&planted), planted, run)
        })
    };
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let mut runs = futures::stream::iter((0..profiles).map(measure)).buffer_unordered(workers);
    while let Some(run) = runs.next().await {
        let (model, planted, run) = run.map_err(|error| Stop::Failed(error.into()))?;
        let run = run?;
        judged += u64::from(run.judged);
        for (primitive, level) in planted.levels() {
            all += 1;
            let found = run.profile.level(primitive);
            if found.is_none() {
                let reason = run.profile.unmeasured(primitive).map(|r| r.detail.clone());
                let reason = reason.unwrap_or_default();
                return Err(Stop::Failed(format!("{primitive} was not measured: {reason}").into()));
            }
            if found == Some(level) {
                exact += 1;
            } else {
                wrong.push(format!("{primitive}: planted {level}, measured {found:?}"));
            }
            original += u64::from(by_original_rule(&model, primitive) == level);
        }
        told((all / Primitive::COUNT as u64) as usize);
    }
    let share = |count: u64| count as f64 / all.max(1) as f64;
    Ok(Recovery {
        exact: share(exact),
        instances_per_primitive: share(judged),
        original_rule_exact: share(original),
        wrong,
    })
}

/// The level that the original's rule gives on the outcomes of this model.
fn by_original_rule(model: &SimulatedModel, primitive: Primitive) -> Level {
    let passes = |level: &Level| (0..3).all(|number| model.passes(primitive, *level, number));
    Level::DEMANDS.into_iter().rfind(passes).unwrap_or(Level::L0)
}
