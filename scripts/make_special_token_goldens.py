#!/usr/bin/env python3
"""Makes tests/golden/tokenizers/special.json: what Hugging Face transformers makes of special and added tokens.

    usage: scripts/make_special_token_goldens.py

Needs transformers (5 or newer), sentencepiece and gguf; no torch, no network. Two small vocabularies are put into
folders and GGUF files with every combination of settings, and for each the token ids of texts (`tokenizer(text)`) and of
chats (`apply_chat_template(..., tokenize=True)`) are written down, each once: cases that give the same ids share them.
"""

import itertools
import json
import os
import pathlib
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import gguf
import transformers
from transformers import AutoTokenizer

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
TEXTS = ["hi the", "<s>hi", "a<extra>b <pad>c"]
MESSAGE = "hi the"
CHAT = "[{{ messages[0].content }}]"
WITH_BOS = "{{ bos_token }}" + CHAT + "{{ eos_token }}"


def byte_level():
    return json.loads((GOLDEN / "llama3-tied-f32" / "tokenizer.json").read_text())


def pieces():
    """A small vocabulary of the kind that SentencePiece models are converted to."""
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += list("\u2581abcdefghijklmnopqrstuvwxyz[]<>/.,?")
    merges = [["\u2581", "h"], ["\u2581h", "i"], ["t", "h"], ["th", "e"], ["\u2581", "the"]]
    tokens += ["".join(merge) for merge in merges]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(id, token) for id, token in enumerate(tokens[:3])],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "\u2581"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": {token: id for id, token in enumerate(tokens)},
            "merges": merges,
        },
    }


def added(id, token, **flags):
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": id, "content": token, **plain, **flags}


BASES = {"bytes": byte_level(), "pieces": pieces()}


def post_processor(base):
    bos = BASES[base]["model"]["vocab"]["<s>"]
    text, other = ({"Sequence": {"id": name, "type_id": number}} for number, name in enumerate("AB"))
    return {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, text],
        "pair": [text, other],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [bos], "tokens": ["<s>"]}},
    }


def grid():
    """Post-processor, add_bos_token and template in every combination, for the classes that most checkpoints name."""
    classes = ["PreTrainedTokenizerFast", "LlamaTokenizerFast", None]
    for base, kind, post, adds, bos in itertools.product(
        BASES, classes, [False, True], [None, False, True], [False, True]
    ):
        config = {"bos_token": "<s>", "eos_token": "</s>", "chat_template": WITH_BOS if bos else CHAT}
        if kind:
            config["tokenizer_class"] = kind
        if adds is not None:
            config["add_bos_token"] = adds
        changes = {"post_processor": post_processor(base)} if post else {}
        yield {"base": base, "changes": changes, "files": {"tokenizer_config.json": config}}


