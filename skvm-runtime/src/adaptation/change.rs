//! What a call that worked had in the place of what did not.

use skvm_core::skill::Skill;
use skvm_passes::code::shell_commands;

use super::symptom::Symptom;
use crate::secret::holds_secret;

/// What language a program runs.
pub(super) fn language_of(program: &str) -> Option<&'static str> {
    match program {
        "python" | "python3" => Some("python"),
        "sh" | "bash" | "dash" | "zsh" => Some("shell"),
        "node" | "nodejs" => Some("javascript"),
        "ruby" => Some("ruby"),
        "perl" => Some("perl"),
        _ => None,
    }
}

/// The one word in which a call that worked differs from one that failed.
pub(super) struct Change {
    pub(super) program: String,
    /// The words of the command in front of it.
    front: Vec<String>,
    pub(super) before: String,
    pub(super) after: String,
}

/// Programs that run, fetch or reach what their words name: another word would be another program, package or host.
const REACHING: [&str; 36] = [
    "bun", "bunx", "curl", "deno", "doas", "docker", "env", "eval", "exec", "find", "ftp", "http",
    "nc", "nice", "nohup", "npm", "npx", "parallel", "pnpm", "pnpx", "podman", "rsync", "scp",
    "setsid", "sftp", "source", "ssh", "sudo", "telnet", "time", "timeout", "uv", "uvx", "watch",
    "wget", "xargs",
];

impl Change {
    /// Where exactly one word of one command was replaced by another; words are taken as the shell gives them.
    pub(super) fn of(symptom: &Symptom) -> Option<Self> {
        let (failed, worked) = (symptom.call.as_deref()?, &symptom.recovery.as_ref()?.call);
        let (failed, worked) = (shell_commands(failed).commands, shell_commands(worked).commands);
        for before in &failed {
            let same = worked.iter().filter(|after| after.program == before.program);
            for after in same.filter(|after| after.arguments.len() == before.arguments.len()) {
                let pairs = before.arguments.iter().zip(&after.arguments).enumerate();
                let mut differing = pairs.filter(|(_, (a, b))| a != b);
                if let (Some((at, (written, instead))), None) = (differing.next(), differing.next())
                {
                    let (written, instead) = without_value(written, instead);
                    return Some(Self {
                        program: before.program.clone(),
                        front: before.arguments.iter().take(at).cloned().collect(),
                        before: written.to_owned(),
                        after: instead.to_owned(),
                    });
                }
            }
        }
        None
    }

    /// Whether it is the kind of change that corrects what a skill says: an option for an option, or a word for a word of
    /// a program that only works with them. What a tool printed may have led the agent to the call that worked, so
    /// nothing that names a place or is run is taken from there.
    pub(super) fn is_correction(&self, skill: &Skill) -> bool {
        let is_option = |word: &str| word.starts_with('-');
        let name = |word: &str| word.trim_start_matches('-').to_owned();
        let is_plain = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        let are_plain = is_plain(&name(&self.before)) && is_plain(&name(&self.after));
        // What an interpreter is given first is what it runs.
        let is_behind_script = || {
            let own = |word: &String| skill.bundle().resolve(word).is_some();
            language_of(&self.program).is_none() || self.front.iter().any(own)
        };
        let is_alike = match (is_option(&self.before), is_option(&self.after)) {
            (true, true) => true,
            (false, false) => !REACHING.contains(&self.program.as_str()),
            _ => false,
        };
        are_plain && is_alike && is_behind_script() && !self.is_secret()
    }

    /// Whether the new word is the value of an option that takes a key or a password.
    fn is_secret(&self) -> bool {
        let option = self.front.last().filter(|word| word.starts_with('-'));
        holds_secret(&self.after)
            || option.is_some_and(|option| holds_secret(&format!("{option}={}", self.after)))
    }
}

/// Two options without the value that both have: `--fmt=png` and `--format=png`.
fn without_value<'w>(before: &'w str, after: &'w str) -> (&'w str, &'w str) {
    match (before.split_once('='), after.split_once('=')) {
        (Some((before, one)), Some((after, other))) if one == other => (before, after),
        _ => (before, after),
    }
}
