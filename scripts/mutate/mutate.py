#!/usr/bin/env python3
"""Plants bugs in the code and prints which check finds each.

    python3 scripts/mutate/mutate.py [-jobs N] [NAME ...]

A bug of mutations.py that no check finds fails the run, and so does one whose
text the code no longer has or that does not compile. NAMEs are planted alone.
The tree itself is not touched: go build -overlay takes the changed file from
elsewhere.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from mutations import MUTATIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What may find a bug, by the folder of the mutated file: first the check that
# mutations.py names, then the others in this order.
CHECKS = {
    "pkg/breaker": {
        "exploration": ["-test.run=^TestExplore$", "-explore.level=0"],
        "rules": ["-test.short", "-test.skip=^Test(Explore|Walk)"],
        "random walks": ["-test.run=^TestWalk"],
        "larger exploration": ["-test.run=^TestExplore$", "-explore.level=1"],
    },
    "pkg/breaker/dynamostore": {"dynamostore": ["-test.short"]},
    "internal/guard": {"guard": ["-ticket.calls=1000000"]},
}
BREACH = re.compile(r"^\s+([1-9] [a-z][^:]+): (.*)$", re.M)
SAID = re.compile(r"_test\.go:\d+: (.*)$", re.M)
FAILED = re.compile(r"^--- FAIL: (\S+)", re.M)


class Broken(Exception):
    """A planted bug that cannot be tried."""


def plant(mutation, folder: pathlib.Path) -> pathlib.Path:
    """An overlay of the package with the bug, and without what finds none."""
    source = ROOT / mutation.folder / mutation.file
    text = source.read_text()
    if text.count(mutation.old) != 1:
        raise Broken(f"{mutation.file} has its text {text.count(mutation.old)} times")
    changed = folder / mutation.file
    changed.write_text(text.replace(mutation.old, mutation.new))
    replace = {str(path): "" for path in source.parent.glob("simulate_*_test.go")}
    replace[str(source)] = str(changed)
    overlay = folder / "overlay.json"
    overlay.write_text(json.dumps({"Replace": replace}))
    return overlay


def build(overlay: pathlib.Path, binary: pathlib.Path, folder: str) -> None:
    command = ["go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", str(overlay), "-o", str(binary), "./" + folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken("does not compile: " + done.stderr.strip().splitlines()[-1])


def find(mutation) -> tuple[str, str]:
    """The check that a planted bug fails, and what that says; or two empty texts."""
    with tempfile.TemporaryDirectory() as temp:
        folder = pathlib.Path(temp)
        binary = folder / "breaker.test"
        build(plant(mutation, folder), binary, mutation.folder)
        checks = CHECKS[mutation.folder]
        for name in sorted(checks, key=lambda name: name != mutation.found):
            if said := run(binary, checks[name], ROOT / mutation.folder):
                return name, said
    return "", ""


def run(binary: pathlib.Path, check: list[str], cwd: pathlib.Path) -> str:
    """What a check says if it fails."""
    command = [str(binary), "-test.failfast", "-test.timeout=120s", *check]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    out = done.stdout + done.stderr
    if breach := BREACH.search(out):
        return short(f"{breach[1]}: {breach[2]}")
    said = SAID.search(out)
    if failed := FAILED.search(out):
        return short(f"`{failed[1]}`" + (f": {said[1]}" if said else ""))
    return short(out.strip().splitlines()[0])


def short(text: str) -> str:
    return text if len(text) <= 160 else text[:160] + " …"


def attempt(mutation) -> tuple[str, str]:
    try:
        return find(mutation)
    except Broken as err:
        return "", str(err)


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if not options.names or m.name in options.names]
    if not chosen:
        print("no planted bug has that name", file=sys.stderr)
        return 2
    began, missed = time.monotonic(), 0
    print("| planted bug | found by | which says |\n|---|---|---|")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutation, (check, said) in zip(chosen, pool.map(attempt, chosen)):
            missed += not check
            print(f"| {mutation.name} | {check or '**nothing**'} | {cell(said)} |", flush=True)
    print(f"| **{len(chosen)} planted, {len(chosen) - missed} found** | | |")
    print(f"\n{time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
