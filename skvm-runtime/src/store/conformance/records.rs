//! Records: they change from the revision that is expected, and whoever follows them learns of every change.

use std::collections::BTreeMap;
use std::sync::Arc;

use skvm_core::digest::Digest;

use super::super::{Store, StoredRecord};
use super::promise::{Nonconformity, Promise};
use super::sample::{DIFFICULT, key};
use super::threads::{Work, at_once};

type Outcome = Result<(), Nonconformity>;

/// The records of one scope.
struct Scope<'a> {
    store: &'a dyn Store,
    id: Digest,
    promise: Promise,
}

/// A record as it is told: key, revision, value.
type Told = (Digest, u64, Option<String>);

fn told(record: StoredRecord) -> Told {
    (record.key, record.revision, record.value.map(|value| value.to_string()))
}

impl<'a> Scope<'a> {
    fn new(store: &'a Arc<dyn Store>, name: &str, promise: &'static str) -> Self {
        Self { store: &**store, id: key(name), promise: Promise(promise) }
    }

    async fn since(&self, revision: u64) -> Result<Vec<Told>, Nonconformity> {
        let records = self.promise.done(self.store.records(self.id, revision).await)?;
        Ok(records.into_iter().map(told).collect())
    }

    async fn try_swap(
        &self,
        name: &str,
        expected: u64,
        value: Option<&str>,
    ) -> Result<Option<u64>, Nonconformity> {
        self.promise.done(self.store.swap_record(self.id, key(name), expected, value).await)
    }

    /// A swap from the right revision.
    async fn swap(
        &self,
        name: &str,
        expected: u64,
        value: Option<&str>,
    ) -> Result<u64, Nonconformity> {
        let refused = || {
            let expected = format!("a swap from revision {expected}, which is the record's");
            self.promise.broken(expected, "it is refused")
        };
        self.try_swap(name, expected, value).await?.ok_or_else(refused)
    }

    /// A swap from a revision that is not the record's.
    async fn refuses(&self, name: &str, expected: u64) -> Outcome {
        let refused = format!("no swap from revision {expected}, which is not the record's");
        for value in [Some("lost"), None] {
            let swapped = self.try_swap(name, expected, value).await?;
            self.promise.holds(swapped.is_none(), &refused, swapped)?;
        }
        Ok(())
    }

    async fn holds(&self, since: u64, expected: &[(&str, u64, Option<&str>)]) -> Outcome {
        let expected = expected
            .iter()
            .map(|(name, revision, value)| (key(name), *revision, value.map(str::to_owned)));
        self.promise.equal(&expected.collect(), &self.since(since).await?)
    }
}

pub(super) async fn swaps_expect_a_revision(store: Arc<dyn Store>) -> Outcome {
    let promise = "a record changes only from the revision that is expected";
    let scope = Scope::new(&store, "s", promise);
    for never in [1, 2, u64::MAX] {
        scope.refuses("a", never).await?;
    }
    scope.holds(0, &[]).await?;
    let first = scope.swap("a", 0, Some("one")).await?;
    scope.promise.holds(first > 0, "a revision above 0", first)?;
    for wrong in [0, first.saturating_add(1), u64::MAX] {
        scope.refuses("a", wrong).await?;
    }
    scope.refuses("b", first).await?;
    scope.holds(0, &[("a", first, Some("one"))]).await?;
    let second = scope.swap("a", first, Some("two")).await?;
    for wrong in [0, first, second.saturating_add(1)] {
        scope.refuses("a", wrong).await?;
    }
    scope.holds(0, &[("a", second, Some("two"))]).await
}

pub(super) async fn revisions_grow(store: Arc<dyn Store>) -> Outcome {
    let promise = "every revision is higher than any before in its scope";
    let scope = Scope::new(&store, "s", promise);
    let mut last = 0;
    let mut revisions = BTreeMap::new();
    // In turns, written, written with the same value, removed.
    for value in [Some("one"), Some("one"), None, Some("two"), None, Some("one")] {
        for name in ["a", "b", "c"] {
            let expected = revisions.get(name).copied().unwrap_or(0);
            let revision = scope.swap(name, expected, value).await?;
            let higher = format!("a revision above {last}");
            scope.promise.holds(revision > last, &higher, revision)?;
            last = revision;
            revisions.insert(name, revision);
        }
    }
    Ok(())
}

