#!/bin/sh
# Surveys the directory that the task names: "survey src". It counts by itself and has its colleague
# `finder` name the largest files meanwhile. Inside a task, `anet send` acts as this node, for this task only:
# it needs no token, and the task it sends is a part of this one.
set -eu

task=$(cat)
directory=${task#survey }
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

anet send finder "largest files under $directory" --wait >"$answer" &
colleague=$!

files() {
  find "$directory" \( -name .git -o -name target -o -name node_modules -o -name .anet \) -prune -o -type f "$@"
}
counted="$(files -print | wc -l | tr -d ' ') files with $(files -exec cat {} + | wc -l | tr -d ' ') lines"

wait "$colleague"
echo "$directory: $counted (counted by $ANET_ALIAS)"
echo "its largest files, in lines (found by finder):"
cat "$answer"
