//! The plan as POSIX shell scripts, for people and for harnesses without this library.

use std::fmt::Write as _;

use skvm_core::artifact::{Action, Check, EnvironmentPlan, ManualStep, Word};

/// Three scripts out of one plan; see [`scripts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentScripts {
    /// Tells what is there and what is missing; changes nothing. Ends with status 1 when something
    /// that the skill cannot do without is missing.
    pub check: String,
    /// Does what is to be done. Ends with status 1 when an action failed that the skill cannot do
    /// without. Run again it does nothing.
    pub setup: String,
    /// Verifies what was done: imports every module, asks programs for their versions. Ends with
    /// status 1 when something that the skill cannot do without does not work.
    pub verify: String,
}

impl EnvironmentScripts {
    /// The scripts with the names of their files.
    #[must_use]
    pub fn files(&self) -> [(&'static str, &str); 3] {
        [
            ("env-check.sh", &self.check),
            ("env-setup.sh", &self.setup),
            ("env-verify.sh", &self.verify),
        ]
    }
}

/// The scripts of a plan. They run in any POSIX shell, take no arguments, and use the folder that
/// `SKVM_ENVIRONMENT` names, else one below the user's data folder.
///
/// Every value of the plan stands in single quotes, so that no part of it is read as code, and behind
/// the words that the plan puts in front of it.
#[must_use]
pub fn scripts(plan: &EnvironmentPlan) -> EnvironmentScripts {
    EnvironmentScripts { check: check(plan), setup: setup(plan), verify: verify(plan) }
}

/// Nothing is run where the script is called, which may be the skill's own folder: `python -m` would take
/// modules from there, uv its settings.
const AWAY: &str = "cd -- \"$env_dir\" 2>/dev/null || cd / || exit 1\n\n";

/// Actions that are done for their own sake.
fn ends(plan: &EnvironmentPlan) -> impl Iterator<Item = (usize, &Action)> {
    plan.actions.iter().enumerate().filter(|(_, action)| !plan.is_preparation(&action.id))
}

fn check(plan: &EnvironmentPlan) -> String {
    let mut script = head(plan, "Tells what a skill finds on this machine; changes nothing.");
    script.push_str(AWAY);
    for (at, action) in ends(plan) {
        function(&mut script, &format!("_check_{at}"), &action.check);
    }
    for (at, action) in ends(plan) {
        told(&mut script, &format!("_check_{at}"), &what(action), action.optional, "to be set up");
    }
    manual(&mut script, plan);
    script.push_str("exit \"$status\"\n");
    script
}

fn verify(plan: &EnvironmentPlan) -> String {
    let mut script = head(plan, "Verifies what was set up for a skill on this machine.");
    script.push_str(AWAY);
    for (at, action) in ends(plan) {
        function(&mut script, &format!("_verify_{at}"), &action.verify);
    }
    for (at, action) in ends(plan) {
        told(
            &mut script,
            &format!("_verify_{at}"),
            &what(action),
            action.optional,
            "does not work",
        );
    }
    manual(&mut script, plan);
    script.push_str("exit \"$status\"\n");
    script
}

fn setup(plan: &EnvironmentPlan) -> String {
    let mut script = head(plan, "Sets up what a skill needs on this machine. Safe to run again.");
    if plan.has_own_environment() {
        script.push_str("umask 077\nmkdir -p -- \"$env_dir\" || exit 1\n");
    }
    script.push_str(AWAY);
    for (at, action) in plan.actions.iter().enumerate() {
        function(&mut script, &format!("_check_{at}"), &action.check);
        function(&mut script, &format!("_verify_{at}"), &action.verify);
        let _ = writeln!(script, "_do_{at}() {{\n    _check_{at} && return 0");
        for before in &action.after {
            let Some(before) = plan.actions.iter().position(|a| a.id == *before) else { continue };
            let _ = writeln!(script, "    _do_{before} || return 1");
        }
        let _ = writeln!(script, "    _say {}", quoted(&format!("doing: {}", what(action))));
        let variables: String = action
            .variables
            .iter()
            .filter(|(name, _)| is_variable(name))
            .map(|(name, value)| format!("{name}={} ", word(value)))
            .collect();
        let _ = writeln!(script, "    {variables}{} </dev/null || return 1", command(&action.argv));
        let _ = writeln!(script, "    _verify_{at}\n}}\n");
    }
    for (at, action) in ends(plan) {
        told(
            &mut script,
            &format!("_do_{at}"),
            &what(action),
            action.optional,
            "could not be set up",
        );
    }
    if !plan.manual.is_empty() {
        script.push_str("done_status=$status\n");
        manual(&mut script, plan);
        script.push_str("exit \"$done_status\"\n");
    } else {
        script.push_str("exit \"$status\"\n");
    }
    script
}

fn head(plan: &EnvironmentPlan, purpose: &str) -> String {
    let digest = plan.digest().short();
    let path: Vec<String> =
        plan.path_entries().iter().map(|entry| format!("$env_dir/{entry}")).collect();
    let mut script = format!(
        "#!/bin/sh\n# {purpose}\n# Made from the environment plan {digest}.\nset -u\n\
         env_dir=${{SKVM_ENVIRONMENT:-${{XDG_DATA_HOME:-${{HOME:-.}}/.local/share}}/skvm/environments/{digest}}}\n\
         case $env_dir in /*) ;; *) env_dir=$PWD/$env_dir ;; esac\n"
    );
    let _ = writeln!(script, "PATH={}:$PATH", path.join(":"));
    script.push_str(
        "export PATH\n\
         status=0\n\
         _say() { printf '%s\\n' \"$1\" >&2; }\n\n",
    );
    script
}

/// A function that succeeds when all checks hold, and says nothing. The names of functions begin with
/// `_`, which those of programs do not: `command -v` finds functions as well.
fn function(script: &mut String, name: &str, checks: &[Check]) {
    let _ = writeln!(script, "{name}() {{");
    for check in checks {
        let _ = writeln!(script, "    {} || return 1", test(check));
    }
    script.push_str("    return 0\n}\n");
}

/// A command that succeeds when a check holds.
fn test(check: &Check) -> String {
    match check {
        Check::Run { argv, folder } => match folder {
            Some(folder) => format!(
                "(cd -- {} 2>/dev/null && {} </dev/null >/dev/null 2>&1)",
                word(folder),
                command(argv)
            ),
            None => format!("{} </dev/null >/dev/null 2>&1", command(argv)),
        },
        Check::Program { name, version } => {
            let found = format!("command -v -- {} >/dev/null 2>&1", quoted(name));
            match version.as_slice() {
                [] => found,
                words => {
                    // What it says of its version is of no account, only that it starts.
                    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                    format!(
                        "{{ {found} && {{ {} {} </dev/null >/dev/null 2>&1 || [ \"$?\" -lt 126 ]; }}; }}",
                        quoted(name),
                        words.join(" ")
                    )
                }
            }
        }
        // The one value that stands outside quotes.
        Check::Variable { name } if is_variable(name) => format!("[ -n \"${{{name}:-}}\" ]"),
        Check::Variable { .. } => "false".to_owned(),
        Check::File { path } => format!("[ -e {} ]", word(path)),
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Calls a function and says what came of it.
fn told(script: &mut String, function: &str, what: &str, optional: bool, failure: &str) {
    let outcome = |word: &str| quoted(&format!("{word}: {what}"));
    let (failed, consequence) = match optional {
        true => (outcome(&format!("{failure} (optional)")), ""),
        false => (outcome(failure), "; status=1"),
    };
    let _ = writeln!(
        script,
        "if {function}; then _say {}; else _say {failed}{consequence}; fi",
        outcome("ok")
    );
}

/// What is left to a person: told unless a check shows that it is done.
fn manual(script: &mut String, plan: &EnvironmentPlan) {
    for step in &plan.manual {
        let ManualStep { dependency, advice, optional, check, .. } = step;
        let open = if *optional { "open (optional)" } else { "open" };
        let open = quoted(&format!("{open}: {dependency}: {advice}"));
        let consequence = if *optional { "" } else { "; status=1" };
        let _ = match check {
            Some(check) => {
                let ok = quoted(&format!("ok: {dependency}"));
                let test = test(check);
                writeln!(script, "if {test}; then _say {ok}; else _say {open}{consequence}; fi")
            }
            // Only the person can tell.
            None => writeln!(script, "_say {open}"),
        };
    }
}

fn what(action: &Action) -> String {
    match action.dependencies.as_slice() {
        [] => action.id.clone(),
        dependencies => dependencies.join(", "),
    }
}

fn command(argv: &[Word]) -> String {
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn word(word: &Word) -> String {
    match word {
        Word::Text(text) => quoted(text),
        Word::InEnvironment(path) if path.is_empty() => "\"$env_dir\"".to_owned(),
        Word::InEnvironment(path) => format!("\"$env_dir\"/{}", quoted(path)),
    }
}

/// A text in single quotes, inside which a shell reads nothing. Control characters other than line ends
/// and tabs become `?`, as do those that turn the direction of a text: a terminal would read them.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("'\\''"),
            '\n' | '\t' => quoted.push(c),
            c if c.is_control() || is_direction(c) => quoted.push('?'),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// Whether a character breaks lines or turns the direction of what follows, and shows nothing itself.
fn is_direction(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}
