//! How many at once, adapted while running.

mod limiter;
mod signals;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::oneshot;
use tokio::time::{Instant, sleep_until};

use limiter::Limiter;
pub use signals::{HostSignals, Sample, Signals};

/// How often the machine is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Pressure above which CPU-bound work is taken back, and below which there may be more of it.
const PRESSURE: (f64, f64) = (0.4, 0.15);

/// Shares of memory and open files below which nothing more is begun than must be.
const SCARCE: f64 = 0.08;

/// What work is bounded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A model's provider.
    Model,
    /// This machine's CPUs and memory.
    Cpu,
    /// The network, and those who answer there.
    Network,
}

/// The most that a host allows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GovernorBounds {
    /// Calls of a model. Default 32.
    pub model: usize,
    /// CPU-bound work. Default: as many as there are cores, within the quota of the control group.
    pub cpu: usize,
    /// Requests to the network. Default 32.
    pub network: usize,
}

impl Default for GovernorBounds {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { model: 32, cpu: cores, network: 32 }
    }
}

/// Bounds how much is under way at once, by what comes back: refusals and slow answers for the model and the
/// network, pressure, memory and open files for the CPU. Never below one, never above the host's bounds.
/// Cheap to clone; clones share the bounds.
///
/// ```
/// # async fn example() {
/// use skvm_runtime::scheduler::{Governor, Resource};
///
/// let governor = Governor::new();
/// let permit = governor.acquire(Resource::Model).await;
/// // … the call …
/// permit.succeeded(); // or `refused(retry_after)`; dropped, it says nothing
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example());
/// ```
#[derive(Clone)]
pub struct Governor(Arc<Inner>);

struct Inner {
    signals: Box<dyn Signals>,
    state: Mutex<State>,
}

struct State {
    lanes: [Lane; 3],
    looked: Option<Instant>,
    sample: Sample,
}

struct Lane {
    limiter: Limiter,
    under_way: usize,
    waiting: VecDeque<oneshot::Sender<()>>,
    paused_until: Option<Instant>,
}

impl std::fmt::Debug for Governor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        let limits: Vec<usize> = state.lanes.iter().map(|lane| lane.limiter.limit()).collect();
        f.debug_struct("Governor").field("limits", &limits).finish_non_exhaustive()
    }
}

impl Default for Governor {
    fn default() -> Self {
        Self::new()
    }
}

