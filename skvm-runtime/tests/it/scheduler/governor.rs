//! The governor against a simulated provider and a simulated machine, on a clock of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skvm_runtime::scheduler::{Governor, GovernorBounds, Resource, Sample, Signals};
use tokio::time::{Instant, sleep};

/// How long the provider takes for an answer.
const TOOK: Duration = Duration::from_millis(50);

/// A machine of which nothing is known.
struct Silent;

impl Signals for Silent {
    fn sample(&self) -> Sample {
        Sample::default()
    }
}

/// Serves so many at once and refuses the rest at once.
struct Provider {
    serves: AtomicUsize,
    under_way: AtomicUsize,
    began: Instant,
    /// When each call ended, and whether it was answered.
    calls: Mutex<Vec<(Duration, bool)>>,
}

impl Provider {
    fn new(serves: usize) -> Self {
        Self {
            serves: AtomicUsize::new(serves),
            under_way: AtomicUsize::new(0),
            began: Instant::now(),
            calls: Mutex::default(),
        }
    }

    async fn call(&self) -> bool {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        let is_served = under_way <= self.serves.load(Ordering::SeqCst);
        if is_served {
            sleep(TOOK).await;
        } else {
            sleep(Duration::from_millis(1)).await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.calls.lock().unwrap().push((self.began.elapsed(), is_served));
        is_served
    }

    /// Answers and refusals between two times.
    fn between(&self, from: Duration, to: Duration) -> (usize, usize) {
        let calls = self.calls.lock().unwrap();
        let within = || calls.iter().filter(|(at, _)| (from..to).contains(at));
        let served = within().filter(|(_, served)| *served).count();
        (served, within().count() - served)
    }
}

fn governor() -> Governor {
    let bounds = GovernorBounds { model: 64, ..GovernorBounds::default() };
    Governor::with(bounds, Silent)
}

/// Keeps a hundred callers at it for a time.
async fn load(provider: &Arc<Provider>, governor: &Governor, time: Duration) {
    let end = Instant::now() + time;
    let callers = (0..100).map(|_| {
        let (provider, governor) = (Arc::clone(provider), governor.clone());
        tokio::spawn(async move {
            while Instant::now() < end {
                let permit = governor.acquire(Resource::Model).await;
                match provider.call().await {
                    true => permit.succeeded(),
                    false => permit.refused(None),
                }
            }
        })
    });
    futures::future::join_all(callers).await;
}

/// What the best fixed setting would have had answered.
fn best(serves: usize, time: Duration) -> f64 {
    serves as f64 * time.as_secs_f64() / TOOK.as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn a_provider_with_a_fixed_limit_is_used_and_seldom_refuses() {
    for serves in [1, 4, 32] {
        let (provider, governor) = (Arc::new(Provider::new(serves)), governor());
        let time = Duration::from_secs(21);
        load(&provider, &governor, time).await;
        let second = Duration::from_secs(1);
        let (served, refused) = provider.between(second, time);
        let share = served as f64 / best(serves, time - second);
        let refusals = refused as f64 / (served + refused) as f64;
        assert!(share >= 0.9, "{serves} at once: {share:.3} of the best");
        assert!(refusals < 0.02, "{serves} at once: {refusals:.4} refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_changes_mid_way_is_followed() {
    for (before, after) in [(4, 32), (32, 4), (1, 32), (32, 1)] {
        let (provider, governor) = (Arc::new(Provider::new(before)), governor());
        let half = Duration::from_secs(60);
        let changes = {
            let provider = Arc::clone(&provider);
            tokio::spawn(async move {
                sleep(half).await;
                provider.serves.store(after, Ordering::SeqCst);
            })
        };
        load(&provider, &governor, half * 2).await;
        changes.await.unwrap();
        let second = Duration::from_secs(1);
        let (served, refused) = provider.between(second, half * 2);
        let best = best(before, half - second) + best(after, half);
        let (share, refusals) = (served as f64 / best, refused as f64 / (served + refused) as f64);
        assert!(share >= 0.9, "{before} then {after}: {share:.3} of the best");
        assert!(refusals < 0.02, "{before} then {after}: {refusals:.4} refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_provider_asks_for_is_kept() {
    let governor = governor();
    governor.acquire(Resource::Model).await.refused(Some(Duration::from_secs(30)));
    let began = Instant::now();
    drop(governor.acquire(Resource::Model).await);
    assert!(began.elapsed() >= Duration::from_secs(30));
    // The others are not held up.
    let began = Instant::now();
    drop(governor.acquire(Resource::Network).await);
    assert!(began.elapsed() < Duration::from_secs(1));
}

/// A machine whose state the test sets.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Sample>>);

impl Signals for Told {
    fn sample(&self) -> Sample {
        *self.0.lock().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn work_is_taken_back_under_pressure_and_given_back_behind_it() {
    let told = Told::default();
    let bounds = GovernorBounds { cpu: 8, ..GovernorBounds::default() };
    let governor = Governor::with(bounds, told.clone());
    let look = || async {
        for _ in 0..40 {
            sleep(Duration::from_millis(300)).await;
            governor.acquire(Resource::Cpu).await.succeeded();
        }
        governor.limit(Resource::Cpu)
    };
    let set = |sample| *told.0.lock().unwrap() = sample;
    assert_eq!(look().await, 8, "nothing is known, so the host's bound holds");
    set(Sample { cpu_pressure: Some(0.9), ..Sample::default() });
    assert_eq!(look().await, 1, "and never below one");
    set(Sample { cpu_pressure: Some(0.0), ..Sample::default() });
    assert_eq!(look().await, 8, "and never above the host's bound");
    set(Sample { memory_left: Some(0.01), ..Sample::default() });
    assert_eq!(look().await, 1);
    set(Sample { memory_left: Some(0.5), files_left: Some(0.5), cpu_pressure: Some(0.0) });
    assert_eq!(look().await, 8);
}

#[tokio::test(start_paused = true)]
async fn places_that_are_given_up_are_not_lost() {
    let bounds = GovernorBounds { cpu: 1, ..GovernorBounds::default() };
    let governor = Governor::with(bounds, Silent);
    let first = governor.acquire(Resource::Cpu).await;
    let waits = |governor: &Governor| {
        let governor = governor.clone();
        tokio::spawn(async move { drop(governor.acquire(Resource::Cpu).await) })
    };
    let (second, third) = (waits(&governor), waits(&governor));
    tokio::task::yield_now().await;
    // The second is called and gives up at the same moment.
    drop(first);
    second.abort();
    tokio::time::timeout(Duration::from_secs(5), third).await.unwrap().unwrap();
    drop(governor.acquire(Resource::Cpu).await);
}

#[test]
fn this_machine_tells_something_of_itself() {
    let sample = skvm_runtime::scheduler::HostSignals.sample();
    if cfg!(target_os = "linux") {
        assert!(sample.memory_left.is_some_and(|left| (0.0..=1.0).contains(&left)));
        assert!(sample.files_left.is_some_and(|left| left > 0.0));
        assert!(sample.cpu_pressure.is_some_and(|pressure| (0.0..=1.0).contains(&pressure)));
    }
}
