#!/usr/bin/env python3
"""Makes tests/golden/tokenizers/*.json: parts of real vocabularies, and token ids that other programs give.

A part holds every token that can occur while one of the texts is encoded, which is every token that is a piece of one
of them, so that encoding with the part gives the whole vocabulary's ids.

    usage: scripts/make_tokenizer_goldens.py smollm2 smollm2-135m.gguf
           scripts/make_tokenizer_goldens.py qwen2 qwen2.5-coder-0.5b.gguf
           scripts/make_tokenizer_goldens.py mistral tokenizer.model.v1

References: for smollm2 the library `tokenizers`, put together as the model's own tokenizer.json is; for qwen2 the
Qwen2Tokenizer of `transformers`; for mistral (the vocabulary of Mistral 7B v0.1 and Mixtral 8x7B, in the PyPI package
mistral-common 1.4.4) the library `sentencepiece`.
"""

import hashlib
import json
import pathlib
import sys

TEXTS = [
    "",
    " ",
    "  ",
    "\n",
    "\n\n  \n",
    "Hello, world!",
    " Hello",
    "hello  world   three",
    "I'm sure they'll say we've, you're, he'd, it's, DON'T and I'M, YOU'LL",
    "2024",
    "In 1999 there were 123456789 people; 3.14159, 1,000,000 and 0x1F",
    "١٢٣ ४५६ ²³ ½ Ⅷ",
    "naïve café — “quotes” … ‘single’",
    "e\u0301 vs é, Å vs Å",
    "日本語のテキスト、中文文本。한국어 텍스트",
    "Ελληνικά Русский العربية עברית ไทย",
    "🙂👩‍👩‍👧‍👦🏳️‍🌈 emoji",
    "<|im_start|>user\nHi<|im_end|>\n",
    "<|endoftext|>",
    "a<|im_end|>b <|im_start|> c",
    "<s>[INST] hi [/INST]</s>",
    "< |im_start| >",
    "tab\tseparated\tvalues\r\nwindows\r\n",
    "trailing space ",
    "trailing newline\n",
    "   leading",
    "a\u00a0b\u2003c\u200bd",
    'x=1;y+=2;//comment\nfn main(){ println!("{}", x); }',
    "# I believe that religion is very important in my life\n",
    '{\n    "NSG1": [\n        "I agree strongly."\n    ]\n}',
    "ABCdefGHIjkl camelCase snake_case SCREAMING_CASE",
    "....!!!???,,,;;;:::",
    "a-b–c—d",
    "ﬁ ligature ﬀ",
    "Zürich Straße GROẞ İstanbul",
    "don't can’t won`t",
    "1st 2nd 3rd 4th",
    "$5.00 €3 £2 ¥1",
    "  double  spaces  everywhere  ",
    "mixed\n \n\t\n end",
    "<think>\n\n</think>\n\n<tool_call>",
    "a" * 40,
]


def byte_level(gguf, name):
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

    fields = GGUFReader(gguf).fields
    tokens, kinds, merges = (fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "token_type", "merges"))
    if name == "smollm2":
        pre = "smollm"
        vocabulary = {token: id for id, token in enumerate(tokens)}
        reference = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in merges]))
        words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        reference.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
        reference.decoder = decoders.ByteLevel()
        special = [token for token, kind in zip(tokens, kinds) if kind == 3]
        reference.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
        made_by = "tokenizers: single digits, then GPT-2's words"
    else:
        from transformers import AutoTokenizer

        pre = "qwen2"
        path = pathlib.Path(gguf)
        reference = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).backend_tokenizer
        # Lost in the conversion from GGUF; Qwen2Tokenizer and the model's own tokenizer.json have it.
        reference.normalizer = normalizers.NFC()
        made_by = "transformers' Qwen2Tokenizer, with its NFC"

    cases, shown = [], []
    for text in TEXTS:
        case = {"text": text}
        for mode in ("plain", "special"):
            reference.encode_special_tokens = mode == "plain"
            case[mode] = reference.encode(text, add_special_tokens=False).ids
        cases.append(case)
        normal = reference.normalizer.normalize_str(text) if reference.normalizer else text
        letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(normal)
        shown.append("".join(piece for piece, _ in letters))
    alphabet = set(pre_tokenizers.ByteLevel.alphabet())
    used = {id for case in cases for mode in ("plain", "special") for id in case[mode]}
    keep = [
        id
        for id, token in enumerate(tokens)
        if id in used or token in alphabet or kinds[id] in (3, 4) or any(token in text for text in shown)
    ]
    kept = {tokens[id] for id in keep}
    part = [merge for merge in merges if all(p in kept for p in merge.split(" ")) and merge.replace(" ", "") in kept]
    return {"model": "gpt2", "pre": pre, "merges": part}, tokens, kinds, keep, cases, made_by


def sentencepiece_model(path):
    import sentencepiece

    reference = sentencepiece.SentencePieceProcessor(model_file=path)
    tokens = [reference.id_to_piece(id) for id in range(len(reference))]

    def kind(id):
        if reference.is_unknown(id):
            return 2
        return 3 if reference.is_control(id) else 6 if reference.is_byte(id) else 5 if reference.is_unused(id) else 1

    kinds = [kind(id) for id in range(len(tokens))]
    # sentencepiece itself takes nothing in text for a control token.
    cases = [{"text": text, "plain": reference.encode(text)} for text in TEXTS]
    shown = ["\u2581" + text.replace(" ", "\u2581") for text in TEXTS]
    keep = [id for id, token in enumerate(tokens) if kinds[id] != 1 or any(token in text for text in shown)]
    scores = [reference.get_score(id) for id in keep]
    return {"model": "llama", "scores": scores}, tokens, kinds, keep, cases, "sentencepiece"


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("smollm2", "qwen2", "mistral"):
        sys.exit("usage: scripts/make_tokenizer_goldens.py smollm2|qwen2|mistral FILE")
    name, path = sys.argv[1:]
    read = sentencepiece_model(path) if name == "mistral" else byte_level(path, name)
    settings, tokens, kinds, keep, cases, made_by = read
    digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    golden = {
        "provenance": {"file": pathlib.Path(path).name, "sha256": digest, "reference": made_by, "licence": "Apache-2.0"},
        **settings,
        "ids": keep,
        "tokens": [tokens[id] for id in keep],
        "types": [kinds[id] for id in keep],
        "cases": cases,
    }
    target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "tokenizers" / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(golden, ensure_ascii=False) + "\n")


main()
