#!/usr/bin/env python3
"""Plants bugs in a copy of pkg/breaker and tells which check finds each.

    python3 scripts/mutate/mutate.py [-quick] [-jobs N] [NAME ...]

A bug of mutations.py that no check finds fails the run, and so does one whose
text the code no longer has. -quick plants those marked as quick only; NAMEs,
those alone. The tree itself is not touched.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from mutations import MUTATIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = pathlib.Path("pkg/breaker")

# Tried in this order, cheap first, until one fails: a small exploration, random
# schedules, the tests of single rules, a larger exploration.
CHECKS = [
    ["-test.run=^TestExplore$", "-explore.level=0"],
    ["-test.run=^TestFleet"],
    ["-test.short", "-test.run=^Test[^EF]"],
    ["-test.run=^TestExplore$", "-explore.level=1"],
]
BREACH = re.compile(r"^\s+([1-9] [a-z][^:]+): (.*)$", re.M)
SAID = re.compile(r"_test\.go:\d+: (.*)$", re.M)
FAILED = re.compile(r"^--- FAIL: (\S+)", re.M)


class Broken(Exception):
    """A planted bug that cannot be tried."""


def copy_module(to: pathlib.Path) -> None:
    for name in ("go.mod", "go.sum"):
        shutil.copy(ROOT / name, to)
    skip = shutil.ignore_patterns("simulate_*_test.go", "dynamostore", "testdata")
    shutil.copytree(ROOT / PACKAGE, to / PACKAGE, ignore=skip)


def plant(source: pathlib.Path, old: str, new: str) -> None:
    text = source.read_text()
    if text.count(old) != 1:
        raise Broken(f"{source.name} has its text {text.count(old)} times")
    source.write_text(text.replace(old, new))


def find(mutation) -> tuple[str, str]:
    """The check that a planted bug fails, and what that says; or two empty texts."""
    with tempfile.TemporaryDirectory() as temp:
        module = pathlib.Path(temp)
        copy_module(module)
        plant(module / PACKAGE / mutation.file, mutation.old, mutation.new)
        binary = module / "breaker.test"
        build = subprocess.run(
            ["go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", str(binary), "./" + str(PACKAGE)],
            cwd=module, capture_output=True, text=True, check=False,
        )
        if build.returncode != 0:
            raise Broken("does not compile: " + build.stderr.strip().splitlines()[-1])
        for check in CHECKS:
            killer = run(binary, check, module / PACKAGE)
            if killer:
                return killer
    return "", ""


def run(binary: pathlib.Path, check: list[str], cwd: pathlib.Path) -> tuple[str, str] | None:
    command = [str(binary), "-test.failfast", "-test.timeout=120s", *check]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    out = done.stdout + done.stderr
    if breach := BREACH.search(out):
        return "TestExplore", f"{breach[1]}: {breach[2]}"
    if failed := FAILED.search(out):
        said = SAID.search(out)
        return failed[1], said[1][:160] if said else ""
    return check[-1], out.strip().splitlines()[0][:160]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-quick", action="store_true", help="only those marked as quick")
    parser.add_argument("-jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if (m.quick or not options.quick) and (not options.names or m.name in options.names)]
    if not chosen:
        print("no planted bug has that name", file=sys.stderr)
        return 2
    began, missed = time.monotonic(), 0
    print("| planted bug | found by | which says |\n|---|---|---|")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutation, found in zip(chosen, pool.map(attempt, chosen)):
            missed += not found[0]
            print(f"| {mutation.name} | {found[0] or '**nothing**'} | {found[1]} |", flush=True)
    print(f"\n{len(chosen) - missed} of {len(chosen)} planted bugs found, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


def attempt(mutation) -> tuple[str, str]:
    try:
        return find(mutation)
    except Broken as err:
        return "", str(err)


if __name__ == "__main__":
    sys.exit(main())
