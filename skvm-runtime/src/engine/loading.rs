//! Which variant a session gets: the life of variants.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use skvm_core::capability::CapabilityProfile;
use skvm_core::digest::Digest;
use skvm_core::failure::Lessons;
use skvm_core::pass::Unit;
use skvm_core::skill::Skill;
use skvm_core::target::Target;
use skvm_passes::variant::{Manifest, Variant};
use tracing::warn;

use super::{Compiled, EngineError, Event, SkVm, background};
use crate::life::{
    Activation, ActivationReason, Active, History, Line, LineHandle, LoadPolicy, Loaded,
    SkillWatch, Standing,
};
use crate::store::{
    Collected, Keep, Materialized, Store, StoreError, StoreLimits, StoredRecord, materialize,
    unix_millis,
};

/// How often a change of a line is tried again when another process was first.
const MAX_TRIES: usize = 64;

impl SkVm {
    /// The variant to begin a session with: the active one of this skill, where it lies, for this target. When there is
    /// none yet, or the skill, the profile, the passes or the machine changed since, it is compiled now, once however
    /// many ask, in this process and others with the same store; or the previous one serves meanwhile, by
    /// [policy](super::SkVmBuilder::loading). While a new variant is on trial, part of the sessions get that.
    ///
    /// # Errors
    /// [`EngineError`] when the skill cannot be compiled or the store fails.
    pub async fn load(&self, skill: &Arc<Skill>, target: &Target) -> Result<Loaded, EngineError> {
        let loaded = self.load_of_line(skill, target).await;
        // What the store found on the way.
        for damage in self.0.store.take_damage() {
            self.tell(|| Event::Damaged { damage });
        }
        loaded
    }

