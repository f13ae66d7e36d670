#!/usr/bin/env python3
"""Makes a large run without computing it, to measure what reads runs: merge, report, verify, compare, and a run that is
complete already.

    usage: scripts/grow_run.py PROGRAM OUTCOMES FOLDER [SHARDS] [--model NAME] [--people N]

PROGRAM is a built indieval, OUTCOMES such as 2000000. The model, by default the fake one, answers some synthetic people. A
survey of many times as many, copies of the same people under other names, is then begun and stopped at once, so that the
program itself writes run.json and people.json; records and evidence of the copies are those of the originals with their own
ids and checks (docs/formats.md). FOLDER gets the survey and the run, which is in one piece, or in so many shards that
`indieval merge` has to merge.

Tokens of the fake model are single bytes, so a line of its evidence has five to six times as many as a real model's. For
lines as real runs have them: `--model SmolLM2-135M-Instruct --people 2`, which computes for some minutes. The grid is the
same, so that all that differs is the lines.
"""

import argparse
import csv
import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

KINDS = ["likelihood", "label"]
# In one order, that of the catalogue: others are drawn for each person.
GRID = ["--methods", ",".join(KINDS), "--orders", "1", "--demonstrations", "0,2", "--splits", "1,2,3", "--quiet"]
COPY = re.compile(r"(.*)-copy-\d+")
ID = re.compile(rb'^\{"id":"[0-9a-f]{16}"')
CHECK = re.compile(rb',"check":"[0-9a-f]{16}"\}\n$')


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest()[:16].encode()


def grow_survey(small: Path, large: Path, copies: int) -> None:
    """Every person again and again. Which column holds the id is known by its name in the World Values Survey."""
    with small.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    at = head.index("D_INTERVIEW")
    with large.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        for copy in range(copies):
            out.writerows(row[:at] + [f"{row[at]}-copy-{copy}"] + row[at + 1 :] for row in rows)


def begin(command: list, folder: Path) -> None:
    """Starts a run and stops it as soon as it says what it is."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "sessions.jsonl").exists():
        assert process.poll() is None, f"{command} ended"
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.wait()


def originals(folder: Path) -> dict:
    """By respondent: the front and back of every record's line, what its id is made from, its kind, and its evidence."""
    evidence = {kind: (folder / f"evidence-{kind}.jsonl").open("rb") for kind in KINDS}
    people: dict = {}
    for line in (folder / "records.jsonl").open("rb"):
        record = json.loads(line)
        keys = ["split", "question", "method", "demonstrations", "form", "demographics", "restricted_to", "control"]
        asked = json.dumps([record[key] for key in keys], separators=(",", ":"), ensure_ascii=False).encode()[1:]
        text = CHECK.sub(b"", ID.sub(b"", line))
        text = text[text.index(b',"split"') :]
        said = CHECK.sub(b"", ID.sub(b"", evidence[record["method"]].readline()))
        people.setdefault(record["respondent"], []).append((asked, text, record["method"], said))
    return people


def fill(folder: Path, people: dict) -> int:
    """Writes the records and evidence of everyone in people.json."""
    start = json.loads((folder / "run.json").read_text(encoding="utf-8"))["check"].encode()
    last, proofs, count = start, dict.fromkeys(KINDS, start), 0
    files = {kind: (folder / f"evidence-{kind}.jsonl").open("wb") for kind in KINDS}
    with (folder / "records.jsonl").open("wb") as records:
        for person in json.loads((folder / "people.json").read_text(encoding="utf-8"))["people"]:
            name = json.dumps(person["id"]).encode()
            for asked, text, kind, said in people[COPY.fullmatch(person["id"])[1]]:
                own = b'{"id":"' + digest(b"[" + name + b"," + asked) + b'"'
                said, text = own + said, own + b',"respondent":' + name + text
                proofs[kind] = digest(proofs[kind] + said)
                files[kind].write(said + b',"check":"' + proofs[kind] + b'"}\n')
                last = digest(last + proofs[kind] + text)
                records.write(text + b',"check":"' + last + b'"}\n')
                count += 1
    for file in files.values():
        file.close()
    return count


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Makes a large run without computing it.")
    parser.add_argument("program", help="a built indieval")
    parser.add_argument("outcomes", type=int, help="how many, at the least")
    parser.add_argument("folder", type=Path)
    parser.add_argument("shards", type=int, nargs="?", default=0, help="a run in so many shards; without it in one piece")
    parser.add_argument("--model", default="fake:7", help="who answers; default %(default)s")
    parser.add_argument("--people", type=int, default=40, help="people who are computed and copied; default %(default)s")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    program, folder, shards = chosen.program, chosen.folder, chosen.shards
    grid = ["--model", chosen.model, *GRID]
    folder.mkdir(parents=True, exist_ok=True)
    small, large, run = folder / "small.csv", folder / "people.csv", folder / "run"
    if not small.exists():
        subprocess.run([program, "survey", "synth", "--respondents", str(chosen.people), "--seed", "3", "--out", small], check=True)
    subprocess.run([program, "run", *grid, "--survey", small, "--out", folder / "small"], check=True)
    people = originals(folder / "small")
    grow_survey(small, large, -(-chosen.outcomes // sum(map(len, people.values()))))
    command = [program, "run", *grid, "--survey", large, "--out", run]
    count = 0
    for shard in range(1, shards + 1):
        part = run / "shards" / f"{shard}-of-{shards}"
        begin([*command, "--shard", f"{shard}/{shards}"], part)
        count += fill(part, people)
    if not shards:
        begin(command, run)
        count = fill(run, people)
    size = sum(file.stat().st_size for file in run.rglob("*.jsonl"))
    print(f"{count:,} outcomes in {run}, {size / count:,.0f} bytes a record")


if __name__ == "__main__":
    main()
