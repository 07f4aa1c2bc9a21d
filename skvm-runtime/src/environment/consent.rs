//! Asking before anything is done.

use std::path::Path;

use async_trait::async_trait;
use skvm_core::artifact::{Action, Scope};

/// What is about to be done.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConsentRequest<'a> {
    /// The folder of the skill's own environment.
    pub folder: &'a Path,
    /// The actions, each with its program and arguments as they will run. What is there already is not
    /// among them.
    pub actions: &'a [&'a Action],
}

/// The answer for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may run.
    Allow,
    /// It must not, and why.
    Deny(String),
}

/// Decides whether actions may run: a policy, or a question to a person.
///
/// Any `Fn(&ConsentRequest) -> Vec<Decision>` is one, and so is [`ConsentPolicy`]. An implementation that
/// asks a person looks like this:
///
/// ```
/// use async_trait::async_trait;
/// use skvm_core::artifact::Scope;
/// use skvm_runtime::environment::{Consent, ConsentRequest, Decision};
///
/// struct AskForTheMachine;
///
/// #[async_trait]
/// impl Consent for AskForTheMachine {
///     async fn review(&self, request: &ConsentRequest<'_>) -> Vec<Decision> {
///         let decide = |scope| match scope {
///             Scope::Skill => Decision::Allow,
///             Scope::Machine => Decision::Deny("nobody is there to ask".into()),
///         };
///         request.actions.iter().map(|action| decide(action.scope)).collect()
///     }
/// }
///
/// let consent: Box<dyn Consent> = Box::new(AskForTheMachine);
/// # drop(consent);
/// ```
#[async_trait]
pub trait Consent: Send + Sync {
    /// One decision for each action, in their order. An action without one is denied.
    async fn review(&self, request: &ConsentRequest<'_>) -> Vec<Decision>;
}

const _: fn(&dyn Consent) = |_| {};

#[async_trait]
impl<F> Consent for F
where
    F: Fn(&ConsentRequest<'_>) -> Vec<Decision> + Send + Sync,
{
    async fn review(&self, request: &ConsentRequest<'_>) -> Vec<Decision> {
        self(request)
    }
}

/// A consent that is given beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentPolicy {
    skill: bool,
    machine: bool,
}

impl ConsentPolicy {
    /// Nothing may run: what is missing is told.
    #[must_use]
    pub fn nothing() -> Self {
        Self { skill: false, machine: false }
    }

    /// What stays in the skill's own environment may run.
    #[must_use]
    pub fn own_environment() -> Self {
        Self { skill: true, machine: false }
    }

    /// Everything may run, also what changes the machine.
    #[must_use]
    pub fn everything() -> Self {
        Self { skill: true, machine: true }
    }
}

#[async_trait]
impl Consent for ConsentPolicy {
    async fn review(&self, request: &ConsentRequest<'_>) -> Vec<Decision> {
        let decide = |action: &&Action| match action.scope {
            Scope::Skill if self.skill => Decision::Allow,
            Scope::Machine if self.machine => Decision::Allow,
            Scope::Skill => Decision::Deny("the policy allows no installation".to_owned()),
            Scope::Machine => Decision::Deny("the policy keeps the machine as it is".to_owned()),
        };
        request.actions.iter().map(decide).collect()
    }
}
