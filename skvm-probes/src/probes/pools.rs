//! Words to draw from.

/// First names.
pub(super) const PEOPLE: [&str; 20] = [
    "Ada", "Bruno", "Clara", "David", "Edith", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Karla",
    "Leo", "Mara", "Nils", "Olga", "Paul", "Rosa", "Simon", "Tilda", "Viktor",
];

/// Cities.
pub(super) const CITIES: [&str; 16] = [
    "Accra", "Bern", "Cairo", "Delhi", "Hanoi", "Lima", "Lisbon", "Oslo", "Paris", "Porto",
    "Prague", "Quito", "Riga", "Rome", "Seoul", "Turin",
];

/// Things, in the singular; the plural takes an `s`.
pub(super) const THINGS: [&str; 24] = [
    "anchor", "basket", "bottle", "candle", "carpet", "drum", "engine", "feather", "garden",
    "hammer", "island", "jacket", "kettle", "ladder", "lantern", "magnet", "mirror", "needle",
    "pencil", "pillow", "ribbon", "saddle", "table", "window",
];

/// Colours, as CSS names them.
pub(super) const COLOURS: [&str; 10] =
    ["black", "blue", "green", "grey", "orange", "purple", "red", "teal", "white", "yellow"];

/// Names of columns, keys and the like, as they stand in code.
pub(super) const KEYS: [&str; 16] = [
    "alpha", "bravo", "cedar", "delta", "ember", "fjord", "grove", "haven", "indigo", "jade",
    "lunar", "maple", "north", "ocean", "prism", "quartz",
];
