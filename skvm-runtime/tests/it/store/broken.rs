//! Stores in memory that are as they should be but for one fault.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::channel::oneshot;
use futures::executor::block_on;
use skvm_core::digest::Digest;
use skvm_core::llm::LlmResponse;
use skvm_passes::variant::Variant;
use skvm_runtime::store::{
    Collected, Damage, Keep, Lease, MemoryStore, Store, StoreError, StoreLimits, StoredRecord,
};
use skvm_runtime::trace::Trace;

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    Nothing,
    /// Something is there before anything was written.
    BeginsFull,
    /// Damage is told where there is none.
    TellsDamage,
    WritesFail,
    /// The first publication under a key counts.
    FirstCounts,
    /// Any variant is as good as another.
    AnyVariant,
    /// A publication replaces what was there in two steps.
    PublishesByHalves,
    AnswersAreTrimmed,
    /// An answer under the digest of a variant makes that go.
    KindsShareKeys,
    TracesOfOthers,
    TracesNewestFirst,
    /// A trace that is there already is not added again.
    TracesAreUnique,
    TracesOfNobody,
    /// Two who add traces at the same time add one.
    TracesGetLost,
    /// A record changes whatever revision is expected.
    LastWriterWins,
    /// The revision is looked at, and the record written later.
    LooksThenWrites,
    /// A record that was never there changes from any revision.
    NewFromAnywhere,
    /// A revision that is too high is good enough.
    HigherIsFine,
    RevisionsStand,
    /// Each record counts its own revisions.
    RevisionsOfRecords,
    RemovedIsForgotten,
    RemovedBeginsAnew,
    RemovedIsNotTold,
    RecordsByKey,
    SinceIsIncluded,
    /// Everything is told, whatever was known.
    SinceIsIgnored,
    ScopesAreOne,
    /// Nothing and the empty text are the same.
    EmptyIsNothing,
    ValuesAreCut,
    ValuesAreTrimmed,
    /// A revision is given before what it belongs to is visible.
    VisibleLate,
    LeasesAreShared,
    /// Whether the name is held is looked at, and it is taken later.
    LeasesLookThenTake,
    /// One name is as good as another.
    LeasesAreOne,
    LeasesStay,
    /// Who finds the name held goes away.
    LeasesDoNotWait,
    PatienceIsEndless,
    PatienceIsShort,
    /// Who gave up waiting gets the lease nevertheless.
    LeasesOutliveWaiting,
    CollectsNothing,
    CollectsEverything,
    CollectsWhatIsKept,
    CollectsKeptScopes,
    /// Variants go last, however long they lay unused.
    CollectsOthersFirst,
    /// More goes than has to.
    CollectsTooMuch,
    CollectsTooLittle,
    /// Records go for the sake of bytes.
    CollectsRecordsForBytes,
    CollectsSilently,
    CountsNoBytes,
    /// Revisions begin anew when a scope was collected.
    RevisionsBeginAnew,
}

const READ_BACK: &str = "a variant is read back under its key as it was published";
const LAST: &str = "the variant that was published last under a key is the one that counts";
const EXPECTED: &str = "a record changes only from the revision that is expected";
const GROW: &str = "every revision is higher than any before in its scope";
const REMOVED: &str = "a record that was removed is told as removed and keeps that revision";
const ORDER: &str = "the records that changed after a revision are told in the order of revisions";
const TRACES: &str = "the traces of a skill are those of its sessions, the oldest first";
const VALUES: &str = "a value is read back as it was written";
const HELD: &str = "a name is held until the lease is dropped, and then it is free";
const PATIENCE: &str = "who waits for a name waits as long as the patience lasts";
const FITS: &str = "what is within the limits is not collected";
const OLD: &str = "what lay unused for longer than the limit is collected";
const LONGEST: &str = "beyond the limit on bytes the longest unused is collected first";
const KEPT: &str = "what is to be kept is never collected";

