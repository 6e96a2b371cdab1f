#!/bin/sh
# Counts the lines of the files under the directory that the task names after "under": "count the lines under src".
# An agent of the `command` runtime: the task arrives on stdin, the answer leaves on stdout, and a
# non-zero exit with words on stderr is a failure with a reason.
set -eu

task=$(cat)
directory=${task##* under }
if [ ! -d "$directory" ]; then
  echo "there is no directory \"$directory\" in $ANET_PROJECT_DIR" >&2
  exit 1
fi

files() {
  find "$directory" \( -name .git -o -name target -o -name node_modules -o -name .anet \) -prune -o -type f "$@"
}

echo "$(files -exec cat {} + | wc -l | tr -d ' ') lines in $(files -print | wc -l | tr -d ' ') files under $directory"
