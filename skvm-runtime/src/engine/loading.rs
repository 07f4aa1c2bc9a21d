//! Which variant a session gets: the life of variants.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use skvm_core::capability::CapabilityProfile;
use skvm_core::digest::Digest;
use skvm_core::failure::Lessons;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::{Manifest, Variant};
use tracing::warn;

use super::adapting::no_variant;
use super::{Compiled, EngineError, Event, SkVm, background};
use crate::adaptation::Decision;
use crate::life::{
    ActivationReason, Active, History, Line, LineHandle, LoadPolicy, Loaded, Read, SkillWatch,
    Standing,
};
use crate::store::{
    Collected, Keep, Materialized, Store, StoreError, StoreLimits, StoredRecord, materialize,
};

/// How often a change of a line is tried again when another process was first.
const MAX_TRIES: usize = 64;

impl SkVm {
    /// The variant to begin a session with: the active one of this skill, where it lies, for this target. When there is
    /// none yet, or the skill, the profile, the passes or the machine changed since, it is compiled now, once however
    /// many ask, in this process and others with the same store; or the previous one serves meanwhile, by
    /// [policy](super::SkVmBuilder::loading). While a new variant is on trial, part of the sessions get that: whose turn
    /// it is goes by the sessions that begin, so that what is loaded twice before a session is the same.
    ///
    /// Engines that share a store are to be configured alike: with other passes or another host, each would make its own
    /// variant the active one.
    ///
    /// # Errors
    /// [`EngineError`] when the skill cannot be compiled or the store fails.
    pub async fn load(&self, skill: &Arc<Skill>, target: &Target) -> Result<Loaded, EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        let line = handle.line(self.store_ref()).await?.value;
        self.tell_damage(None);
        let Some(line) = line else { return self.renew(skill, target, &handle).await };
        let Some(active) = &line.active else { return self.renew(skill, target, &handle).await };
        if line.pinned {
            return self.renew(skill, target, &handle).await;
        }
        if self.key_for(&handle, skill, target, &active.lessons).await? == active.key {
            if let Some(policy) = &self.0.adapt
                && let Some(trial) = &line.trial
                && handle.is_turn(trial, policy.trial_every)
                && let Some(variant) =
                    self.variant_of(&handle, &trial.fix.variant, skill, target).await?
            {
                return Ok(Loaded { variant, standing: Standing::Trial });
            }
            if let Some(variant) = self.previous(&handle, active).await? {
                return Ok(Loaded { variant, standing: Standing::Active });
            }
        }
        if self.0.loading == LoadPolicy::Previous
            && let Some(variant) = self.previous(&handle, active).await?
        {
            self.renew_in_background(skill, target, &handle);
            return Ok(Loaded { variant, standing: Standing::Stale });
        }
        self.renew(skill, target, &handle).await
    }

    /// Compiles in the background and activates, unless that is being done.
    fn renew_in_background(&self, skill: &Arc<Skill>, target: &Target, handle: &Arc<LineHandle>) {
        let Some(renewing) = handle.begin_renewing() else { return };
        let (vm, skill) = (self.clone(), Arc::clone(skill));
        let (target, handle) = (target.clone(), Arc::clone(handle));
        background::spawn(async move {
            if let Err(error) = vm.renew(&skill, &target, &handle).await {
                warn!(skill = skill.name(), %error, "a new variant could not be made ready");
            }
            drop(renewing);
        });
    }

    /// What is pinned; else what is current, compiled and activated if it is not.
    pub(super) async fn renew(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        handle: &LineHandle,
    ) -> Result<Loaded, EngineError> {
        for _ in 0..MAX_TRIES {
            let Read { revision, value } = handle.line(self.store_ref()).await?;
            let mut line = value.as_deref().cloned().unwrap_or_else(|| Line::new(skill, target));
            if line.pinned
                && let Some(pinned) = &line.active
            {
                if let Some(variant) = self.variant_of(handle, pinned, skill, target).await? {
                    return Ok(Loaded { variant, standing: Standing::Pinned });
                }
                warn!(
                    skill = skill.name(),
                    "the pinned variant is lost, and its source has changed"
                );
            }
            let lessons = line.lessons();
            let unit = self.unit(skill, target, &lessons).await?;
            let key = self.0.passes.key(&unit);
            let Compiled { variant, is_kept } = self.compiled(&unit, key).await?;
            let loaded = Loaded { variant: Arc::clone(&variant), standing: Standing::Active };
            if !is_kept {
                return Ok(loaded);
            }
            handle.keep(key, &variant);
            let active = Active::of(key, &variant, lessons);
            let is_same =
                |before: &Active| before.key == active.key && before.variant == active.variant;
            if line.active.as_ref().is_some_and(is_same) && !line.pinned {
                return Ok(loaded);
            }
            let reason = match &line.active {
                None => ActivationReason::First,
                Some(before) if before.key == key => ActivationReason::Rebuilt,
                Some(before) => {
                    let source = before.source;
                    let before = self.previous(handle, before).await?;
                    let manifest = before.as_deref().map(Variant::manifest);
                    reason(source, manifest, variant.manifest())
                }
            };
            let heals = line.active.as_ref().and_then(|before| before.heals.clone());
            line.pinned = false;
            let given_up = given_up(&line);
            line.activate(Active { heals, ..active.clone() }, reason.clone());
            self.note_line(handle.id, &line).await?;
            if handle.write_line(self.store_ref(), revision, &line).await? {
                self.tell_decisions(skill, target, given_up.as_slice());
                self.tell_activation(&line, &active, Some(reason));
                return Ok(loaded);
            }
        }
        Err(StoreError::new("activating a variant: others are always first").into())
    }

    pub(super) fn tell_activation(
        &self,
        line: &Line,
        active: &Active,
        reason: Option<ActivationReason>,
    ) {
        let Some(reason) = reason else { return };
        self.tell(|| Event::Activated {
            skill: line.skill.clone(),
            target: line.target.clone(),
            variant: active.variant,
            reason,
        });
    }

    /// Notes that there is a line, for collecting garbage.
    async fn note_line(&self, id: Digest, line: &Line) -> Result<(), StoreError> {
        let about = format!("{} in {} for {}", line.skill, line.root, line.target);
        let json = serde_json::to_string(&about)
            .map_err(|error| StoreError::new("writing the name of a line").with_source(error))?;
        let store = self.store_ref();
        if store.swap_record(lines_scope(), id, 0, Some(&json)).await?.is_some() {
            return Ok(());
        }
        // One that is there stays; one that was damaged is put back.
        let known = store.records(lines_scope(), 0).await?;
        if let Some(lost) = known.iter().find(|known| known.key == id && known.value.is_none()) {
            store.swap_record(lines_scope(), id, lost.revision, Some(&json)).await?;
        }
        Ok(())
    }

    /// A variant that is published, from here or from the store; made again when it is lost or damaged and its source is
    /// what it was.
    pub(super) async fn variant_of(
        &self,
        handle: &LineHandle,
        active: &Active,
        skill: &Arc<Skill>,
        target: &Target,
    ) -> Result<Option<Arc<Variant>>, EngineError> {
        if let Some(variant) = self.previous(handle, active).await? {
            return Ok(Some(variant));
        }
        if active.source != skill.digest() {
            return Ok(None);
        }
        let unit = self.unit(skill, target, &active.lessons).await?;
        let key = self.0.passes.key(&unit);
        if key != active.key {
            return Ok(None);
        }
        let Compiled { variant, is_kept } = self.compiled(&unit, key).await?;
        if variant.digest() != active.variant || !is_kept {
            return Ok(None);
        }
        handle.keep(key, &variant);
        Ok(Some(variant))
    }

    /// A variant that is published, from here or from the store; only the one that is meant.
    async fn previous(
        &self,
        handle: &LineHandle,
        active: &Active,
    ) -> Result<Option<Arc<Variant>>, EngineError> {
        let known = handle.variant(active.key);
        let found = match known {
            Some(variant) => Some(variant),
            None => self.published(active.key).await?,
        };
        let found = found.filter(|variant| variant.digest() == active.variant);
        if let Some(variant) = &found {
            handle.keep(active.key, variant);
        }
        Ok(found)
    }

    /// The key of what would be compiled now.
    async fn key_for(
        &self,
        handle: &LineHandle,
        skill: &Arc<Skill>,
        target: &Target,
        lessons: &Arc<Lessons>,
    ) -> Result<Digest, EngineError> {
        let profiles = self.0.profiles.generation(self.store_ref()).await?;
        let facts = (skill.digest(), lessons.digest(), profiles);
        if let Some(key) = handle.key(facts) {
            return Ok(key);
        }
        let key = self.0.passes.key(&self.unit(skill, target, lessons).await?);
        handle.keep_key(facts, key);
        Ok(key)
    }

    /// What is compiled.
    pub(super) async fn unit(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        lessons: &Arc<Lessons>,
    ) -> Result<Unit, EngineError> {
        let mut unit = Unit::new(Arc::clone(skill), target.clone());
        unit.profile = self.profile(target).await?;
        unit.host.clone_from(&self.0.host);
        unit.features = self.0.harnesses.get(&target.harness).map(|harness| harness.features());
        Ok(unit.with_lessons(Arc::clone(lessons)))
    }

    /// What a target was measured to do: the profile that the builder was given, else the one in the store.
    ///
    /// # Errors
    /// [`EngineError`] when the store fails.
    pub async fn profile(
        &self,
        target: &Target,
    ) -> Result<Option<Arc<CapabilityProfile>>, EngineError> {
        match self.0.targets.get(target) {
            Some(Some(profile)) => Ok(Some(Arc::clone(profile))),
            _ => Ok(self.0.profiles.of(self.store_ref(), target).await?),
        }
    }

    /// Keeps a profile in the store, for this engine and others, in the place of an earlier one of its target. Variants
    /// that were compiled with that are stale from then on. One that the builder was given has its way in this engine.
    ///
    /// # Errors
    /// [`EngineError`] when the store fails.
    pub async fn record_profile(&self, profile: &CapabilityProfile) -> Result<(), EngineError> {
        Ok(self.0.profiles.put(self.store_ref(), profile).await?)
    }

    /// Keeps the active variant, whatever changes, until [`unpin`](SkVm::unpin). Nothing is adapted meanwhile.
    ///
    /// # Errors
    /// [`EngineError`] when there is no active variant, or the store fails.
    pub async fn pin(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        reason: &str,
    ) -> Result<(), EngineError> {
        let reason = ActivationReason::Pinned { reason: reason.to_owned() };
        self.change(skill, target, &|line| {
            let active = line.active.as_ref()?.variant;
            line.note(active, reason.clone());
            (line.pinned, line.trial, line.proposed) = (true, None, None);
            Some(())
        })
        .await
    }

    /// Takes the pin out; the next [`load`](SkVm::load) gives what is current.
    ///
    /// # Errors
    /// [`EngineError`] when there is no active variant, or the store fails.
    pub async fn unpin(&self, skill: &Arc<Skill>, target: &Target) -> Result<(), EngineError> {
        self.change(skill, target, &|line| {
            let active = line.active.as_ref()?.variant;
            line.note(active, ActivationReason::Unpinned);
            line.pinned = false;
            Some(())
        })
        .await
    }

    /// Goes back to the variant that was active before, and pins it there. The one that is left is forgotten, so that doing
    /// this again goes back further; a fix that it was is not tried again for the same failure.
    ///
    /// # Errors
    /// [`EngineError::NoVariant`] when there is none before, and as the store fails.
    pub async fn rollback(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        reason: &str,
    ) -> Result<(), EngineError> {
        let reason = ActivationReason::RolledBack { reason: reason.to_owned() };
        self.change(skill, target, &|line| line.roll_back(reason.clone())).await
    }

    /// Changes what is active, or why it is.
    async fn change(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        change: &(dyn Fn(&mut Line) -> Option<()> + Sync),
    ) -> Result<(), EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        for _ in 0..MAX_TRIES {
            let Read { revision, value } = handle.line(self.store_ref()).await?;
            let mut line = value.as_deref().cloned().ok_or_else(|| no_variant(skill))?;
            let before = given_up(&line);
            change(&mut line).ok_or_else(|| no_variant(skill))?;
            if handle.write_line(self.store_ref(), revision, &line).await? {
                let is_given_up = line.trial.is_none() && line.proposed.is_none();
                self.tell_decisions(skill, target, before.filter(|_| is_given_up).as_slice());
                if let Some(active) = &line.active {
                    let reason = line.activations.last().map(|it| it.reason.clone());
                    self.tell_activation(&line, active, reason);
                }
                return Ok(());
            }
        }
        Err(StoreError::new("changing what is active: others are always first").into())
    }

    /// What was active when, why it changed, and how the sessions went.
    ///
    /// # Errors
    /// [`EngineError`] when the store fails.
    pub async fn history(&self, skill: &Skill, target: &Target) -> Result<History, EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        Ok(handle.history(self.store_ref()).await?)
    }

    /// Puts a variant into a folder below `parent`, for harnesses that read skills from disk; see [`materialize`]. What
    /// was damaged there is told as an event.
    ///
    /// # Errors
    /// [`EngineError`] when the skill is not what the variant was compiled from, or a file cannot be used.
    pub fn materialize(
        &self,
        variant: &Variant,
        skill: &Skill,
        parent: impl Into<PathBuf>,
    ) -> Result<Materialized, EngineError> {
        let folder = materialize(variant, skill, &parent.into())?;
        for reason in &folder.damage {
            let what = folder.folder.display().to_string();
            let damage = crate::store::Damage { what, reason: reason.clone(), kept: None };
            self.tell(|| Event::Damaged { damage });
        }
        Ok(folder)
    }

    /// Removes from the store what is beyond the limits. What is active, was active before, or is on trial stays, and so
    /// does what is known of it.
    ///
    /// # Errors
    /// [`EngineError`] when the store fails.
    pub async fn collect_garbage(&self, limits: &StoreLimits) -> Result<Collected, EngineError> {
        let store = self.store_ref();
        let mut keep = Keep::default();
        keep.scopes.extend([lines_scope(), self.0.profiles.scope()]);
        for StoredRecord { key: id, .. } in store.records(lines_scope(), 0).await? {
            let handle = self.0.lines.of(id);
            if let Some(line) = handle.line(store).await?.value {
                keep.variants.extend(line.keys());
                keep.scopes.insert(id);
            }
        }
        Ok(store.collect(limits, &keep).await?)
    }

    /// Tells, as an event, whenever a file of a skill changes, until what is given is dropped. It looks from time to
    /// time, at names, sizes and times; what differs is loaded and compared. The next [`load`](SkVm::load) with the
    /// skill loaded anew is what takes the change in.
    ///
    /// # Errors
    /// [`EngineError`] when no thread can be started.
    pub fn watch(&self, skill: &Skill, interval: Duration) -> Result<SkillWatch, EngineError> {
        let (root, name) = (skill.root().to_owned(), skill.name().to_owned());
        let path = if skill.entry().eq_ignore_ascii_case("SKILL.md") {
            root.clone()
        } else {
            root.join(skill.entry())
        };
        let (mut told, limits) = (Some(skill.digest()), self.0.limits.clone());
        let engine = Arc::downgrade(&self.0);
        let look = move || {
            let Some(engine) = engine.upgrade() else { return false };
            let now = Skill::load_with(&path, &limits).ok().map(|skill| skill.digest());
            if now != told {
                told = now;
                let skill = name.clone();
                SkVm(engine).tell(|| Event::Changed { skill, digest: now });
            }
            true
        };
        let watch = SkillWatch::start(root, interval.max(Duration::from_millis(10)), look);
        watch.map_err(|error| {
            StoreError::new("starting a thread to watch").with_source(error).into()
        })
    }

    pub(super) fn store_ref(&self) -> &dyn Store {
        &*self.0.store
    }
}

/// The scope in which all lines are named.
fn lines_scope() -> Digest {
    Digest::of(b"skvm/lines/1")
}

/// What is told when a trial or a proposal ends because something else became active.
fn given_up(line: &Line) -> Option<Decision> {
    let fix = line.trial.as_ref().map(|trial| &trial.fix).or(line.proposed.as_ref())?;
    Some(Decision::Abandoned { variant: fix.variant.variant })
}

/// What made a variant stale that was compiled from `source`; its manifest may be lost.
fn reason(source: Digest, before: Option<&Manifest>, now: &Manifest) -> ActivationReason {
    if source != now.source {
        return ActivationReason::SkillChanged;
    }
    let Some(before) = before else { return ActivationReason::PassesChanged };
    if before.pipeline != now.pipeline || before.refiner != now.refiner {
        ActivationReason::PassesChanged
    } else if before.profile != now.profile {
        ActivationReason::ProfileChanged
    } else {
        ActivationReason::HostChanged
    }
}
