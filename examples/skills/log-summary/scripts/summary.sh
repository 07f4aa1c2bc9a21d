#!/bin/sh
# Counts the lines of each level in a log and lists the most frequent error messages.
# usage: summary.sh LOG [HOW_MANY]
set -eu

if [ $# -lt 1 ]; then
    echo "usage: summary.sh LOG [HOW_MANY]" >&2
    exit 2
fi
log=$1
top=${2:-3}
if [ ! -f "$log" ]; then
    echo "no such file: $log" >&2
    exit 1
fi

for level in ERROR WARN INFO; do
    printf '%-5s %s\n' "$level" "$(grep -c " $level " "$log" || true)"
done

echo "most frequent errors:"
awk '/ ERROR / { sub(/^.* ERROR /, ""); print }' "$log" | sort | uniq -c | sort -rn | head -n "$top"
