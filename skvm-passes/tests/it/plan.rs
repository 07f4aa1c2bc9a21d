//! Plans: what is to be done on a machine, in which order, with which words, and what is left to a person.

mod form;
mod hosts;
mod laws;
mod pass;
mod python;
mod system;
mod values;

use skvm_core::artifact::{EnvironmentPlan, Scope, Word};
use skvm_core::host::HostFacts;
use skvm_core::skill::Skill;
use skvm_passes::code;
use skvm_passes::environment::{self, PlanOptions};

use crate::samples;

use form::assert_form;
pub(crate) use hosts::{everything, linux, mac, plain_root, root};

pub(crate) fn planned(skill: &Skill, host: &HostFacts) -> EnvironmentPlan {
    planned_with(skill, host, &PlanOptions::default())
}

/// The plan for a skill. What holds of every plan is checked on the way.
pub(crate) fn planned_with(
    skill: &Skill,
    host: &HostFacts,
    options: &PlanOptions,
) -> EnvironmentPlan {
    let dependencies = environment::dependencies(skill, &code::analyze(skill));
    let plan = environment::plan(&dependencies, host, options);
    assert_form(&plan);
    plan
}

/// The plan for what a shell block of a text installs and runs.
fn of_shell(code: &str, host: &HostFacts) -> EnvironmentPlan {
    planned(&shell(code), host)
}

fn shell(code: &str) -> Skill {
    samples::skill(&format!("# Demo\n\n```bash\n{code}\n```\n"))
}

/// The plan for a requirements file.
fn of_requirements(text: &str, host: &HostFacts) -> EnvironmentPlan {
    planned(&samples::bundled("# Demo\n", &[("requirements.txt", text)]), host)
}

/// A word as a reader sees it: what lies in the environment begins with `ENV/`.
pub(crate) fn shown(word: &Word) -> String {
    match word {
        Word::Text(text) => text.clone(),
        Word::InEnvironment(path) => format!("ENV/{path}"),
    }
}

/// The plan in lines: `id: argv`, with a `?` behind what is optional and a `!` in front of what changes
/// the machine; then `manual dependency reason`.
fn lines(plan: &EnvironmentPlan) -> Vec<String> {
    let mark = |optional: bool| if optional { "?" } else { "" };
    let actions = plan.actions.iter().map(|action| {
        let argv: Vec<String> = action.argv.iter().map(shown).collect();
        let scope = if action.scope == Scope::Machine { "!" } else { "" };
        format!("{scope}{}{}: {}", action.id, mark(action.optional), argv.join(" "))
    });
    let manual = plan
        .manual
        .iter()
        .map(|step| format!("manual {} {:?}{}", step.dependency, step.reason, mark(step.optional)));
    actions.chain(manual).collect()
}