pub(super) async fn removals_are_told(store: Arc<dyn Store>) -> Outcome {
    let promise = "a record that was removed is told as removed and keeps that revision";
    let scope = Scope::new(&store, "s", promise);
    let first = scope.swap("a", 0, Some("one")).await?;
    let removed = scope.swap("a", first, None).await?;
    scope.holds(first, &[("a", removed, None)]).await?;
    scope.holds(0, &[("a", removed, None)]).await?;
    scope.holds(removed, &[]).await?;
    for wrong in [0, first] {
        scope.refuses("a", wrong).await?;
    }
    let back = scope.swap("a", removed, Some("")).await?;
    scope.holds(0, &[("a", back, Some(""))]).await
}

pub(super) async fn changes_are_told_in_order(store: Arc<dyn Store>) -> Outcome {
    let promise = "the records that changed after a revision are told in the order of revisions";
    let scope = Scope::new(&store, "s", promise);
    let mut at = Vec::new();
    // By their digests, these names are in another order.
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        at.push(scope.swap(name, 0, Some(name)).await?);
    }
    let written = |from: usize| -> Vec<(&str, u64, Option<&str>)> {
        let all = names.iter().zip(&at).map(|(name, revision)| (*name, *revision, Some(*name)));
        all.skip(from).collect()
    };
    scope.holds(0, &written(0)).await?;
    for (number, revision) in at.iter().enumerate() {
        scope.holds(*revision, &written(number + 1)).await?;
    }
    scope.holds(u64::MAX, &[]).await?;
    // Each once, by its latest revision.
    let (again, last) = (scope.swap("b", at[1], Some("again")).await?, at[5]);
    scope.holds(last, &[("b", again, Some("again"))]).await?;
    let gone = scope.swap("d", at[3], None).await?;
    scope.holds(last, &[("b", again, Some("again")), ("d", gone, None)]).await?;
    let mut expected = written(0);
    expected.retain(|(name, ..)| !["b", "d"].contains(name));
    expected.extend([("b", again, Some("again")), ("d", gone, None)]);
    scope.holds(0, &expected).await
}

pub(super) async fn scopes_are_apart(store: Arc<dyn Store>) -> Outcome {
    let promise = "the records of a scope are apart from those of any other";
    let (one, other) = (Scope::new(&store, "s", promise), Scope::new(&store, "t", promise));
    let first = one.swap("a", 0, Some("one")).await?;
    other.holds(0, &[]).await?;
    other.refuses("a", first).await?;
    let second = other.swap("a", 0, Some("other")).await?;
    let second = other.swap("a", second, Some("other")).await?;
    one.holds(0, &[("a", first, Some("one"))]).await?;
    other.holds(0, &[("a", second, Some("other"))]).await?;
    let removed = one.swap("a", first, None).await?;
    one.holds(0, &[("a", removed, None)]).await?;
    other.holds(0, &[("a", second, Some("other"))]).await
}

pub(super) async fn values_are_read_back(store: Arc<dyn Store>) -> Outcome {
    let promise = "a value is read back as it was written";
    let scope = Scope::new(&store, "s", promise);
    let big = "0123456789abcdef".repeat(64 * 1024);
    let values = ["", " ", "\0", "null", "0", "1e3", "x'00'", DIFFICULT, &big];
    let mut revision = 0;
    for value in values {
        revision = scope.swap("a", revision, Some(value)).await?;
        scope.holds(0, &[("a", revision, Some(value))]).await?;
    }
    Ok(())
}