def others():
    """Where texts of special tokens come from, and tokens that only the settings know."""
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": WITH_BOS}
    named = {"bos_token": "<s>", "eos_token": "</s>"}
    flagged = {"content": "<s>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    map_ = {"bos_token": flagged, "eos_token": "</s>", "pad_token": "<pad>"}
    typed = {**map_, "bos_token": {"__type": "AddedToken", **flagged}}
    for base in BASES:
        size = len(BASES[base]["model"]["vocab"])
        extra = {str(size): added(size, "<extra>"), str(size + 1): added(size + 1, "<pad>", special=False)}
        for token in extra.values():
            token.pop("id")
        listed = {"added_tokens_decoder": extra}
        striped = {**extra, str(size): {**extra[str(size)], "lstrip": True, "rstrip": True}}
        known = {str(id): {**added(0, token), "normalized": True} for id, token in enumerate(["<s>", "</s>"])}
        for token in known.values():
            token.pop("id")
        sets = [
            {"tokenizer_config.json": config, "special_tokens_map.json": map_},
            {"tokenizer_config.json": {**config, **named}, "special_tokens_map.json": {"bos_token": "</s>"}},
            {"tokenizer_config.json": {**config, **listed}, "special_tokens_map.json": map_},
            {"tokenizer_config.json": {**config, **named, **listed}},
            {"tokenizer_config.json": {**config, **named, "added_tokens_decoder": striped}},
            {"tokenizer_config.json": {**config, **named, "added_tokens_decoder": known}},
            {"tokenizer_config.json": {**config, **named}, "added_tokens.json": {"<extra>": size, "<pad>": size + 1}},
            {"tokenizer_config.json": {**config, **typed}, "added_tokens.json": {"<pad>": size + 1, "<extra>": size}},
            {"tokenizer_config.json": {**config, **named, "extra_special_tokens": ["<extra>"]}},
            {"tokenizer_config.json": {**config, **named, "additional_special_tokens": ["<extra>", "<pad>"]}},
            {"tokenizer_config.json": {**config, **named, "pad_token": "<pad>", "image_token": "<extra>"}},
            # The id that is claimed is not the next free one.
            {"tokenizer_config.json": {**config, **named, "added_tokens_decoder": {str(size + 5): extra[str(size)]}}},
        ]
        for files in sets:
            yield {"base": base, "changes": {}, "files": files}
        # A token of the vocabulary that only the settings call special.
        for files in sets[:2]:
            yield {"base": base, "changes": {"added_tokens": []}, "files": files}


def ids(encoded):
    return list(encoded if isinstance(encoded, list) else encoded["input_ids"])


def answers(tokenizer):
    chat = tokenizer.apply_chat_template([{"role": "user", "content": MESSAGE}], tokenize=True)
    return {"plain": [ids(tokenizer(text)) for text in TEXTS], "chat": ids(chat)}


def of_folder(case):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "tokenizer.json").write_text(json.dumps({**BASES[case["base"]], **case["changes"]}))
        # A family whose class transformers takes from the settings.
        (folder / "config.json").write_text(json.dumps({"model_type": "mistral"}))
        for name, content in case["files"].items():
            (folder / name).write_text(json.dumps(content))
        return answers(AutoTokenizer.from_pretrained(str(folder)))


def of_gguf(base, adds, template):
    """A file of the kind that llama.cpp's converter writes, with a tokenizer and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tokenizer.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        vocabulary = BASES[base]["model"]["vocab"]
        control = {"<s>", "</s>"}
        writer.add_tokenizer_model("gpt2" if base == "bytes" else "llama")
        if base == "bytes":
            writer.add_tokenizer_pre("gpt-2")
            writer.add_token_merges([" ".join(merge) for merge in BASES[base]["model"]["merges"]])
        else:
            writer.add_token_scores(scores(base))
        writer.add_token_list(list(vocabulary))
        writer.add_token_types([kind(token, control) for token in vocabulary])
        writer.add_bos_token_id(vocabulary["<s>"])
        writer.add_eos_token_id(vocabulary["</s>"])
        if adds is not None:
            writer.add_add_bos_token(adds)
        writer.add_chat_template(template)
        for name, value in [("block_count", 1), ("context_length", 8), ("embedding_length", 8)]:
            writer.add_uint32(f"llama.{name}", value)
        writer.add_uint32("llama.feed_forward_length", 8)
        writer.add_uint32("llama.attention.head_count", 1)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return answers(AutoTokenizer.from_pretrained(folder, gguf_file=path.name))


def scores(base):
    """Merges in their order: the earlier, the higher."""
    vocabulary = list(BASES[base]["model"]["vocab"])
    merged = ["".join(merge) for merge in BASES[base]["model"]["merges"]]
    return [float(-merged.index(token)) if token in merged else -100.0 for token in vocabulary]


def kind(token, control):
    if token in control:
        return 3
    if token == "<unk>":
        return 2
    return 6 if token.startswith("<0x") else 1


def main():
    cases = []
    for case in itertools.chain(grid(), others()):
        cases.append({**case, **of_folder(case)})
    files = []
    for base, adds, bos in itertools.product(BASES, [None, False, True], [False, True]):
        template = WITH_BOS if bos else CHAT
        found = of_gguf(base, adds, template)
        files.append({"base": base, "add_bos_token": adds, "chat_template": template, **found})
    golden = {
        "provenance": {"made_by": "scripts/make_special_token_goldens.py", "transformers": transformers.__version__},
        "texts": TEXTS,
        "message": MESSAGE,
        "pieces": BASES["pieces"],
        "piece_scores": scores("pieces"),
        "folders": cases,
        "files": files,
    }
    target = GOLDEN / "tokenizers" / "special.json"
    lines = ",\n".join(f"{json.dumps(key)}: {rows(value)}" for key, value in golden.items())
    target.write_text("{" + lines + "}\n")


def rows(value):
    """A list of cases with one a line, so that a change shows."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in value) + "]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
