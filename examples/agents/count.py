#!/usr/bin/env python3
"""The agent of count.sh in Python: the task on stdin, the answer on stdout, a failure as exit code and stderr."""
import os
import pathlib
import sys

SKIPPED = {".git", "target", "node_modules", ".anet"}

directory = pathlib.Path(sys.stdin.read().strip().rpartition(" under ")[2])
if not directory.is_dir():
    sys.exit(f'there is no directory "{directory}" in {os.environ["ANET_PROJECT_DIR"]}')

files = [path for path in directory.rglob("*") if path.is_file() and not SKIPPED & set(path.parts)]
lines = sum(path.read_bytes().count(b"\n") for path in files)
print(f"{lines} lines in {len(files)} files under {directory}")
