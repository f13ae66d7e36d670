#!/usr/bin/env python3
"""Makes tests/golden/tokenizers/cuts.json: how llama.cpp's expressions cut texts into words, by `tokenizer.ggml.pre`.

    usage: scripts/make_pretokenizer_goldens.py llama.cpp/src/llama-vocab.cpp

The expressions are taken from that file (llama.cpp as of llama-cpp-python 0.3.36), the model's own where it quotes them beside an
approximation, and applied one after the other by the
Python package `regex`; the texts are those of make_tokenizer_goldens.py.
"""

import ast
import json
import re
import sys
from pathlib import Path

import regex

def texts():
    """Those of the script beside this one, which does its work as it is imported."""
    tree = ast.parse((Path(__file__).parent / "make_tokenizer_goldens.py").read_text())
    named = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "TEXTS"]
    return eval(compile(ast.Expression(named[0]), "TEXTS", "eval"))


KINDS = {"falcon3": "LLAMA3", "pixtral": "LLAMA3", "smaug-bpe": "SMAUG", "mellum": "GPT2", "phi-2": "GPT2",
         "gigachat": "GPT2", "a.x-4.0": "GPT2", "kormo": "QWEN2", "qwen35": "QWEN35", "deepseek-llm": "DEEPSEEK_LLM",
         "deepseek-coder": "DEEPSEEK_CODER", "seed-coder": "SEED_CODER",
         "command-r": "COMMAND_R", "stablelm2": "STABLELM2", "refact": "REFACT", "minerva-7b": "MINERVA", "olmo": "OLMO",
         "exaone4": "GPT2", "trillion": "TRILLION", "dbrx": "DBRX", "chatglm-bpe": "CHATGLM4", "glm4": "CHATGLM4",
         "megrez": "QWEN2", "gpt-4o": "GPT4O", "llama4": "GPT4O", "kanana2": "GPT4O", "tekken": "TEKKEN"}
# Theirs is an approximation there, for its own engine of expressions; the model's own stands in a comment.
COMMENTED = ("GPT4O", "TEKKEN")
MORE = ["हिन्दी में नमस्ते 123 दुनिया", "\r\n\r\n a\r\n", "word\t \nnext   \n  end  ", "中文12abc字ÀÖß", "x１２Ａ，。！ y", "१२३a1２b", "~`^$+=<>|"]


def expressions(source, kind):
    block = source[source.index(f"case LLAMA_VOCAB_PRE_TYPE_{kind}:", source.index("struct llm_tokenizer_bpe :")):]
    block = block[:block.index("break;")]
    lines = [line.strip() for line in block.splitlines()]
    comments = [line.removeprefix("//").strip() for line in lines if line.startswith("//")]
    lines = comments if kind in COMMENTED else [line for line in lines if not line.startswith("//")]
    return [ast.literal_eval(text) for text in re.findall(r'^("(?:[^"\\]|\\.)*"),?$', "\n".join(lines), re.M)]


def cut(text, patterns):
    pieces = [text] if text else []
    for pattern in patterns:
        after = []
        for piece in pieces:
            end = 0
            for match in regex.finditer(pattern, piece):
                after += [piece[end:match.start()], match.group()]
                end = match.end()
            after.append(piece[end:])
        pieces = [piece for piece in after if piece]
    return pieces


def main():
    source = Path(sys.argv[1]).read_text()
    all_texts = texts() + MORE
    cuts = {name: [cut(text, expressions(source, kind)) for text in all_texts] for name, kind in KINDS.items()}
    path = Path(__file__).resolve().parent.parent / "tests" / "golden" / "tokenizers" / "cuts.json"
    path.write_text(json.dumps({"texts": all_texts, "cuts": cuts}, ensure_ascii=False, separators=(",", ":")) + "\n")
    print({name: len(expressions(source, kind)) for name, kind in KINDS.items()}, path.stat().st_size)


if __name__ == "__main__":
    main()