/// Every fault, and the promise that it breaks.
pub(super) const FAULTS: [(Fault, &str); 49] = [
    (Fault::BeginsFull, "what was never written is not there"),
    (Fault::TellsDamage, "what was never written is not there"),
    (Fault::WritesFail, READ_BACK),
    (Fault::FirstCounts, LAST),
    (Fault::AnyVariant, READ_BACK),
    (Fault::PublishesByHalves, "a publication is visible as a whole or not at all"),
    (Fault::AnswersAreTrimmed, "an answer is read back under its request as it was recorded"),
    (Fault::KindsShareKeys, "what is of another kind under the same digest is something else"),
    (Fault::TracesOfOthers, TRACES),
    (Fault::TracesNewestFirst, TRACES),
    (Fault::TracesAreUnique, TRACES),
    (Fault::TracesOfNobody, "the trace of a session without a skill is nobody's"),
    (
        Fault::TracesGetLost,
        "traces that are added at the same time are all there, each one's in order",
    ),
    (Fault::LastWriterWins, EXPECTED),
    (Fault::LooksThenWrites, "of those who change a record at the same time none loses the change"),
    (Fault::NewFromAnywhere, EXPECTED),
    (Fault::HigherIsFine, EXPECTED),
    (Fault::RevisionsStand, EXPECTED),
    (Fault::RevisionsOfRecords, GROW),
    (Fault::RemovedIsForgotten, GROW),
    (Fault::RemovedBeginsAnew, REMOVED),
    (Fault::RemovedIsNotTold, REMOVED),
    (Fault::RecordsByKey, ORDER),
    (Fault::SinceIsIncluded, REMOVED),
    (Fault::SinceIsIgnored, REMOVED),
    (Fault::ScopesAreOne, "the records of a scope are apart from those of any other"),
    (Fault::EmptyIsNothing, REMOVED),
    (Fault::ValuesAreCut, VALUES),
    (Fault::ValuesAreTrimmed, VALUES),
    (
        Fault::VisibleLate,
        "whoever asks for what changed since the last time learns of every change",
    ),
    (Fault::LeasesAreShared, HELD),
    (Fault::LeasesLookThenTake, "a name has one holder at a time"),
    (Fault::LeasesAreOne, HELD),
    (Fault::LeasesStay, HELD),
    (Fault::LeasesDoNotWait, HELD),
    (Fault::PatienceIsEndless, PATIENCE),
    (Fault::PatienceIsShort, PATIENCE),
    (Fault::LeasesOutliveWaiting, HELD),
    (Fault::CollectsNothing, OLD),
    (Fault::CollectsEverything, FITS),
    (Fault::CollectsWhatIsKept, KEPT),
    (Fault::CollectsKeptScopes, KEPT),
    (Fault::CollectsOthersFirst, LONGEST),
    (Fault::CollectsTooMuch, LONGEST),
    (Fault::CollectsTooLittle, LONGEST),
    (Fault::CollectsRecordsForBytes, LONGEST),
    (Fault::CollectsSilently, OLD),
    (Fault::CountsNoBytes, FITS),
    (Fault::RevisionsBeginAnew, "revisions go on growing when a scope was collected"),
];

/// A [`MemoryStore`] with records of its own, and a fault.
pub(super) struct Broken {
    fault: Fault,
    inner: Arc<MemoryStore>,
    state: Mutex<State>,
    held: Arc<Mutex<HashMap<Digest, usize>>>,
}

#[derive(Default)]
struct State {
    scopes: HashMap<Digest, Records>,
    /// Keys under which nothing is to be found for now.
    absent: BTreeSet<Digest>,
    published: Vec<(Digest, Arc<Variant>)>,
    traces: Vec<Trace>,
}

/// The records of a scope.
#[derive(Default)]
struct Records {
    last: u64,
    visible: Vec<StoredRecord>,
    /// Written, and not visible yet.
    hidden: Vec<StoredRecord>,
}

