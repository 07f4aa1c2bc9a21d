#!/bin/sh
# review.sh FILE: the words of a text file and the places in it that are marked TODO.
# REVIEW_SECONDS: how long to wait first, as a slower check would.
set -eu
sleep "${REVIEW_SECONDS:-0}"
words=$(wc -w <"$1")
marks=$(grep -c TODO "$1" || true)
echo "$1: $((words)) words, $marks TODO"
