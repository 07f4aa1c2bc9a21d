//! One compilation a key, however many ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use skvm_core::digest::Digest;

type Flight = futures::lock::Mutex<()>;

#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Digest, Weak<Flight>>>);

impl Flights {
    /// The lock of a key; it lives as long as somebody holds or waits for it.
    pub(super) fn of(&self, key: Digest) -> Arc<Flight> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(Flight::new(()));
        flights.insert(key, Arc::downgrade(&flight));
        flight
    }
}
