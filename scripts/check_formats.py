#!/usr/bin/env python3
"""Reads a run's files with the one-liners of docs/formats.md and compares with the report's own figures.

    usage: scripts/check_formats.py PROGRAM     PROGRAM is a built indieval, such as target/debug/indieval

Needs pandas, polars and duckdb; what is not installed is named and skipped. Everything is computed from a small run of
the deterministic stand-in over synthetic people, so it takes seconds.
"""

import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONDITION = ["method", "demonstrations", "form", "demographics", "restricted_to", "control"]


def run(program: Path, folder: Path) -> None:
    """Eight people, as in the demo: all of them answered every probe, so that means are the report's overall figures."""
    survey = ROOT / "data" / "synthetic-respondents.csv"
    command = [program, "run", "--model", "fake:7", "--survey", survey, "--out", folder, "--limit", "8", "--splits", "1"]
    command += ["--demonstrations", "0,3", "--methods", "likelihood,label,generation,generation-paper", "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def plain(folder: Path) -> dict:
    """The same figures without any library, and what the page says of ids and checks."""
    last = start = json.loads((folder / "run.json").read_text())["check"]
    proofs = {}
    for kind in ["likelihood", "label", "generation"]:
        before = start
        for line in (folder / f"evidence-{kind}.jsonl").read_text(encoding="utf-8").splitlines():
            assert check(line, before) == (before := json.loads(line)["check"]), f"{kind}: {line[:80]}"
            proofs[json.loads(line)["id"]] = before
    figures: dict = {}
    for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        assert all(isinstance(value, (str, int, bool)) for value in record.values()), record
        asked = [record[key] for key in ["respondent", "split", "question", *CONDITION]]
        text = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
        assert record["id"] == hashlib.sha256(text.encode()).hexdigest()[:16], record
        assert check(line, last, proofs[record["id"]]) == (last := record["check"]), record
        figures.setdefault((record["method"], record["demonstrations"]), []).append(record["correct"])
    return {key: sum(values) / len(values) for key, values in figures.items()}


def check(line: str, *before: str) -> str:
    text = line[: line.rindex(',"check"')]
    return hashlib.sha256("".join([*before, text]).encode()).hexdigest()[:16]


def reported(folder: Path) -> dict:
    with open(folder / "tables" / "accuracy.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scope"] == "overall"]
    rows = [row for row in rows if row["norm"] in ("", "sum")]
    return {(row["method"], int(row["demonstrations"])): float(row["value"]) for row in rows}


def pandas_figures(records: str) -> dict:
    import pandas as pd

    return pd.read_json(records, lines=True).groupby(["method", "demonstrations"]).correct.mean().to_dict()


def polars_figures(records: str) -> dict:
    import polars as pl

    table = pl.read_ndjson(records).group_by("method", "demonstrations").agg(pl.col("correct").mean())
    return {(method, demonstrations): value for method, demonstrations, value in table.rows()}


def duckdb_figures(records: str) -> dict:
    import duckdb

    rows = duckdb.sql(f"select method, demonstrations, avg(correct::int) from '{records}' group by all").fetchall()
    return {(method, demonstrations): value for method, demonstrations, value in rows}


def main() -> int:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: scripts/check_formats.py PROGRAM     PROGRAM is a built indieval, such as target/debug/indieval")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        run(Path(sys.argv[1]).resolve(), folder)
        expected = plain(folder)
        sources = {"the report": reported(folder)}
        for name, figures in [("pandas", pandas_figures), ("polars", polars_figures), ("duckdb", duckdb_figures)]:
            try:
                sources[name] = figures(str(folder / "records.jsonl"))
            except ImportError:
                print(f"skipped: {name} is not installed")
    for name, figures in sources.items():
        words = {key: figures.get(key) for key in expected}
        same = all(value is not None and abs(value - expected[key]) < 1e-6 for key, value in words.items())
        print(f"{name}: {'the same' if same else f'{words} for {expected}'} in {len(expected)} conditions")
        if not same:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
