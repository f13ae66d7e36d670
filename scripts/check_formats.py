#!/usr/bin/env python3
"""Runs every example of docs/formats.md on a run's files, compares with the report's own figures, and holds the files
against docs/schemas.

    usage: scripts/check_formats.py PROGRAM     PROGRAM is a built indieval, such as target/debug/indieval

Needs pandas, polars, duckdb and jsonschema, and R with jsonlite; what is not installed is named and skipped. Everything
is computed from a small run of the deterministic stand-in over synthetic people, so it takes seconds.
"""

import csv
import functools
import hashlib
import importlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def run(program: Path, folder: Path) -> None:
    """Eight people, as in the demo: all of them answered every probe, so that means are the report's overall figures."""
    survey = ROOT / "data" / "synthetic-respondents.csv"
    command = [program, "run", "--model", "fake:7", "--survey", survey, "--out", folder, "--limit", "8", "--splits", "1"]
    command += ["--demonstrations", "0,3", "--methods", "likelihood,label,generation,generation-paper", "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for format in ["csv", "parquet"]:
        done = subprocess.run([program, "export", folder, "--to", format], capture_output=True, text=True)
        if "cannot write Parquet" in done.stderr:
            print("skipped: Parquet (a program built without it)")
        else:
            done.check_returncode()


def examples(language: str) -> list:
    """The code blocks of the page in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def the(language: str, holds: str) -> str:
    """The one block of the page that holds some text."""
    found = [block for block in examples(language) if holds in block]
    assert len(found) == 1, f"{len(found)} blocks of docs/formats.md hold {holds!r}"
    return found[0]


def lines(path: Path) -> list:
    # Not splitlines, which also takes other characters for ends of lines.
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def plain(folder: Path) -> dict:
    """The figures without any library, with what the page says of ids and checks."""
    known = {"hashlib": hashlib, "json": json}
    exec(the("python", "def check"), known)
    check, asked = known["check"], compile(the("python", "asked ="), "docs/formats.md", "exec")
    last = start = json.loads((folder / "run.json").read_text(encoding="utf-8"))["check"]
    proofs = {}
    for kind in ["likelihood", "label", "generation"]:
        before = start
        for line in lines(folder / f"evidence-{kind}.jsonl"):
            assert check(line, before) == (before := json.loads(line)["check"]), f"{kind}: {line[:80]}"
            proofs[json.loads(line)["id"]] = before
    figures: dict = {}
    for line in lines(folder / "records.jsonl"):
        record = json.loads(line)
        assert all(isinstance(value, (str, int, bool)) for value in record.values()), record
        exec(asked, {**known, "r": record})
        assert check(line, last, proofs[record["id"]]) == (last := record["check"]), record
        figures.setdefault((record["method"], record["demonstrations"]), []).append(record["correct"])
    return {key: sum(values) / len(values) for key, values in figures.items()}


def reported(folder: Path) -> dict:
    with open(folder / "tables" / "accuracy.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scope"] == "overall"]
    rows = [row for row in rows if row["norm"] in ("", "sum") and row["demonstrations"]]
    return {(row["method"], int(row["demonstrations"])): float(row["value"]) for row in rows}


def one_liner(name: str, alias: str, file: str):
    """What the page's line for a library gives of a file, as a figure a condition. Raises ImportError."""
    library = importlib.import_module(name)
    block = the("python", {"records": "pd.read_json", "csv": "pd.read_csv", "parquet": "pd.read_parquet"}[file])
    (line,) = [line for line in block.splitlines() if line.startswith(f"{alias}.")]
    table = eval(line, {alias: library})
    match name:
        case "pandas":
            return table.to_dict()
        case "polars":
            rows = table.rows()
        case "duckdb":
            rows = table.fetchall()
    return {(method, demonstrations): value for method, demonstrations, value in rows}


def in_r() -> dict:
    """The same of the line for R. Raises ImportError."""
    if shutil.which("Rscript") is None:
        raise ImportError("Rscript")
    line = the("r", "aggregate").strip()
    code = f"if (!requireNamespace('jsonlite')) quit(status = 9); write.csv({line}, stdout(), row.names = FALSE)"
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    if done.returncode == 9:
        raise ImportError("jsonlite")
    done.check_returncode()
    rows = csv.DictReader(done.stdout.splitlines())
    return {(row["method"], int(row["demonstrations"])): float(row["correct"]) for row in rows}


def same_rows() -> bool:
    """Whether predictions.parquet holds what predictions.csv does, cell by cell. Raises ImportError."""
    pl = importlib.import_module("polars")
    plain, typed = pl.read_csv("predictions.csv", infer_schema=False), pl.read_parquet("predictions.parquet")
    assert plain.columns == typed.columns and plain.height == typed.height
    for name in typed.columns:
        column, kind = typed[name], typed[name].dtype
        text = plain[name].fill_null("")
        if kind == pl.String:
            assert text.equals(column), name
        elif kind == pl.Boolean:
            assert (text == "true").equals(column), name
        else:
            numbers = plain[name].cast(kind)
            assert numbers.null_count() == (text == "").sum() and numbers.equals(column), name
    print(f"predictions.parquet: the same {typed.height} x {typed.width} cells as predictions.csv")
    return True


def probabilities(folder: Path) -> dict:
    """The probability of the own candidate by number of demonstrations, without any library."""
    evidence = {}
    for line in lines(folder / "evidence-likelihood.jsonl"):
        line = json.loads(line)
        evidence[line["id"]] = [candidate["logprob"] for candidate in line["candidates"]]
    shares: dict = {}
    for line in lines(folder / "records.jsonl"):
        record = json.loads(line)
        if values := evidence.get(record["id"]):
            odds = [math.exp(value - values[record["label"]]) for value in values]
            shares.setdefault(record["demonstrations"], []).append(1 / sum(odds))
    return {key: sum(values) / len(values) for key, values in shares.items()}


def in_sql() -> dict:
    """The same by the page's query. Raises ImportError."""
    duckdb = importlib.import_module("duckdb")
    return dict(duckdb.sql(the("sql", "evidence-likelihood")).fetchall())


def fits_schemas(folder: Path) -> int:
    """Documents that fit docs/schemas. Raises ImportError."""
    validator = importlib.import_module("jsonschema").Draft202012Validator
    count = 0
    for path in sorted((ROOT / "docs" / "schemas").glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        validator.check_schema(schema)
        name = path.name.removesuffix(".schema.json")
        whole = folder / f"{name}.json"
        texts = [whole.read_text(encoding="utf-8")] if whole.exists() else lines(folder / f"{name}.jsonl")
        for text in texts:
            validator(schema).validate(json.loads(text))
        count += len(texts)
    return count


def same(name: str, expected: dict, figures: dict) -> bool:
    equal = expected.keys() == figures.keys() and all(abs(figures[key] - expected[key]) < 1e-6 for key in expected)
    print(f"{name}: {'the same' if equal else f'{figures} for {expected}'} in {len(expected)} conditions")
    return equal


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    program, good = Path(sys.argv[1]).resolve(), True
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        run(program, folder)
        os.chdir(folder)
        expected = plain(folder)
        good &= same("the report", expected, reported(folder))
        accuracy = [
            (f"{name}, {file}", functools.partial(one_liner, name, alias, file))
            for file in ("records", "csv", "parquet")
            if file != "parquet" or Path("predictions.parquet").exists()
            for name, alias in (("pandas", "pd"), ("polars", "pl"), ("duckdb", "duckdb"))
        ]
        accuracy += [("R", in_r)]
        asked = [(name, expected, figures) for name, figures in accuracy]
        asked += [("duckdb, probabilities", probabilities(folder), in_sql)]
        for name, right, figures in asked:
            try:
                good &= same(name, right, figures())
            except ImportError as error:
                print(f"skipped: {name} ({error.name or error} is not installed)")
        if Path("predictions.parquet").exists():
            try:
                good &= same_rows()
            except ImportError as error:
                print(f"skipped: cells of Parquet ({error.name} is not installed)")
        try:
            print(f"schemas: {fits_schemas(folder)} documents fit")
        except ImportError as error:
            print(f"skipped: schemas ({error.name} is not installed)")
        os.chdir(ROOT)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
