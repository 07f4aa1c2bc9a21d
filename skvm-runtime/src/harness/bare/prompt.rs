//! What the model is told before the conversation.

use std::fmt::Write as _;
use std::path::Path;

use skvm_core::harness::{SkillMode, SkillView, ToolOffer};

use super::files::skill_location;

const WITH_TOOLS: &str = "You carry out the user's task with the tools that you are given. Call a tool \
    when you need one; when the task is done, answer in words and call no tool.\n";
const WITHOUT_TOOLS: &str = "You carry out the user's task. Answer in words; there are no tools.\n";

pub(super) fn system(skill: Option<&SkillView>, tools: &ToolOffer, workdir: &Path) -> String {
    let mut prompt = match tools {
        ToolOffer::Own => {
            let place = workdir.display();
            format!("{WITH_TOOLS}Your working directory is {place}. Relative paths start there.\n")
        }
        ToolOffer::Only(_) => WITH_TOOLS.to_owned(),
        ToolOffer::None => WITHOUT_TOOLS.to_owned(),
    };
    let Some(skill) = skill else { return prompt };
    // Writing to a string cannot fail.
    let _ = match skill.mode {
        SkillMode::Inject => {
            let folder = skill
                .root
                .as_ref()
                .map(|root| format!("Files that the skill speaks of lie in {}.\n", root.display()));
            write!(
                prompt,
                "\nFollow this skill where it fits the task.\n{}<skill name=\"{}\">\n{}\n</skill>\n",
                folder.unwrap_or_default(),
                skill.name,
                skill.text
            )
        }
        SkillMode::Discover => write!(
            prompt,
            "\nThis skill is there; if it fits the task, read it with read_file before you start.\n\
             - {}: {}\n  file: {}\n",
            skill.name,
            skill.description,
            skill_location(skill).display()
        ),
    };
    prompt
}