    async fn load_of_line(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
    ) -> Result<Loaded, EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        let Some(line) = handle.line(self.store_ref()).await? else {
            return self.renew(skill, target, &handle).await;
        };
        let Some(active) = &line.active else { return self.renew(skill, target, &handle).await };
        if line.pinned {
            return match self.pinned(&line, &handle, skill, target).await? {
                Some(loaded) => Ok(loaded),
                None => self.renew(skill, target, &handle).await,
            };
        }
        let key = self.key_for(&handle, skill, target, &active.lessons).await?;
        if key == active.key {
            if let Some(policy) = &self.0.adapt
                && let Some(trial) = &line.trial
                && handle.is_turn(policy.trial_every)
                && let Some(variant) =
                    self.variant_of(&handle, &trial.variant, skill, target).await?
            {
                return Ok(Loaded { variant, standing: Standing::Trial });
            }
            if let Some(variant) = self.variant_of(&handle, active, skill, target).await? {
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

    /// The active variant, if it is pinned. One that is lost and whose source has changed holds nothing.
    async fn pinned(
        &self,
        line: &Line,
        handle: &LineHandle,
        skill: &Arc<Skill>,
        target: &Target,
    ) -> Result<Option<Loaded>, EngineError> {
        let Some(active) = line.active.as_ref().filter(|_| line.pinned) else { return Ok(None) };
        let variant = self.variant_of(handle, active, skill, target).await?;
        if variant.is_none() {
            warn!(skill = skill.name(), "the pinned variant is lost, and its source has changed");
        }
        Ok(variant.map(|variant| Loaded { variant, standing: Standing::Pinned }))
    }

    /// Compiles in the background and activates, unless that is being done.
    fn renew_in_background(&self, skill: &Arc<Skill>, target: &Target, handle: &Arc<LineHandle>) {
        if handle.is_renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let renewing = Renewing(Arc::clone(handle));
        let (vm, skill, target) = (self.clone(), Arc::clone(skill), target.clone());
        background::spawn(async move {
            if let Err(error) = vm.renew(&skill, &target, &renewing.0).await {
                warn!(skill = skill.name(), %error, "a new variant could not be made ready");
            }
        });
    }

    /// Compiles what is current and activates it, unless something is pinned.
    pub(super) async fn renew(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        handle: &LineHandle,
    ) -> Result<Loaded, EngineError> {
        for _ in 0..MAX_TRIES {
            let line = handle.line(self.store_ref()).await?;
            if let Some(line) = &line
                && let Some(pinned) = self.pinned(line, handle, skill, target).await?
            {
                return Ok(pinned);
            }
            let lessons = line.as_deref().map(Line::lessons).unwrap_or_default();
            let unit = self.unit(skill, target, &lessons).await?;
            let key = self.0.passes.key(&unit);
            let Compiled { variant, is_kept } = self.compiled(&unit, key).await?;
            let loaded = Loaded { variant: Arc::clone(&variant), standing: Standing::Active };
            if is_kept {
                handle.keep(key, &variant);
            }
            let active = line.as_deref().and_then(|line| line.active.as_ref());
            if !is_kept || active.is_some_and(|active| active.key == key) {
                return Ok(loaded);
            }
            let before = match active {
                Some(active) => self.previous(handle, active).await?,
                None => None,
            };
            let reason = match active {
                None => ActivationReason::First,
                Some(active) => {
                    let before = before.as_deref().map(Variant::manifest);
                    reason(active.source, before, variant.manifest())
                }
            };
            let mut line = match line {
                Some(line) => (*line).clone(),
                None => Line {
                    activations: handle.next_number(self.store_ref()).await?,
                    ..Line::new(skill, target)
                },
            };
            line.pinned = false;
            let active = Active::of(key, &variant, lessons);
            if self.activate(handle, line, active, reason).await? {
                return Ok(loaded);
            }
        }
        Err(StoreError::new("activating a variant: others are always first").into())
    }

    /// Puts a variant in the place of the active one, unless somebody else was first.
    pub(super) async fn activate(
        &self,
        handle: &LineHandle,
        mut line: Line,
        active: Active,
        reason: ActivationReason,
    ) -> Result<bool, EngineError> {
        let (store, number, variant) = (self.store_ref(), line.activations, active.variant);
        // Whoever activated that may have been ended before it was noted.
        if let (Some(latest), Some(before)) = (&line.latest, number.checked_sub(1)) {
            handle.note(store, before, latest).await?;
        }
        if number == 0 {
            self.note_line(handle.id, &line).await?;
        }
        let activation = Activation { at: unix_millis(), variant, reason: reason.clone() };
        line.activate(active);
        line.activations += 1;
        line.latest = Some(activation.clone());
        if !handle.write_line(store, &line).await? {
            return Ok(false);
        }
        if let Err(error) = handle.note(store, number, &activation).await {
            warn!(skill = line.skill, %error, "an activation is noted with the next one");
        }
        self.tell(|| Event::Activated {
            skill: line.skill.clone(),
            target: line.target.clone(),
            variant,
            reason,
        });
        Ok(true)
    }

    /// Notes that there is a line, for collecting garbage.
    async fn note_line(&self, id: Digest, line: &Line) -> Result<(), StoreError> {
        let about = format!("{} in {} for {}", line.skill, line.root.display(), line.target);
        let json = serde_json::to_string(&about)
            .map_err(|error| StoreError::new("writing the name of a line").with_source(error))?;
        // One that is there stays.
        self.0.store.swap_record(lines_scope(), id, 0, Some(&json)).await?;
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
        if is_kept {
            handle.keep(key, &variant);
        }
        Ok(Some(variant))
    }

    /// A variant that is published, from here or from the store.
    async fn previous(
        &self,
        handle: &LineHandle,
        active: &Active,
    ) -> Result<Option<Arc<Variant>>, EngineError> {
        if let Some(variant) = handle.variant(active.key) {
            return Ok(Some(variant));
        }
        let found = self.published(active.key).await?;
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
        self.change(skill, target, reason, |line| {
            line.pinned = true;
            line.active.clone()
        })
        .await
    }

    /// Takes the pin out; the next [`load`](SkVm::load) gives what is current.
    ///
    /// # Errors
    /// [`EngineError`] when there is no active variant, or the store fails.
    pub async fn unpin(&self, skill: &Arc<Skill>, target: &Target) -> Result<(), EngineError> {
        self.change(skill, target, ActivationReason::Unpinned, |line| {
            line.pinned = false;
            line.active.clone()
        })
        .await
    }

    /// Goes back to the variant that was active before, and pins it there.
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
        self.change(skill, target, reason, |line| {
            line.pinned = true;
            line.previous.pop()
        })
        .await
    }

    /// Changes what is active.
    async fn change(
        &self,
        skill: &Arc<Skill>,
        target: &Target,
        reason: ActivationReason,
        change: impl Fn(&mut Line) -> Option<Active>,
    ) -> Result<(), EngineError> {
        let handle = self.0.lines.of(Line::id(skill, target));
        for _ in 0..MAX_TRIES {
            let line = handle.line(self.store_ref()).await?;
            let none = || EngineError::NoVariant { skill: skill.name().to_owned() };
            let mut line = line.as_deref().cloned().ok_or_else(none)?;
            let before = line.active.clone();
            let active = change(&mut line).ok_or_else(none)?;
            // What is pinned or unpinned is not before itself.
            if before.as_ref() == Some(&active) {
                line.active = None;
            }
            if self.activate(&handle, line, active, reason.clone()).await? {
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
        keep.scopes.extend([lines_scope(), self.0.profiles.scope(), prepared_scope()]);
        for StoredRecord { key: id, .. } in store.records(lines_scope(), 0).await? {
            let handle = self.0.lines.of(id);
            if let Some(line) = handle.line(store).await? {
                keep.variants.extend(line.keys());
                keep.scopes.extend([id, handle.history_scope()]);
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
        let (mut known, limits) = (Some(skill.digest()), self.0.limits.clone());
        let engine = Arc::downgrade(&self.0);
        let changed = move || {
            let Some(engine) = engine.upgrade() else { return false };
            let digest = Skill::load_with(&path, &limits).ok().map(|skill| skill.digest());
            if digest != known {
                known = digest;
                SkVm(engine).tell(|| Event::Changed { skill: name.clone(), digest });
            }
            true
        };
        let watch = SkillWatch::start(root, interval.max(Duration::from_millis(10)), changed);
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

/// The scope of environments that were prepared.
pub(super) fn prepared_scope() -> Digest {
    Digest::of(b"skvm/prepared/1")
}

/// A line that is being renewed in the background, until this is dropped: at the end of that, however it ends.
struct Renewing(Arc<LineHandle>);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.is_renewing.store(false, Ordering::Release);
    }
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
