//! Diagnoses: why something went wrong, and what could be done about it.

use serde::{Deserialize, Serialize};
use skvm_core::artifact::DependencyKind;
use skvm_core::capability::{Level, Primitive, Requirements};
use skvm_core::digest::Digest;
use skvm_core::failure::{Advice, FailureClass, Lesson, Lessons};
use skvm_core::skill::Skill;
use skvm_passes::code::{placeholders_in, shell_commands};
use skvm_passes::variant::Variant;

use super::change::{Change, language_of};
use super::symptom::{Symptom, SymptomKind};

/// Why something went wrong in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The class.
    pub class: FailureClass,
    /// What it is about, in words that stay the same from run to run.
    pub subject: String,
    /// Why, in one sentence for people.
    pub cause: String,
    /// What could be learned from it, each a way by itself, the most direct first.
    pub remedies: Vec<Lessons>,
    /// What a person has to do, where nobody else can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What shows it.
    pub symptom: Symptom,
}

impl Diagnosis {
    /// Names the failure: the same in every session where it comes again.
    #[must_use]
    pub fn signature(&self) -> Digest {
        Digest::builder("failure")
            .field(self.class.as_str().as_bytes())
            .field(self.subject.as_bytes())
            .finish()
    }
}

/// Diagnoses the symptoms of one session: each failure once. Symptoms of another one that is explained are left out: a
/// call that was tried again for want of a module is no loop, and that the outcome was wrong then is no wonder.
///
/// The subject of a diagnosis comes out of what tools printed; lessons take from it only what stands in the skill or in
/// a call that worked.
#[must_use]
pub fn diagnose(symptoms: &[Symptom], skill: &Skill, variant: Option<&Variant>) -> Vec<Diagnosis> {
    let case = Case { skill, variant };
    let mut found: Vec<Diagnosis> = Vec::new();
    for symptom in symptoms {
        let is_secondary = matches!(
            symptom.kind,
            SymptomKind::Retry
                | SymptomKind::Loop
                | SymptomKind::TurnLimit
                | SymptomKind::RunTimeout
        ) || (symptom.kind == SymptomKind::Correction
            && symptom.subject.is_none());
        let is_explained = found.iter().any(|one| one.class != FailureClass::Unknown);
        if symptom.kind == SymptomKind::Retry || (is_secondary && is_explained) {
            continue;
        }
        let diagnosis = case.diagnose(symptom);
        let signature = diagnosis.signature();
        match found.iter_mut().find(|known| known.signature() == signature) {
            // The one with a recovery tells more.
            Some(known) if known.remedies.len() < diagnosis.remedies.len() => *known = diagnosis,
            Some(_) => {}
            None => found.push(diagnosis),
        }
    }
    found
}

/// Longest subject, in characters.
const MAX_SUBJECT: usize = 200;

struct Case<'a> {
    skill: &'a Skill,
    variant: Option<&'a Variant>,
}

