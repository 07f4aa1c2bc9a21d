//! Whether a store keeps what [`Store`](super::Store) promises.
