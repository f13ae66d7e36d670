#!/usr/bin/env python3
"""What `run --dry-run` says a run takes at most, beside the anonymous memory that it takes.

    usage: scripts/check_memory.py PROGRAM MODEL [OPTIONS...]

PROGRAM is a built indieval, MODEL what `--model` takes, each of OPTIONS some options of `run` as one word, such as
"--limit 4 --methods likelihood --dtype f32"; without any, those of the table in docs/benchmarks.md. The synthetic respondents of
data/ are asked. One line each: measured (RssAnon, looked at every 5 ms), planned, their ratio.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_memory import measured

PEOPLE = Path(__file__).parent.parent / "data/synthetic-respondents.csv"
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
CASES = [
    "--limit 1 --demonstrations 20 --methods likelihood --dtype f32",
    "--limit 4 --demonstrations 100 --methods likelihood --dtype f32",
    "--limit 2 --demonstrations 100 --methods label --dtype bf16",
    "--limit 4 --demonstrations 100 --methods likelihood --dtype f32 --memory 200MB",
    "--limit 4 --demonstrations 100 --methods likelihood --dtype bf16 --memory 150MB",
    "--limit 4 --demonstrations 100 --methods likelihood --dtype f32 --weights quantized",
    "--limit 4 --demonstrations 100 --methods likelihood --dtype bf16 --weights quantized",
    "--limit 1 --demonstrations 20 --methods generation --dtype f32",
    "--limit 2 --demonstrations 100 --methods generation --dtype f32",
    "--limit 1 --demonstrations 50 --methods generation --dtype f32 --memory 400MB --slow",
    "--limit 1 --demonstrations 50 --methods generation --dtype bf16 --weights quantized --slow",
]


def planned(command: list) -> float:
    done = subprocess.run([*command, "--dry-run"], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("memory")]
    if not lines:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    number, unit = lines[0].removeprefix("memory").split(" at most")[0].split()
    return float(number.replace(",", "")) * UNITS[unit]


def taken(command: list) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        whole = [*command, "--quiet", "--out", f"{scratch}/run"]
        _, _, anonymous, _, _ = measured(whole, dict(os.environ), subprocess.DEVNULL)
        return anonymous


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__.split("\n\n")[1].strip())
    program, model, *cases = sys.argv[1:]
    print(f"{'measured':>10}{'planned':>10}{'ratio':>7}")
    for case in cases or CASES:
        command = [program, "run", "--model", model, "--survey", str(PEOPLE), "--splits", "1", *case.split()]
        plan, took = planned(command), taken(command)
        print(f"{took / 1e6:>7.0f} MB{plan / 1e6:>7.0f} MB{took / plan:>7.2f}  {case}", flush=True)


main()
