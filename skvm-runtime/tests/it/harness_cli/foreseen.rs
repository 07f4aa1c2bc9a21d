//! foreseen
