#!/usr/bin/env python3
"""What sharding costs, as ratios of runs made in turns on this machine.

    usage: scripts/bench_shards.py PROGRAM [MODEL [PEOPLE [TURNS]]]     MODEL: fake:7 unless named

overhead   processor time of 8 shards, one after the other, and their merge, over that of the run in one piece: at most 1.03.
           Each shard opens the model, so that it takes a run long enough (tens of seconds a shard) to be seen as it is.
scaling    `--workers cpu:1,cpu:1` against one process of two threads: processor time of the one process over that of the
           workers, and the same of time by the clock, which means something on an idle machine only: at least 0.95.

Every turn's runs are compared byte for byte. The report that ends a run is in all of these figures.
"""

import filecmp
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHARDS = 8
FILES = ["run.json", "people.json", "records.jsonl", "evidence-likelihood.jsonl", "evidence-label.jsonl"]
SURVEY = Path(__file__).parent.parent / "data" / "synthetic-respondents.csv"


def spent(commands: list, threads: int) -> tuple:
    """Seconds of the processor, children of the program included, and by the clock."""
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for command in commands:
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, time.monotonic() - begun


def same(first: Path, second: Path) -> None:
    for name in FILES:
        assert filecmp.cmp(first / name, second / name, shallow=False), f"{name} of {second} differs"


def main() -> None:
    program = sys.argv[1]
    model, people, turns = (sys.argv[2:] + ["fake:7", "64", "3"][len(sys.argv) - 2 :])[:3]
    run = [program, "run", "--model", model, "--survey", SURVEY, "--limit", people, "--methods", "likelihood,label"]
    run += ["--demonstrations", "0,50", "--splits", "1", "--quiet"]
    ratios: dict = {"overhead": [], "scaling, processor time": [], "scaling, by the clock": []}
    for turn in range(1, int(turns) + 1):
        folder = Path(tempfile.mkdtemp())
        whole, parts, two, workers = (folder / name for name in ("whole", "parts", "two", "workers"))
        one, _ = spent([[*run, "--threads", "1", "--out", whole]], 1)
        shards = [[*run, "--threads", "1", "--out", parts, "--shard", f"{at}/{SHARDS}"] for at in range(1, SHARDS + 1)]
        eight, _ = spent([*shards, [program, "merge", parts, "--quiet"]], 1)
        alone, alone_clock = spent([[*run, "--threads", "2", "--out", two]], 2)
        both, both_clock = spent([[*run, "--workers", "cpu:1,cpu:1", "--out", workers]], 2)
        for other in (parts, two, workers):
            same(whole, other)
        shutil.rmtree(folder)
        found = [eight / one, alone / both, alone_clock / both_clock]
        print(f"turn {turn}: one piece {one:.1f} s, {SHARDS} shards {eight:.1f} s; two threads {alone:.1f} s, two workers {both:.1f} s")
        for ratio, value in zip(ratios.values(), found):
            ratio.append(value)
    for name, values in ratios.items():
        print(f"{name}: {statistics.median(values):.3f} ({', '.join(f'{value:.3f}' for value in values)})")


if __name__ == "__main__":
    main()
