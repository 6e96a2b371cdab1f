#!/bin/sh
# Names the largest files under the directory that the task names after "files under": "largest files under src".
# A task that begins with "slowly" takes three seconds, so that there is time to watch it, or to kill its node.
set -eu

task=$(cat)
directory=${task##*files under }
if [ ! -d "$directory" ]; then
  echo "there is no directory \"$directory\"" >&2
  exit 1
fi
case $task in slowly*) sleep 3 ;; esac

cd "$directory"
find . \( -name .git -o -name target -o -name node_modules -o -name .anet \) -prune -o -type f -exec wc -l {} + |
  grep -v ' total$' | sort -rn | head -n 5