/// Several threads count, some in the same record, some each in its own.
pub(super) async fn no_update_is_lost(store: Arc<dyn Store>) -> Outcome {
    const THREADS: usize = 4;
    const ROUNDS: u64 = 50;
    let promise = "of those who change a record at the same time none loses the change";
    let count = {
        let store = Arc::clone(&store);
        move |number: usize| {
            let store = Arc::clone(&store);
            let count = async move {
                let scope = Scope::new(&store, "s", promise);
                let own = format!("own {number}");
                let mut revisions = Vec::new();
                for _ in 0..ROUNDS {
                    revisions.push(scope.count("shared").await?);
                    revisions.push(scope.count(&own).await?);
                }
                Ok(revisions)
            };
            Box::pin(count) as _
        }
    };
    let count: Work<Vec<u64>> = Arc::new(count);
    let revisions = at_once(Promise(promise), THREADS, count).await?;
    let scope = Scope::new(&store, "s", promise);
    for of_thread in &revisions {
        scope.promise.holds(of_thread.is_sorted(), "growing revisions", of_thread)?;
    }
    let mut all = revisions.concat();
    all.sort_unstable();
    all.dedup();
    scope.promise.equal(&(THREADS * 2 * 50), &all.len())?;
    let shared = scope.number("shared").await?.1;
    scope.promise.equal(&(ROUNDS * THREADS as u64), &shared)?;
    for number in 0..THREADS {
        scope.promise.equal(&ROUNDS, &scope.number(&format!("own {number}")).await?.1)?;
    }
    Ok(())
}

impl Scope<'_> {
    /// A record that holds a number: its revision, and the number.
    async fn number(&self, name: &str) -> Result<(u64, u64), Nonconformity> {
        let records = self.since(0).await?;
        let found = records.into_iter().find(|(found, ..)| *found == key(name));
        let Some((_, revision, value)) = found else { return Ok((0, 0)) };
        let number = value.as_deref().and_then(|value| value.parse().ok());
        let broken = || self.promise.broken("a number", format_args!("{value:?}"));
        Ok((revision, number.ok_or_else(broken)?))
    }

    /// Adds one to a number, until nobody else was first.
    async fn count(&self, name: &str) -> Result<u64, Nonconformity> {
        loop {
            let (revision, number) = self.number(name).await?;
            let next = (number + 1).to_string();
            if let Some(revision) = self.try_swap(name, revision, Some(&next)).await? {
                return Ok(revision);
            }
        }
    }
}

/// Several threads write while one asks again and again what is new. A store that gives revisions before what they
/// belong to is visible lets it miss some.
pub(super) async fn who_follows_misses_nothing(store: Arc<dyn Store>) -> Outcome {
    const WRITERS: usize = 3;
    const ROUNDS: usize = 40;
    let promise = "whoever asks for what changed since the last time learns of every change";
    let work = {
        let store = Arc::clone(&store);
        move |number: usize| {
            let store = Arc::clone(&store);
            let work = async move {
                let scope = Scope::new(&store, "s", promise);
                if number == 0 {
                    return scope.follow(WRITERS * ROUNDS).await;
                }
                for round in 0..ROUNDS {
                    scope.swap(&format!("{number}-{round}"), 0, Some("x")).await?;
                }
                Ok(BTreeMap::new())
            };
            Box::pin(work) as _
        }
    };
    let work: Work<BTreeMap<Digest, Told>> = Arc::new(work);
    let followed = at_once(Promise(promise), WRITERS + 1, work).await?;
    let followed = followed.into_iter().next().unwrap_or_default();
    let scope = Scope::new(&store, "s", promise);
    for told in scope.since(0).await? {
        scope.promise.equal(&Some(&told), &followed.get(&told.0))?;
    }
    Ok(())
}

impl Scope<'_> {
    /// Asks for what is new until so many records are there, each time since the last revision that was told.
    async fn follow(&self, records: usize) -> Result<BTreeMap<Digest, Told>, Nonconformity> {
        let (mut known, mut last) = (BTreeMap::new(), 0);
        loop {
            // Looked at first, so that what comes in between is asked for once more.
            let is_last = self.since(0).await?.len() >= records;
            for told in self.since(last).await? {
                last = last.max(told.1);
                known.insert(told.0, told);
            }
            if is_last {
                return Ok(known);
            }
        }
    }
}
