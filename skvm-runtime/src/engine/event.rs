//! What an engine tells about its work.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::Stream;
use futures::channel::mpsc::{Receiver, Sender, channel};
use serde::Serialize;
use skvm_core::digest::Digest;
use skvm_core::harness::{HarnessEvent, RunStatus};
use skvm_core::target::Target;

use crate::adaptation::Decision;
use crate::life::ActivationReason;
use crate::store::Damage;

/// Most events that wait for one reader.
const CAPACITY: usize = 1024;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A skill was loaded.
    Loaded {
        /// Its name.
        skill: String,
        /// Its digest.
        digest: Digest,
    },
    /// A skill was compiled. Not told when the variant was there already.
    Compiled {
        /// Its name.
        skill: String,
        /// The target.
        target: Target,
        /// The variant's digest.
        variant: Digest,
        /// How many edits it has.
        edits: usize,
        /// Microseconds.
        micros: u64,
    },
    /// A variant became active.
    Activated {
        /// The skill's name.
        skill: String,
        /// The target.
        target: Target,
        /// The variant's digest.
        variant: Digest,
        /// Why.
        reason: ActivationReason,
    },
    /// A file of a skill that is [watched](super::SkVm::watch) changed.
    Changed {
        /// The skill's name.
        skill: String,
        /// The digest that it has now; `None` when it cannot be loaded any more.
        digest: Option<Digest>,
    },
    /// Adaptation decided something.
    Adapted {
        /// The skill's name.
        skill: String,
        /// The target.
        target: Target,
        /// What.
        #[serde(flatten)]
        decision: Decision,
    },
    /// Something in the store was not what was written. It is set aside, and made anew where it can be.
    Damaged {
        /// What, and where it is now.
        damage: Damage,
    },
    /// What a skill needs was set up, or found in place.
    Prepared {
        /// The skill's name.
        skill: String,
        /// How many actions were done.
        performed: usize,
        /// Whether nothing is missing that the skill cannot do without.
        complete: bool,
        /// Microseconds.
        micros: u64,
    },
    /// A harness tells about a run.
    Harness {
        /// The number of the run, from 0 for each engine.
        run: u64,
        /// What it tells.
        #[serde(flatten)]
        event: HarnessEvent,
    },
    /// A run ended.
    Finished {
        /// The number of the run.
        run: u64,
        /// How.
        status: RunStatus,
    },
    /// The reader fell behind and lost events.
    Lost {
        /// How many.
        count: u64,
    },
}

/// The events of an engine, from the moment of subscription. It ends when the engine is dropped.
#[derive(Debug)]
pub struct EventStream(Receiver<Event>);

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

#[derive(Default)]
pub(super) struct Subscribers(Mutex<Vec<Subscriber>>);

struct Subscriber {
    sender: Sender<Event>,
    lost: u64,
}

impl Subscribers {
    pub(super) fn subscribe(&self) -> EventStream {
        let (sender, receiver) = channel(CAPACITY);
        let subscriber = Subscriber { sender, lost: 0 };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(subscriber);
        EventStream(receiver)
    }

    /// Tells every reader; the event is made only when there is one.
    pub(super) fn send(&self, event: impl FnOnce() -> Event) {
        let mut subscribers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| !subscriber.sender.is_closed());
        if subscribers.is_empty() {
            return;
        }
        let event = event();
        for subscriber in subscribers.iter_mut() {
            if subscriber.lost > 0 {
                let told = subscriber.sender.try_send(Event::Lost { count: subscriber.lost });
                if told.is_ok() {
                    subscriber.lost = 0;
                }
            }
            if subscriber.lost > 0 || subscriber.sender.try_send(event.clone()).is_err() {
                subscriber.lost += 1;
            }
        }
    }
}
