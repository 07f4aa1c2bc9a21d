//! Scripts that mix a number so often that nobody does it in the head.

const ADDED: u64 = 7_919;
const MODULUS: u64 = 999_983;

/// A script that mixes the number that it is given, and prints a prefix and the result.
pub(super) fn mixer(rounds: u64, factor: u64, prefix: &str) -> String {
    format!(
        "#!/bin/sh\n# usage: sh mix.sh NUMBER\nn=$1\ni=0\nwhile [ \"$i\" -lt {rounds} ]; do\n  \
         n=$(( (n * {factor} + {ADDED}) % {MODULUS} ))\n  i=$((i + 1))\ndone\nprintf '{prefix}-%06d\\n' \"$n\"\n"
    )
}

pub(super) fn mixed(number: u64, rounds: u64, factor: u64) -> u64 {
    (0..rounds).fold(number, |n, _| (n * factor + ADDED) % MODULUS)
}

/// A script that does the same for the lines of a file: each line's number is added before a round. It takes the
/// arguments of `usage` and the file last.
pub(super) fn file_mixer(factor: u64, prefix: &str, usage: &str) -> String {
    format!(
        "#!/bin/sh\n# usage: {usage}\nfor file in \"$@\"; do :; done\nn=1\nwhile read -r value; do\n  \
         i=0\n  while [ \"$i\" -lt 10 ]; do\n    n=$(( ((n + value) * {factor} + {ADDED}) % {MODULUS} ))\n    \
         i=$((i + 1))\n  done\ndone < \"$file\"\nprintf '{prefix}-%06d\\n' \"$n\"\n"
    )
}

/// What [`file_mixer`]'s script makes of these lines.
pub(super) fn file_mixed(values: &[u64], factor: u64) -> u64 {
    values
        .iter()
        .fold(1, |n, value| (0..10).fold(n, |n, _| ((n + value) * factor + ADDED) % MODULUS))
}
