#!/usr/bin/env python3
"""Time and memory of `score` or `generate` on one checkpoint, with its weights in place and read layer by layer.

    usage: scripts/bench_memory.py PROGRAM FOLDER [--people N] [--prefix N] [--continuations N] [--write N] [--dtype D] [--weights W] LIMIT...

PROGRAM is a built indieval, FOLDER a checkpoint such as examples/random_checkpoint writes, LIMIT a value of `--memory` or
`all`, which gives none. The work is that of W unless told otherwise: a prefix of 3,500 tokens and 87 continuations of 15 for
each person, of ids below 128, which every tokenizer has. With `--write N` each person is a prompt of as many short words as the
prefix has tokens, and N tokens are written behind it. One line a limit, all in turns as given: seconds by the clock, processor time
over the threads, most anonymous memory (RssAnon, looked at every 5 ms), all that was resident at once (VmHWM, file pages
included), bytes read from the disk, and the time against the first limit's. All must give the same bytes.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTINUATION = 15


def lines_of(work: argparse.Namespace) -> list:
    draw = random.Random(7)
    if work.write:
        words = lambda: " ".join(draw.choice(["I", "we", "you", "they"]) for _ in range(work.prefix))
        return [json.dumps({"prompt": words()}) for _ in range(work.people)]
    ids = lambda count: [draw.randrange(2, 128) for _ in range(count)]
    lines = []
    for _ in range(work.people):
        prefix = ids(work.prefix)
        lines += [
            json.dumps({"context_token_ids": prefix, "continuation_token_ids": ids(CONTINUATION)})
            for _ in range(work.continuations)
        ]
    return lines


def entry(path: Path, name: str) -> int:
    """A number of a file of /proc/PID, 0 when it is gone."""
    try:
        text = path.read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in text.splitlines() if line.startswith(name + ":")]
    return int(found[0]) if found else 0


def measured(command: list, environment: dict, stdout=None) -> tuple:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=stdout)
    at = Path("/proc") / str(process.pid)
    anonymous = resident = read = 0
    while process.poll() is None:
        anonymous = max(anonymous, entry(at / "status", "RssAnon") * 1024)
        resident = max(resident, entry(at / "status", "VmHWM") * 1024)
        read = max(read, entry(at / "io", "read_bytes"))
        time.sleep(0.005)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}: status {process.returncode}")
    clock, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return clock, used, anonymous, resident, read


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("folder", type=Path)
    for name, default in [("people", 1), ("prefix", 3500), ("continuations", 87)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--write", type=int)
    parser.add_argument("--dtype", default="bf16")
    parser.add_argument("--weights")
    parser.add_argument("limits", nargs="+")
    work = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    tokens = work.people * (work.prefix + work.continuations * CONTINUATION)
    size = f"({work.prefix} + {work.continuations} x {CONTINUATION}) = {tokens} tokens"
    if work.write:
        size = f"a prompt of {work.prefix} words and {work.write} tokens of an answer"
    print(f"{work.folder}, {work.dtype}: {work.people} x {size}")
    print(f"{'memory':>10}{'clock, s':>10}{'CPU, s':>10}{'ratio':>8}{'anonymous':>12}{'resident':>12}{'read':>12}")
    with tempfile.TemporaryDirectory() as scratch:
        lines = Path(scratch) / "lines.jsonl"
        lines.write_text("\n".join(lines_of(work)) + "\n")
        first = None
        for number, limit in enumerate(work.limits):
            out = Path(scratch) / f"scores-{number}.jsonl"
            command = [work.program, "generate" if work.write else "score", lines, "--out", out, "--quiet"]
            command += ["--model", work.folder, "--dtype", work.dtype]
            command += ["--max-tokens", str(work.write)] if work.write else []
            command += [] if limit == "all" else ["--memory", limit]
            command += ["--weights", work.weights] if work.weights else []
            clock, used, anonymous, resident, read = measured(command, {**os.environ, "RAYON_NUM_THREADS": str(threads)})
            first = first or (clock, out.read_bytes())
            mega = [f"{number / 1e6:.0f} MB" for number in (anonymous, resident, read)]
            row = f"{limit:>10}{clock:>10.1f}{used / threads:>10.1f}{clock / first[0]:>8.3f}"
            print(row + "".join(f"{text:>12}" for text in mega), flush=True)
            assert out.read_bytes() == first[1], f"--memory {limit} writes something else"


if __name__ == "__main__":
    main()