impl Records {
    fn current(&self, key: Digest) -> Option<&StoredRecord> {
        let all = self.visible.iter().chain(&self.hidden);
        all.filter(|record| record.key == key).max_by_key(|record| record.revision)
    }

    fn show(&mut self, revision: u64) {
        let Some(at) = self.hidden.iter().position(|it| it.revision == revision) else { return };
        let record = self.hidden.remove(at);
        let is_newer =
            |known: &StoredRecord| known.key == record.key && known.revision > record.revision;
        if !self.visible.iter().any(is_newer) {
            self.visible.retain(|known| known.key != record.key);
            self.visible.push(record);
        }
    }
}

/// A name among those that are held.
struct Held(Digest, Arc<Mutex<HashMap<Digest, usize>>>);

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.1.lock().unwrap();
        let count = held.get_mut(&self.0).unwrap();
        *count -= 1;
    }
}

/// Lets a little time pass, and others go first.
async fn give_way() {
    let mut gave_way = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        thread::sleep(Duration::from_millis(1));
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

const NO_LIMITS: StoreLimits = StoreLimits { bytes: None, age: None };

impl Broken {
    pub(super) fn new(fault: Fault) -> Self {
        let (inner, state, held) = (Arc::default(), Mutex::default(), Arc::default());
        Self { fault, inner, state, held }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn scope(&self, scope: Digest) -> Digest {
        if self.has(Fault::ScopesAreOne) { Digest::of(b"one") } else { scope }
    }

    /// Writes a record that is not visible yet, if the revision is the expected one.
    fn hide(
        &self,
        state: &mut State,
        scope: Digest,
        key: Digest,
        expected: u64,
        value: Option<&str>,
    ) -> Option<u64> {
        let records = state.scopes.entry(self.scope(scope)).or_default();
        let is_removed = records.current(key).is_some_and(|record| record.value.is_none());
        let mut current = records.current(key).map_or(0, |record| record.revision);
        if self.has(Fault::RemovedBeginsAnew) && is_removed && expected == 0 {
            current = 0;
        }
        let fits = match self.fault {
            Fault::LastWriterWins => true,
            Fault::NewFromAnywhere => current == 0 || expected == current,
            Fault::HigherIsFine => expected == current || (current > 0 && expected > current),
            _ => expected == current,
        };
        if !fits {
            return None;
        }
        let revision = match self.fault {
            Fault::RevisionsStand => 1,
            Fault::RevisionsOfRecords => current + 1,
            _ => records.last + 1,
        };
        records.last = records.last.max(revision);
        let value = match (self.fault, value) {
            (Fault::EmptyIsNothing, Some("")) => None,
            (Fault::ValuesAreCut, Some(value)) => Some(value.chars().take(1000).collect()),
            (Fault::ValuesAreTrimmed, Some(value)) => Some(value.trim().to_owned()),
            (_, value) => value.map(str::to_owned),
        };
        let value = value.map(Arc::from);
        records.hidden.push(StoredRecord { key, revision, value });
        Some(revision)
    }

    /// Removes the records of scopes that are not to be kept; gives how many those were.
    fn collect_records(&self, keep: &Keep) -> u64 {
        let mut removed = 0;
        for (id, scope) in &mut self.state().scopes {
            if self.has(Fault::CollectsKeptScopes) || !keep.scopes.contains(id) {
                removed += scope.visible.len() as u64;
                scope.visible.clear();
                if self.has(Fault::RevisionsBeginAnew) {
                    scope.last = 0;
                }
            }
        }
        removed
    }

    fn take(&self, name: Digest) -> Option<Lease> {
        if self.held.lock().unwrap().get(&name).is_some_and(|count| *count > 0) {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
        *self.held.lock().unwrap().entry(name).or_default() += 1;
        Some(Lease::holding(Held(name, Arc::clone(&self.held))))
    }
}

#[async_trait]
impl Store for Broken {
    async fn variant(&self, key: Digest) -> Result<Option<Arc<Variant>>, StoreError> {
        let found = self.inner.variant(key).await?;
        let state = self.state();
        if state.absent.contains(&key) {
            return Ok(None);
        }
        if self.has(Fault::AnyVariant) && found.is_some() {
            return Ok(state.published.last().map(|(_, variant)| Arc::clone(variant)));
        }
        Ok(found)
    }

    async fn publish(&self, key: Digest, variant: Arc<Variant>) -> Result<(), StoreError> {
        if self.has(Fault::WritesFail) {
            return Err(StoreError::new("the disk is full"));
        }
        if self.has(Fault::FirstCounts) && self.inner.variant(key).await?.is_some() {
            return Ok(());
        }
        self.state().published.push((key, Arc::clone(&variant)));
        if self.has(Fault::PublishesByHalves) {
            self.state().absent.insert(key);
            thread::sleep(Duration::from_millis(1));
            self.state().absent.remove(&key);
        }
        self.inner.publish(key, variant).await
    }

    async fn answer(&self, request: Digest) -> Result<Option<LlmResponse>, StoreError> {
        let found = self.inner.answer(request).await?;
        Ok(found.or_else(|| self.has(Fault::BeginsFull).then(LlmResponse::default)))
    }

    async fn record_answer(&self, request: Digest, answer: &LlmResponse) -> Result<(), StoreError> {
        let mut answer = answer.clone();
        if self.has(Fault::AnswersAreTrimmed) {
            answer.text = answer.text.replace('\0', "");
        }
        if self.has(Fault::KindsShareKeys) {
            self.state().absent.insert(request);
        }
        self.inner.record_answer(request, &answer).await
    }

    async fn append_trace(&self, trace: &Trace) -> Result<(), StoreError> {
        if self.has(Fault::TracesGetLost) {
            let mut traces = self.state().traces.clone();
            traces.push(trace.clone());
            thread::sleep(Duration::from_millis(1));
            self.state().traces = traces;
        } else {
            self.state().traces.push(trace.clone());
        }
        let Some(skill) = trace.skill else { return Ok(()) };
        if self.has(Fault::TracesAreUnique) && self.inner.traces(skill).await?.contains(trace) {
            return Ok(());
        }
        self.inner.append_trace(trace).await
    }

    async fn traces(&self, skill: Digest) -> Result<Vec<Trace>, StoreError> {
        let all = self.state().traces.clone();
        let mut traces = self.inner.traces(skill).await?;
        match self.fault {
            Fault::TracesOfOthers => return Ok(all),
            Fault::TracesGetLost => {
                return Ok(all.into_iter().filter(|trace| trace.skill == Some(skill)).collect());
            }
            Fault::TracesNewestFirst => traces.reverse(),
            Fault::TracesOfNobody => {
                traces.extend(all.into_iter().filter(|trace| trace.skill.is_none()));
            }
            _ => {}
        }
        Ok(traces)
    }

    async fn records(&self, scope: Digest, since: u64) -> Result<Vec<StoredRecord>, StoreError> {
        let state = self.state();
        let Some(records) = state.scopes.get(&self.scope(scope)) else { return Ok(Vec::new()) };
        let mut found = records.visible.clone();
        found.retain(|record| match self.fault {
            Fault::SinceIsIncluded => record.revision >= since,
            Fault::SinceIsIgnored => true,
            Fault::RemovedIsNotTold => record.value.is_some() && record.revision > since,
            _ => record.revision > since,
        });
        match self.fault {
            Fault::RecordsByKey => found.sort_by_key(|record| record.key),
            _ => found.sort_by_key(|record| record.revision),
        }
        Ok(found)
    }

    async fn swap_record(
        &self,
        scope: Digest,
        key: Digest,
        mut expected: u64,
        value: Option<&str>,
    ) -> Result<Option<u64>, StoreError> {
        if self.has(Fault::LooksThenWrites) {
            let current = |state: &State| {
                let record = state.scopes.get(&scope).and_then(|records| records.current(key));
                record.map_or(0, |record| record.revision)
            };
            if current(&self.state()) != expected {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
            expected = current(&self.state());
        }
        let mut state = self.state();
        let Some(revision) = self.hide(&mut state, scope, key, expected, value) else {
            return Ok(None);
        };
        if self.has(Fault::VisibleLate) && revision % 2 == 1 {
            drop(state);
            thread::sleep(Duration::from_millis(3));
            state = self.state();
        }
        let records = state.scopes.entry(self.scope(scope)).or_default();
        records.show(revision);
        if self.has(Fault::RemovedIsForgotten) {
            records.visible.retain(|record| record.value.is_some());
        }
        Ok(Some(revision))
    }

    async fn lease(&self, name: Digest, patience: Duration) -> Result<Option<Lease>, StoreError> {
        match self.fault {
            Fault::LeasesAreShared => Ok(Some(Lease::unshared())),
            Fault::LeasesLookThenTake => {
                let began = Instant::now();
                loop {
                    let lease = self.take(name);
                    if lease.is_some() || began.elapsed() >= patience {
                        return Ok(lease);
                    }
                    give_way().await;
                }
            }
            Fault::LeasesAreOne => self.inner.lease(Digest::of(b"one"), patience).await,
            Fault::LeasesStay => {
                let lease = self.inner.lease(name, patience).await?;
                std::mem::forget(lease);
                Ok(Some(Lease::unshared()))
            }
            Fault::LeasesDoNotWait => self.inner.lease(name, Duration::ZERO).await,
            Fault::PatienceIsEndless => self.inner.lease(name, Duration::from_secs(600)).await,
            Fault::PatienceIsShort => {
                self.inner.lease(name, patience.saturating_sub(Duration::from_secs(1))).await
            }
            Fault::LeasesOutliveWaiting => {
                let (sender, receiver) = oneshot::channel();
                let inner = Arc::clone(&self.inner);
                thread::spawn(move || {
                    let lease = block_on(inner.lease(name, patience));
                    // Nobody waits any more, and nobody lets go of it.
                    if let Err(lease) = sender.send(lease) {
                        std::mem::forget(lease);
                    }
                });
                receiver.await.unwrap()
            }
            _ => self.inner.lease(name, patience).await,
        }
    }

    async fn collect(&self, limits: &StoreLimits, keep: &Keep) -> Result<Collected, StoreError> {
        let (mut limits, mut keep) = (*limits, keep.clone());
        let bytes = self.inner.collect(&NO_LIMITS, &keep).await?.bytes_left;
        let is_too_much = limits.bytes.is_some_and(|limit| bytes > limit);
        match self.fault {
            Fault::CollectsNothing => limits = NO_LIMITS,
            Fault::CollectsEverything => limits.age = Some(Duration::ZERO),
            Fault::CollectsWhatIsKept => keep.variants.clear(),
            Fault::CollectsOthersFirst if limits.age.is_none() => {
                let published = self.state().published.clone();
                keep.variants.extend(published.into_iter().map(|(key, _)| key));
            }
            Fault::CollectsTooMuch if is_too_much => limits.bytes = limits.bytes.map(|it| it / 2),
            Fault::CollectsTooLittle => limits.bytes = limits.bytes.map(|it| it * 2),
            _ => {}
        }
        let mut collected = self.inner.collect(&limits, &keep).await?;
        let for_bytes = self.has(Fault::CollectsRecordsForBytes) && is_too_much;
        if limits.age == Some(Duration::ZERO) || for_bytes {
            collected.records = self.collect_records(&keep);
        }
        match self.fault {
            Fault::CollectsSilently => collected = self.inner.collect(&NO_LIMITS, &keep).await?,
            Fault::CountsNoBytes => collected.bytes_left = 0,
            _ => {}
        }
        Ok(collected)
    }

    fn take_damage(&self) -> Vec<Damage> {
        let damage = || Damage { what: "all".to_owned(), reason: "old".to_owned(), kept: None };
        self.has(Fault::TellsDamage).then(damage).into_iter().collect()
    }
}