impl Governor {
    /// A governor with the default bounds that looks at this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::with(GovernorBounds::default(), HostSignals)
    }

    /// A governor with these bounds and signals.
    #[must_use]
    pub fn with(bounds: GovernorBounds, signals: impl Signals + 'static) -> Self {
        let lane =
            |limiter| Lane { limiter, under_way: 0, waiting: VecDeque::new(), paused_until: None };
        let lanes = [
            lane(Limiter::new(bounds.model)),
            lane(Limiter::full(bounds.cpu)),
            lane(Limiter::new(bounds.network)),
        ];
        let state = State { lanes, looked: None, sample: Sample::default() };
        Self(Arc::new(Inner { signals: Box::new(signals), state: Mutex::new(state) }))
    }

    /// The same governor, before its first call, beginning at the host's bounds instead of finding them out
    /// from one call on: for a provider that is known to bear them.
    #[must_use]
    pub fn warmed_up(self) -> Self {
        for resource in [Resource::Model, Resource::Network] {
            self.state().lane(resource).limiter.warm_up();
        }
        self
    }

    /// How many may be under way now.
    #[must_use]
    pub fn limit(&self, resource: Resource) -> usize {
        self.state().lane(resource).limiter.limit()
    }

    /// Waits until one more may be under way. Who waits first is served first; dropping the future gives the
    /// place up.
    pub async fn acquire(&self, resource: Resource) -> Permit {
        loop {
            self.look();
            let (turn, pause) = {
                let mut state = self.state();
                let lane = state.lane(resource);
                let now = Instant::now();
                lane.paused_until = lane.paused_until.filter(|until| *until > now);
                match lane.paused_until {
                    Some(until) => (None, Some(until)),
                    None if lane.under_way < lane.limiter.limit() => {
                        lane.under_way += 1;
                        let busy = lane.under_way >= lane.limiter.limit();
                        let epoch = lane.limiter.epoch();
                        let governor = self.clone();
                        return Permit { governor, resource, epoch, busy, began: now, told: false };
                    }
                    None => {
                        let (sender, receiver) = oneshot::channel();
                        lane.waiting.push_back(sender);
                        (Some(Turn { governor: self, resource, receiver }), None)
                    }
                }
            };
            if let Some(until) = pause {
                sleep_until(until).await;
            }
            if let Some(mut turn) = turn {
                // A sender that is gone without a word has woken us, too.
                let _ = (&mut turn.receiver).await;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the machine, if that was not done just now.
    fn look(&self) {
        let now = Instant::now();
        {
            let mut state = self.state();
            if state.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_EVERY) {
                return;
            }
            state.looked = Some(now);
        }
        // Without the lock: this reads files.
        let sample = self.0.signals.sample();
        let mut state = self.state();
        state.sample = sample;
        let is_scarce = |share: Option<f64>| share.is_some_and(|share| share < SCARCE);
        let scarce = is_scarce(sample.memory_left) || is_scarce(sample.files_left);
        let pressure = sample.cpu_pressure.unwrap_or(0.0);
        let cpu = &mut state.lane(Resource::Cpu);
        if scarce || pressure > PRESSURE.0 {
            cpu.limiter.pressed(true);
        } else if pressure < PRESSURE.1 {
            cpu.limiter.pressed(false);
        }
        cpu.wake();
        if scarce {
            state.lane(Resource::Model).limiter.pressed(true);
            state.lane(Resource::Network).limiter.pressed(true);
        }
    }

    fn release(&self, resource: Resource, tell: impl FnOnce(&mut Lane)) {
        let mut state = self.state();
        let lane = state.lane(resource);
        lane.under_way = lane.under_way.saturating_sub(1);
        tell(lane);
        lane.wake();
    }
}

/// A place in the queue. One that is given up after it was called passes the call on.
struct Turn<'g> {
    governor: &'g Governor,
    resource: Resource,
    receiver: oneshot::Receiver<()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Ok(Some(())) = self.receiver.try_recv() {
            self.governor.state().lane(self.resource).wake();
        }
    }
}

impl State {
    fn lane(&mut self, resource: Resource) -> &mut Lane {
        let at = match resource {
            Resource::Model => 0,
            Resource::Cpu => 1,
            Resource::Network => 2,
        };
        &mut self.lanes[at]
    }
}

impl Lane {
    /// Wakes as many as there are places; who is woken looks again.
    fn wake(&mut self) {
        let places = self.limiter.limit().saturating_sub(self.under_way);
        let mut woken = 0;
        while woken < places
            && let Some(waiting) = self.waiting.pop_front()
        {
            // One that gave up its place wakes the next in its stead.
            woken += usize::from(waiting.send(()).is_ok());
        }
    }
}

/// A place among those that may be under way. Dropped without a word it says nothing about what came back.
#[must_use]
#[derive(Debug)]
pub struct Permit {
    governor: Governor,
    resource: Resource,
    epoch: u64,
    busy: bool,
    began: Instant,
    told: bool,
}

impl Permit {
    /// An answer came.
    pub fn succeeded(mut self) {
        self.told = true;
        let (took, busy) = (self.began.elapsed(), self.busy);
        let by_answers = self.resource != Resource::Cpu;
        self.governor.release(self.resource, |lane| {
            // How much CPU-bound work there may be is for the machine to say.
            if by_answers {
                lane.limiter.succeeded(took, busy || !lane.waiting.is_empty());
            }
        });
    }

    /// The call was refused: too many at once. `retry_after` is what the other side asked for.
    pub fn refused(mut self, retry_after: Option<Duration>) {
        self.told = true;
        let epoch = self.epoch;
        self.governor.release(self.resource, |lane| {
            let pause = lane.limiter.refused(epoch, retry_after);
            let until = Instant::now() + pause;
            lane.paused_until = Some(lane.paused_until.map_or(until, |known| known.max(until)));
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.told {
            self.governor.release(self.resource, |_| ());
        }
    }
}