impl Case<'_> {
    fn diagnose(&self, symptom: &Symptom) -> Diagnosis {
        let subject = symptom.subject.as_deref().unwrap_or("");
        if let Some(diagnosis) = self.placeholder(symptom) {
            return diagnosis;
        }
        if let Some(diagnosis) = self.wrong_interpreter(symptom) {
            return diagnosis;
        }
        match symptom.kind {
            SymptomKind::MissingModule => self.missing_module(symptom, subject),
            SymptomKind::MissingPackage => {
                self.missing(symptom, DependencyKind::Npm, subject, "npm package")
            }
            SymptomKind::MissingProgram => self.missing_program(symptom, subject),
            SymptomKind::MissingFile => self.missing_file(symptom, subject),
            SymptomKind::PermissionRefused => self.no_permission(symptom, subject),
            SymptomKind::MissingKey if subject.is_empty() => self.person(
                symptom,
                "credentials",
                "a server did not accept the credentials",
                "check the key or the account that the skill uses",
            ),
            SymptomKind::MissingKey => self.person(
                symptom,
                subject,
                &format!("the variable {subject} is not set"),
                &format!("set {subject} in the environment of the agent's commands"),
            ),
            SymptomKind::PolicyRefused => self.person(
                symptom,
                &format!("policy {subject}"),
                &format!("the harness's policy refuses {subject}"),
                "allow it in the policy, or take it out of the skill",
            ),
            SymptomKind::NetworkRefused | SymptomKind::Infrastructure => {
                let cause = "the network, a server or the provider failed";
                Diagnosis { help: None, ..self.person(symptom, "network", cause, "") }
                    .with_class(FailureClass::FlakyNetwork)
            }
            SymptomKind::InvalidArguments => self.above(
                symptom,
                FailureClass::FormatAboveAbility,
                Primitive::ToolCallFormat,
                "calls did not have the form of the tool",
                &[Advice::Arguments],
            ),
            SymptomKind::WrongUsage => self.wrong_fact(symptom, subject),
            SymptomKind::CallTimeout => self.advised(
                symptom,
                FailureClass::TooLong,
                "call",
                "a call took longer than it may",
                &[Advice::MoreTime],
            ),
            SymptomKind::TooLong | SymptomKind::Truncated => self.above(
                symptom,
                FailureClass::TooLong,
                Primitive::GenTextLong,
                "an answer or an input was longer than the target can take",
                &[Advice::InParts],
            ),
            SymptomKind::Loop | SymptomKind::TurnLimit | SymptomKind::RunTimeout => self.above(
                symptom,
                FailureClass::ProcedureAboveAbility,
                Primitive::FollowProcedure,
                "steps were repeated and did not come to an end",
                &[Advice::Bounded, Advice::EveryStep],
            ),
            SymptomKind::Correction => self.corrected(symptom),
            SymptomKind::NonZeroExit
            | SymptomKind::ToolError
            | SymptomKind::WrongLanguage
            | SymptomKind::Filtered
            | SymptomKind::Retry => self.unknown(symptom),
        }
    }

    fn made(
        &self,
        symptom: &Symptom,
        class: FailureClass,
        subject: &str,
        cause: impl Into<String>,
        remedies: Vec<Lessons>,
    ) -> Diagnosis {
        Diagnosis {
            class,
            subject: subject.chars().take(MAX_SUBJECT).collect(),
            cause: cause.into(),
            remedies,
            help: None,
            symptom: symptom.clone(),
        }
    }

    fn unknown(&self, symptom: &Symptom) -> Diagnosis {
        let subject = format!("{} {}", symptom.tool, symptom.message);
        let told = self.made(
            symptom,
            FailureClass::Unknown,
            &subject,
            format!("not known: {}", symptom.message),
            Vec::new(),
        );
        Diagnosis { help: Some("look at the traces of these sessions".to_owned()), ..told }
    }

    fn person(&self, symptom: &Symptom, subject: &str, cause: &str, help: &str) -> Diagnosis {
        let class = FailureClass::MissingPermission;
        let told = self.made(symptom, class, subject, cause, Vec::new());
        Diagnosis { help: Some(help.to_owned()), ..told }
    }

    fn advised(
        &self,
        symptom: &Symptom,
        class: FailureClass,
        subject: &str,
        cause: &str,
        advice: &[Advice],
    ) -> Diagnosis {
        let remedies =
            advice.iter().map(|advice| Lessons::from([Lesson::Advice { advice: *advice }]));
        self.made(symptom, class, subject, cause, remedies.collect())
    }

    /// Something above the target's ability: its level is lowered, and behind that come sentences.
    fn above(
        &self,
        symptom: &Symptom,
        class: FailureClass,
        primitive: Primitive,
        cause: &str,
        advice: &[Advice],
    ) -> Diagnosis {
        let mut diagnosis = self.advised(symptom, class, primitive.id(), cause, advice);
        diagnosis.remedies.splice(0..0, self.ability(primitive));
        diagnosis
    }

    /// What lowers a primitive, at the level that the skill demands. The counts are put in when it is tried.
    fn ability(&self, primitive: Primitive) -> Option<Lessons> {
        let requirements = self.variant?.artifacts().get::<Requirements>().ok()??;
        let level = requirements.by_primitive().get(&primitive).copied()?;
        let level = level.max(Level::L2);
        let lesson = Lesson::Ability { primitive, level, successes: 0, failures: 0 };
        Some(Lessons::from([lesson]))
    }

    /// What was left to fill in was taken as it stands.
    fn placeholder(&self, symptom: &Symptom) -> Option<Diagnosis> {
        if matches!(symptom.kind, SymptomKind::NetworkRefused | SymptomKind::PolicyRefused) {
            return None;
        }
        let call = symptom.call.as_deref()?;
        let text = self.text();
        let found = placeholders_in(call).into_iter().find_map(|placeholder| {
            let written = placeholder.span.text(call);
            text.contains(written).then(|| written.to_owned())
        })?;
        let diagnosis = self.above(
            symptom,
            FailureClass::BadPlaceholder,
            Primitive::GenCodeShell,
            &format!("{found} was not filled in"),
            &[Advice::FillIn],
        );
        Some(Diagnosis { subject: found, ..diagnosis })
    }

    /// What the agent had before it.
    fn text(&self) -> &str {
        self.variant.map_or(self.skill.source(), Variant::text)
    }

    /// A script of the skill's own that a program of another language was to run, or that cannot be executed.
    fn wrong_interpreter(&self, symptom: &Symptom) -> Option<Diagnosis> {
        let call = symptom.call.as_deref().filter(|_| {
            matches!(
                symptom.kind,
                SymptomKind::WrongLanguage
                    | SymptomKind::PermissionRefused
                    | SymptomKind::NonZeroExit
            )
        })?;
        let bundle = self.skill.bundle();
        for command in shell_commands(call).commands {
            let own = command.arguments.iter().find_map(|word| bundle.resolve(word));
            let own = own.and_then(|own| Some((own.file, own.file.interpreter()?)));
            if let Some((file, interpreter)) = own
                && let Some(is) = language_of(&command.program)
                && language_of(interpreter) != Some(is)
            {
                let cause = format!("{} does not run {}", command.program, file.path());
                let lesson = Lesson::Script { file: file.path().to_owned() };
                let class = FailureClass::WrongInterpreter;
                return Some(self.made(symptom, class, file.path(), cause, vec![[lesson].into()]));
            }
        }
        None
    }

    fn missing(
        &self,
        symptom: &Symptom,
        dependency: DependencyKind,
        name: &str,
        what: &str,
    ) -> Diagnosis {
        let lesson = Lesson::Dependency { dependency, name: name.to_owned() };
        let cause = format!("the {what} {name} is not there");
        let class = FailureClass::MissingDependency;
        let told = self.made(symptom, class, name, cause, vec![[lesson].into()]);
        let help =
            format!("set up the skill's environment, or install {name} where the agent works");
        Diagnosis { help: Some(help), ..told }
    }

    fn missing_module(&self, symptom: &Symptom, module: &str) -> Diagnosis {
        let top = module.split('.').next().unwrap_or(module);
        let file = format!("{top}.py");
        let own = self.skill.bundle().files().iter().find(|one| one.name() == file);
        match own {
            // It is found when the script that imports it is run from where it lies.
            Some(own) => {
                let cause = format!("{} is not found from where it is imported", own.path());
                let help = "import it relative to the script that needs it".to_owned();
                let class = FailureClass::WrongPath;
                let told = self.made(symptom, class, own.path(), cause, Vec::new());
                Diagnosis { help: Some(help), ..told }
            }
            None => self.missing(symptom, DependencyKind::Python, top, "Python module"),
        }
    }

    fn missing_program(&self, symptom: &Symptom, program: &str) -> Diagnosis {
        if let Some(own) = self.skill.bundle().resolve(program) {
            let lesson = Lesson::Script { file: own.file.path().to_owned() };
            let cause = format!("{} is a script of the skill, and no program", own.file.path());
            let class = FailureClass::WrongPath;
            return self.made(symptom, class, own.file.path(), cause, vec![[lesson].into()]);
        }
        // Another name of the same program, which most machines have.
        let other = OTHER_NAMES.iter().find(|(name, _)| *name == program).map(|(_, other)| *other);
        if let Some(other) = other {
            let cause = format!("the program is called {other} here, and not {program}");
            let lesson = Lesson::Word {
                program: program.to_owned(),
                written: program.to_owned(),
                instead: other.to_owned(),
            };
            let class = FailureClass::WrongInterpreter;
            return self.made(symptom, class, program, cause, vec![[lesson].into()]);
        }
        self.missing(symptom, DependencyKind::Program, program, "program")
    }

    fn missing_file(&self, symptom: &Symptom, path: &str) -> Diagnosis {
        let bundle = self.skill.bundle();
        let class = FailureClass::WrongPath;
        let own = bundle.resolve(path);
        let as_called = self.called_as(symptom, path);
        if let Some(own) = own {
            let file = own.file.path().to_owned();
            let cause = format!("{file} was looked for as {as_called}");
            let named = Lesson::Path { written: as_called, file: file.clone() };
            let run = Lesson::Script { file: file.clone() };
            return self.made(symptom, class, &file, cause, vec![[named].into(), [run].into()]);
        }
        if self.names_program(path) {
            return self.missing(symptom, DependencyKind::Program, path, "program");
        }
        let Some(change) = Change::of(symptom) else { return self.unknown(symptom) };
        let is_written = self.skill.source().contains(&change.before);
        match bundle.resolve(&change.after) {
            // The skill names a file that it does not have, and the agent found the one that is meant.
            Some(own) if is_written => {
                let file = own.file.path().to_owned();
                let cause = format!("{} does not exist; {file} is meant", change.before);
                let named = Lesson::Path { written: change.before.clone(), file: file.clone() };
                self.made(symptom, class, &change.before, cause, vec![[named].into()])
            }
            // What the user's file is called in one session is no fact about the skill.
            _ => self.unknown(symptom),
        }
    }

    /// Whether what a script did not find is a program that it starts: a bare word that stands in quotes in one of the
    /// skill's scripts.
    fn names_program(&self, word: &str) -> bool {
        let is_bare = !word.is_empty() && !word.contains(['/', '.', ' ']);
        let files = self.skill.bundle().files().iter();
        let mut scripts = files.filter(|file| file.interpreter().is_some());
        is_bare
            && scripts.any(|file| {
                let text = file.text().unwrap_or("");
                ['"', '\''].iter().any(|mark| text.contains(&format!("{mark}{word}{mark}")))
            })
    }

    /// How a file is written in the call that did not find it.
    fn called_as(&self, symptom: &Symptom, path: &str) -> String {
        let call = symptom.call.as_deref().unwrap_or("");
        let words = call.split(|c: char| c.is_whitespace() || "\"'".contains(c));
        let words = words.filter(|word| !word.is_empty() && path.ends_with(*word));
        words.max_by_key(|word| word.len()).unwrap_or(path).to_owned()
    }

    fn no_permission(&self, symptom: &Symptom, path: &str) -> Diagnosis {
        let own = self.skill.bundle().resolve(path).filter(|own| own.file.interpreter().is_some());
        if let Some(own) = own {
            let file = own.file.path().to_owned();
            let cause = format!("{file} may not be executed by itself");
            let lesson = Lesson::Script { file: file.clone() };
            let class = FailureClass::WrongInterpreter;
            return self.made(symptom, class, &file, cause, vec![[lesson].into()]);
        }
        let about = if path.is_empty() { "permission" } else { path };
        let cause = format!("the system does not permit it: {}", symptom.message);
        self.person(symptom, about, &cause, "permit it to the agent, or take it out of the skill")
    }

    /// The skill tells a word that a program does not know. What it should be, only a call that worked tells.
    fn wrong_fact(&self, symptom: &Symptom, word: &str) -> Diagnosis {
        let bare = |word: &str| word.trim_start_matches('-').to_owned();
        let found = shell_commands(symptom.call.as_deref().unwrap_or("")).commands;
        let found = found.into_iter().find_map(|command| {
            let mut words = command.arguments.iter().filter_map(|word| word.split('=').next());
            let written = words.find(|one| !word.is_empty() && bare(one) == bare(word))?.to_owned();
            Some((command.program, written))
        });
        let Some((program, written)) = found else { return self.unknown(symptom) };
        if !self.text().contains(&written) {
            return self.unknown(symptom);
        }
        let change = Change::of(symptom).filter(|it| {
            it.program == program && it.before == written && it.is_correction(self.skill)
        });
        match change {
            Some(change) if self.skill.source().contains(&change.before) => {
                self.replaced(symptom, &change)
            }
            _ => {
                let class = FailureClass::WrongFact;
                let cause = format!("{program} does not know {written}");
                let subject = format!("{program} {written}");
                let told = self.made(symptom, class, &subject, cause, Vec::new());
                let help = format!("correct what the skill says about {program}");
                Diagnosis { help: Some(help), ..told }
            }
        }
    }

    fn replaced(&self, symptom: &Symptom, change: &Change) -> Diagnosis {
        let Change { program, before, after, .. } = change;
        let cause = format!("{program} takes {after}, and not {before}");
        let subject = format!("{program} {before}");
        let lesson = Lesson::Word {
            program: program.clone(),
            written: before.clone(),
            instead: after.clone(),
        };
        let class = FailureClass::WrongFact;
        let told = self.made(symptom, class, &subject, cause, vec![[lesson].into()]);
        let help = format!("correct what the skill says about {program}");
        Diagnosis { help: Some(help), ..told }
    }

    fn corrected(&self, symptom: &Symptom) -> Diagnosis {
        let class = symptom.subject.as_deref();
        let class = FailureClass::ALL.into_iter().find(|one| Some(one.as_str()) == class);
        match class {
            Some(FailureClass::FormatAboveAbility) => self.above(
                symptom,
                FailureClass::FormatAboveAbility,
                Primitive::FollowFormat,
                "answers did not have the form that was asked for",
                &[Advice::AnswerOnly],
            ),
            Some(FailureClass::ProcedureAboveAbility) => self.above(
                symptom,
                FailureClass::ProcedureAboveAbility,
                Primitive::FollowProcedure,
                "steps were left out or done in another order",
                &[Advice::EveryStep, Advice::Bounded],
            ),
            Some(FailureClass::TooLong) => self.above(
                symptom,
                FailureClass::TooLong,
                Primitive::GenTextLong,
                "answers were too long",
                &[Advice::InParts],
            ),
            Some(FailureClass::BadPlaceholder) => self.above(
                symptom,
                FailureClass::BadPlaceholder,
                Primitive::GenCodeShell,
                "something was not filled in",
                &[Advice::FillIn],
            ),
            Some(class) => Diagnosis { class, ..self.unknown(symptom) },
            None => self.unknown(symptom),
        }
    }
}

impl Diagnosis {
    fn with_class(self, class: FailureClass) -> Self {
        Self { class, ..self }
    }
}

/// Programs that are called otherwise on many machines.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("python", "python3"),
    ("python3", "python"),
    ("pip", "pip3"),
    ("nodejs", "node"),
    ("bash", "sh"),
];
