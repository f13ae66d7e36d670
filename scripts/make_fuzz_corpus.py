#!/usr/bin/env python3
"""Makes what the fuzz targets begin with: good files to change (fuzz/base) and inputs to vary (fuzz/corpus).

    usage: scripts/make_fuzz_corpus.py PROGRAM     PROGRAM is a built indieval, such as target/release/indieval

The program invents the people and evaluates the deterministic
stand-in on them. Everything else is written here: no text, model or data of other people's is used, and nothing is
fetched. Takes seconds; what was there before stays.
"""

import gzip
import hashlib
import io
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUZZ = ROOT / "fuzz"


def seed(target: str, content: bytes | str, choice: int | None = None) -> None:
    """Adds an input; `choice` is the first byte of those targets that let it choose."""
    content = content.encode() if isinstance(content, str) else content
    content = content if choice is None else bytes([choice]) + content
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


def base(target: str, name: str, content: bytes | str) -> None:
    """Writes a good file that a target copies and changes."""
    content = content.encode() if isinstance(content, str) else content
    folder = FUZZ / "base" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


# --- answers ---------------------------------------------------------------------------------------------------------

SINGLE = [
    "A", "B.", "(C)", "Answer: B", "**A**", "a)", "The answer is **B**: I trust people", "A and B", "not A", "\n\n A\n",
    '{"choice": "A"}', '```json\n{"statement": "I trust people"}\n```', "{'chosen_statement': 'B'}", "Option 2", "1", "H",
    '{"NSG1": {"NSG1_s2": "I trust"}}', "<think>A or B?</think>B", "I believe in God", "neither", "AB", "A/B", "“A”",
    '{"answer": {"letter": "B", "text": "..."}}', "I don't know.", "A" * 50, "Ａ", "B\u0301", "\u202eA", "A: yes\nB: no",
]
PAPER = [
    '{"NSG1": {"NSG1_s2": "I trust people"}}', '{"NSG1": "NSG1_s1", "NSG2": "s2", "NSG3": 1}', '[{"NSG1": 2}]',
    '```json\n{"NSG1": {"chosen_statement": "A"}, "NSG2": {"statement": "B"},}\n```', "NSG1: NSG1_s1\nNSG2: NSG2_s2",
    "{'NSG1': {'NSG1_s1': 'it\\'s'}, 'NSG5': [", "Here it is:\n{\"NSG1\": \"NSG1_s1\"}\nThat's all.", '{"NSG1": {"a": {"b": 1}}}',
    '{"NSG1": "NSG1_s1", "NSG1": "NSG1_s2"}', '{"NSG99": "NSG99_s1", "NSG0": 0}', "NSG3_s2", '{"1": "A", "2": "B"}', "[" * 60,
    json.dumps({f"NSG{n}": {f"NSG{n}_s1": "A"} for n in range(1, 40)}), '{"nsg_1": "\\u0041", "NSG 2": null, "NSG3": true}',
]


def answers() -> None:
    for answer in SINGLE:
        for choice in range(5):
            seed("answer-single", answer, choice)
    for answer in PAPER:
        for choice in range(4):
            seed("answer-paper", answer, choice)


# --- templates -------------------------------------------------------------------------------------------------------

CHAT = [
    "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    "{{ bos_token }}{% for m in messages %}{{ '[INST] ' + m.content | trim + ' [/INST]' if m.role == 'user' else m.content ~ eos_token }}{% endfor %}",
    "{%- if messages[0]['role'] == 'system' %}{%- set s = messages[0].content %}{%- set rest = messages[1:] %}{%- else %}"
    "{%- set s = '' %}{%- set rest = messages %}{%- endif %}{{- s }}{%- for m in rest %}{{- loop.index0 ~ m.content }}{%- endfor %}",
    "{% macro turn(m, n=1) %}<{{ m.role|upper }}>{{ m.content.strip() }}{% endmacro %}{% for m in messages %}{{ turn(m) }}{% endfor %}",
    "{% set ns = namespace(x=0, y=[]) %}{% for m in messages %}{% set ns.x = ns.x + 1 %}{% set ns.y = ns.y + [m.role] %}{% endfor %}{{ ns.x }}{{ ns.y | tojson(indent=2) }}",
    "{% if tools is iterable and tools | length > 0 %}{{ tools | tojson }}{% endif %}{{ messages | map(attribute='content') | join('\\n') }}",
    "{{ raise_exception('no system turn') if messages[0].role == 'system' }}{{ strftime_now('%d %b %Y') }}{{ messages[-1].content }}",
    "{% for m in messages[::-1] if m.role != 'system' %}{{ m.content.split('</think>')[-1].lstrip('\\n') }}{% else %}none{% endfor %}",
    "{%- for m in messages %}{%- if loop.first %}{{ '<<' }}{%- endif %}{%- if m.content is string %}{{ m.content }}{%- elif m.content is mapping %}x{%- endif %}"
    "{%- if not loop.last %}{% continue %}{% endif %}{% break %}{%- endfor %}",
    "{% filter upper %}{{ messages[0].content }}{% endfilter %}{% with a = 1, b = 2 %}{{ a // b }}{{ a % b }}{{ a ** b }}{{ -a }}{% endwith %}",
    "{% set d = dict(a=1, b='x') %}{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}{{ d.get('z', 'w') }}{{ 'abc'[1:] }}{{ 'a' in 'abc' and not none }}",
    "{% call(x) f() %}{{ x }}{% endcall %}{% block b %}{% endblock %}{% include 'x' %}{% raw %}{{ }}{% endraw %}{# c #}",
    "{{ '%s and %d' % ('a', 1) }}{{ 'x'.replace('x', 'yy').startswith('y') }}{{ [3, 1] | sort | first }}{{ 1.5 | int }}{{ 'a' * 20 }}{{ '{}'.format(1) }}",
    "{% generation %}{{ messages[0].content }}{% endgeneration %}{{ range(5) | list }}{{ loop }}{{ undefined.x is defined }}",
]


def templates() -> None:
    for source in CHAT:
        seed("chat", source)
        seed("chat", source.replace("{%", "{%-").replace("%}", "-%}\n"))
    for at, name in enumerate(["likelihood", "label", "single", "paper"]):
        text = (ROOT / "prompts" / f"{name}.txt").read_bytes()
        for choice in range(4):
            seed("template", text, choice)
        seed("template", text[: len(text) // 2], at)
        seed("template", text.replace(b"\n", b"\r\n"), at)


# --- checkpoints -----------------------------------------------------------------------------------------------------

HIDDEN, HEADS, KV, MIDDLE, LAYERS = 8, 2, 1, 12, 1


def byte_letters() -> list[str]:
    """The printable stand-ins of the 256 bytes in byte-level vocabularies."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + at) for at, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


SPECIAL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
MERGES = [("t", "h"), ("th", "e"), ("\u0120", "the"), ("i", "n"), ("\u0120", "m"), ("1", "2"), ("12", "3")]
VOCABULARY = SPECIAL + byte_letters() + ["".join(pair) for pair in MERGES]
SIZE = len(VOCABULARY)


def added(content: str, number: int, **more: bool) -> dict:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": content, **flags, **more}


def tokenizer(**changes: object) -> dict:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
        "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
        "vocab": {token: at for at, token in enumerate(VOCABULARY)}, "merges": [" ".join(pair) for pair in MERGES],
    }
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(token, at) for at, token in enumerate(SPECIAL)],
        "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level, "model": model,
    } | changes


def tokenizers() -> list[dict]:
    """Kinds of tokenizer.json that checkpoints have."""
    split = {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}|'(?i:s|t)| ?\\p{L}+|\\s+(?!\\S)"}, "behavior": "Isolated", "invert": False}
    digits = {"type": "Digits", "individual_digits": True}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    processor = {
        "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
    }
    pieces = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)], "\u2581", "a", "b", "\u2581a", "ab"]
    sentencepiece = tokenizer(
        added_tokens=[added(token, at) for at, token in enumerate(pieces[:3])],
        normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        pre_tokenizer=None,
        decoder={"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        model={"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": {piece: at for at, piece in enumerate(pieces)}, "merges": [["\u2581", "a"], ["a", "b"]]},
    )
    unigram = tokenizer(
        added_tokens=[added(token, at) for at, token in enumerate(pieces[:3])],
        pre_tokenizer={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False},
        decoder={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False},
        model={"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [[piece, -float(at)] for at, piece in enumerate(pieces)]},
    )
    words = {"[UNK]": 0, "a": 1, "##b": 2, "<s>": 3, "</s>": 4}
    wordpiece = tokenizer(
        added_tokens=[], normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        pre_tokenizer={"type": "BertPreTokenizer"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
        model={"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": words},
    )
    return [
        tokenizer(), sentencepiece, unigram, wordpiece,
        tokenizer(pre_tokenizer={"type": "Sequence", "pretokenizers": [split, digits, level]}, post_processor=processor),
        tokenizer(normalizer={"type": "NFC"}, post_processor={"type": "Sequence", "processors": [level, processor]}),
        tokenizer(added_tokens=[added("the", 262, normalized=True, special=False, lstrip=True, single_word=True)]),
        tokenizer(truncation={"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0}),
    ]


def config(**changes: object) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": MIDDLE,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV, "vocab_size": SIZE,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 1,
    } | changes


def configs() -> list[dict]:
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 32.0, "beta_slow": 1.0}
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
    return [
        config(), config(rope_scaling=yarn), config(rope_scaling=llama3, eos_token_id=[1, 3]), config(rope_scaling={"type": "linear", "factor": 2.0}),
        config(model_type="qwen2", architectures=["Qwen2ForCausalLM"], use_sliding_window=False, sliding_window=32, max_window_layers=1),
        config(model_type="qwen3", architectures=["Qwen3ForCausalLM"], head_dim=4, attention_bias=False, layer_types=["full_attention"]),
        config(model_type="mistral", architectures=["MistralForCausalLM"], sliding_window=16, rope_parameters={"rope_theta": 1e6, "rope_type": "default"}),
        config(model_type="mixtral", architectures=["MixtralForCausalLM"], num_local_experts=2, num_experts_per_tok=1, sliding_window=None),
        config(quantization_config={"quant_method": "gptq", "bits": 4}), config(no_rope_layers=[1], mlp_bias=True, head_dim=None),
    ]


def tensors() -> dict[str, list[int]]:
    head = HIDDEN // HEADS
    names = {"model.embed_tokens.weight": [SIZE, HIDDEN], "model.norm.weight": [HIDDEN]}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        names |= {f"{at}.{norm}.weight": [HIDDEN] for norm in ["input_layernorm", "post_attention_layernorm"]}
        names |= {f"{at}.self_attn.q_proj.weight": [HIDDEN, HIDDEN], f"{at}.self_attn.o_proj.weight": [HIDDEN, HIDDEN]}
        names |= {f"{at}.self_attn.{which}_proj.weight": [KV * head, HIDDEN] for which in "kv"}
        names |= {f"{at}.mlp.{which}_proj.weight": [MIDDLE, HIDDEN] for which in ["gate", "up"]}
        names |= {f"{at}.mlp.down_proj.weight": [HIDDEN, MIDDLE]}
    return names


WIDTH = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I8": 1}


def safetensors(names: dict[str, list[int]], kind: str = "BF16", pad: int = 0, **metadata: str) -> bytes:
    header: dict = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, shape in names.items():
        size = WIDTH[kind]
        for side in shape:
            size *= side
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":")).encode() + b" " * pad
    return struct.pack("<Q", len(text)) + text + bytes(end)


def checkpoints() -> None:
    chat = CHAT[0]
    roles = {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": False, "normalized": False}}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **roles, "add_bos_token": True, "model_max_length": 64}
    decoder = {str(SIZE + 1): {k: v for k, v in added("<|extra|>", 0).items() if k != "id"}}
    files = {
        "config.json": configs(),
        "tokenizer.json": tokenizers(),
        "tokenizer_config.json": [settings, settings | {"added_tokens_decoder": decoder}, settings | {"chat_template": chat, "add_bos_token": False},
                                  settings | {"chat_template": [{"name": "default", "template": chat}, {"name": "rag", "template": "x"}], "add_eos_token": True, "legacy": False}],
        "special_tokens_map.json": [roles, {"bos_token": "<|im_start|>", "additional_special_tokens": ["<|im_end|>", "<s>"]}],
        "added_tokens.json": [{"<|extra|>": SIZE}, {"<|extra|>": 0}],
        "generation_config.json": [{"eos_token_id": [1, 3], "bos_token_id": 0}, {"eos_token_id": 1, "max_length": 20}],
        "chat_template.jinja": [chat],
    }
    for at, (name, contents) in enumerate(files.items()):
        for content in contents:
            text = content if isinstance(content, str) else json.dumps(content)
            seed("checkpoint", text, at)
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"]:
        base("checkpoint", name, json.dumps(files[name][0]))
    names = tensors()
    base("checkpoint", "model.safetensors", safetensors(names))
    half = len(names) // 2
    parts = [dict(list(names.items())[:half]), dict(list(names.items())[half:])]
    shards = [f"model-0000{at}-of-00002.safetensors" for at in [1, 2]]
    index = {"metadata": {"total_size": 1}, "weight_map": {name: shard for part, shard in zip(parts, shards) for name in part}}
    base("shards", "config.json", json.dumps(config()))
    base("shards", "model.safetensors.index.json", json.dumps(index))
    for part, shard in zip(parts, shards):
        base("shards", shard, safetensors(part))
    seed("safetensors", safetensors(parts[0]), 0)
    seed("safetensors", safetensors(parts[0], "F32", pad=8, format="pt"), 0)
    seed("safetensors", json.dumps(index), 1)
    for kind in WIDTH:
        seed("safetensors", safetensors(names, kind), 2)
    seed("safetensors", safetensors(names | {"lm_head.weight": [SIZE, HIDDEN], "model.rotary_emb.inv_freq": [2]}), 2)


GOLDEN = ROOT / "tests" / "golden"
# In the order of the target.
PACKED_FOLDERS = ["awq", "ct-int4-order", "fp8-block", "gptq4-order", "nf4-nested", "gpt-oss-mxfp4"]


def packed() -> None:
    """Small checkpoints that quantisers packed, and an adapter of one that none did."""
    for at, name in enumerate(PACKED_FOLDERS):
        folder = GOLDEN / name if name.startswith("gpt-oss") else GOLDEN / "quantized" / name
        for number, file in enumerate(["config.json", "model.safetensors"]):
            content = (folder / file).read_bytes()
            base(f"packed-{name}", file, content)
            if len(content) < 1 << 16:
                seed("packed", content, 2 * at + number)
    for file in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]:
        base("adapted", file, (GOLDEN / "qwen2-tied-bf16" / file).read_bytes())
    for name in ["qwen2-patterns", "qwen2-biases"]:
        for number, file in enumerate(["adapter_config.json", "adapter_model.safetensors"]):
            content = (GOLDEN / "adapters" / name / file).read_bytes()
            base("adapter", file, content)
            seed("adapter", content, number)


# --- GGUF ------------------------------------------------------------------------------------------------------------

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
PACKED = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?", U64: "<Q"}
# Numbers of tensor types: values a block, bytes a block.
BLOCKS = {0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 8: (32, 34), 12: (256, 144), 14: (256, 210)}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value(kind: int, content: object) -> bytes:
    if kind == STRING:
        return text(content)
    if kind == ARRAY:
        of, items = content
        return struct.pack("<IQ", of, len(items)) + b"".join(value(of, item) for item in items)
    return struct.pack(PACKED[kind], content)


def gguf(pairs: list[tuple[str, int, object]], names: dict[str, list[int]], kind: int, version: int = 3, alignment: int = 32) -> bytes:
    out = io.BytesIO()
    out.write(b"GGUF" + struct.pack("<IQQ", version, len(names), len(pairs)))
    for key, of, content in pairs:
        out.write(text(key) + struct.pack("<I", of) + value(of, content))
    offset = 0
    for name, shape in names.items():
        # Vectors and what does not fill blocks stay F32.
        values, size = BLOCKS[kind] if len(shape) > 1 and shape[-1] % BLOCKS[kind][0] == 0 else BLOCKS[0]
        count = 1
        for side in shape:
            count *= side
        own = kind if (values, size) == BLOCKS[kind] and len(shape) > 1 else 0
        out.write(text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", side) for side in reversed(shape)))
        out.write(struct.pack("<IQ", own, offset))
        offset += -(-count // values * size // alignment) * alignment
    out.write(bytes(-out.tell() % alignment) + bytes(offset))
    return out.getvalue()


def gguf_files() -> None:
    hidden, middle, heads = 32, 32, 2
    size = 24
    tokens = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(size - 8)], "\u2581", "a", "b", "\u2581a", "ab"][:size]
    level = [*SPECIAL, *byte_letters()[33:49], "th", "\u0120t", "12", "x"][:size]

    def pairs(name: str, model: str, **more: tuple[int, object]) -> list:
        kinds = [2, 3, 3] + [6] * (size - 8) + [1] * 5
        base_pairs = [
            ("general.architecture", STRING, name), ("general.alignment", U32, 32), (f"{name}.block_count", U32, 1),
            (f"{name}.context_length", U32, 64), (f"{name}.embedding_length", U32, hidden), (f"{name}.feed_forward_length", U32, middle),
            (f"{name}.attention.head_count", U32, heads), (f"{name}.attention.head_count_kv", U32, heads),
            (f"{name}.attention.layer_norm_rms_epsilon", F32, 1e-5), (f"{name}.rope.freq_base", F32, 10000.0),
            ("tokenizer.ggml.model", STRING, model), ("tokenizer.ggml.bos_token_id", U32, 1), ("tokenizer.ggml.eos_token_id", U32, 2),
            ("tokenizer.chat_template", STRING, CHAT[0]), ("tokenizer.ggml.add_bos_token", BOOL, True),
        ]
        if model == "llama":
            base_pairs += [("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)), ("tokenizer.ggml.scores", ARRAY, (F32, [-float(at) for at in range(size)])),
                           ("tokenizer.ggml.token_type", ARRAY, (I32, kinds))]
        else:
            base_pairs += [("tokenizer.ggml.pre", STRING, "qwen2"), ("tokenizer.ggml.tokens", ARRAY, (STRING, level)),
                           ("tokenizer.ggml.merges", ARRAY, (STRING, ["t h", "\u0120 t", "1 2"]))]
        return base_pairs + [(key.replace("__", "."), *content) for key, content in more.items()]

    names = {"token_embd.weight": [size, hidden], "output_norm.weight": [hidden]}
    at = "blk.0"
    names |= {f"{at}.{norm}.weight": [hidden] for norm in ["attn_norm", "ffn_norm"]}
    names |= {f"{at}.attn_{which}.weight": [hidden, hidden] for which in ["q", "k", "v", "output"]}
    names |= {f"{at}.ffn_{which}.weight": [middle, hidden] for which in ["gate", "up"]} | {f"{at}.ffn_down.weight": [hidden, middle]}
    for kind in BLOCKS:
        seed("gguf", gguf(pairs("llama", "llama"), names, kind))
    biases = {f"{at}.attn_{which}.bias": [hidden] for which in "qkv"}
    seed("gguf", gguf(pairs("qwen2", "gpt2"), names | biases, 8))
    norms = {f"{at}.attn_{which}_norm.weight": [hidden // heads] for which in "qk"}
    seed("gguf", gguf(pairs("qwen3", "gpt2"), names | norms, 2))
    experts = {f"{at}.ffn_{which}_exps.weight": [2, middle, hidden] for which in ["gate", "up"]} | {f"{at}.ffn_down_exps.weight": [2, hidden, middle]}
    dense = {name: shape for name, shape in names.items() if ".ffn_" not in name or "norm" in name}
    mixture = {"llama__expert_count": (U32, 2), "llama__expert_used_count": (U32, 1)}
    seed("gguf", gguf(pairs("llama", "llama", **mixture), dense | experts | {f"{at}.ffn_gate_inp.weight": [2, hidden]}, 0))
    scaling = {"llama__rope__scaling__type": (STRING, "yarn"), "llama__rope__scaling__factor": (F32, 4.0)}
    seed("gguf", gguf(pairs("llama", "llama", **scaling), names | {"rope_freqs.weight": [8]}, 1, version=2))
    nested = {"x__y": (ARRAY, (ARRAY, [(U32, [1]), (U32, [2, 3])])), "split__count": (U32, 2), "n": (U64, 1 << 40)}
    seed("gguf", gguf(pairs("llama", "llama", **nested), names, 0))


# --- surveys ---------------------------------------------------------------------------------------------------------


def surveys(program: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        subprocess.run([program, "survey", "synth", "--respondents", "40", "--out", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        table = path.read_text(encoding="utf-8")
    header, *rows = table.splitlines()
    lines = [header, *rows[:2]]
    plain = "\n".join(lines) + "\n"
    seed("survey", plain)
    seed("survey", table[: 1 << 14])
    # Enough people for the check of the scales' direction.
    narrow = "\n".join([header, *rows])
    seed("survey", narrow + "\n")
    seed("survey", "\ufeffsep=;\r\n" + plain.replace(",", ";").replace("\n", "\r\n"))
    seed("survey", "A title line\n\n" + plain.replace(",", "\t"))
    seed("survey", plain.replace(",", " | ").replace("\n", "\n\n"))
    seed("survey", plain.replace(",", ";").replace(";1;", ";1,0;").replace(";2;", ";NA;").replace(";3;", ";.a;").replace(";4;", ";+1;"))
    seed("survey", plain.replace(",1,", ',"1",').replace(",2,", ",-1,").replace(",3,", ",3.5607E+08,"))
    seed("survey", gzip.compress(plain.encode(), mtime=0))
    for kind in [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", kind) as archive:
            archive.writestr(zipfile.ZipInfo("people.csv"), plain)
            archive.writestr(zipfile.ZipInfo("notes.pdf"), "x")
        seed("survey", packed.getvalue())
    for magic in [b"$FL2@(#) SPSS", b"<stata_dta>", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"RDX3\n", b"\xff\xfeD\x00"]:
        seed("survey", magic + bytes(40))

    columns = header.split(",")
    questions = [name for name in columns if name[0] == "Q" and name[1:].isdigit()]
    for codes in [True, False]:
        people = []
        for number in range(2):
            person: dict = {"D_INTERVIEW": 100 + number, "B_COUNTRY": "I am from here"}
            for at, name in enumerate(questions):
                person[name] = (at + number) % 2 if at % 7 else -99
                if codes:
                    person[f"{name}_aid"] = 1 + (at + number) % 2
            people.append(person)
        seed("labels", "".join(json.dumps(person) + "\n" for person in people))
        names = list(people[0])
        seed("labels", ",".join(names) + "\n" + "".join(",".join(str(person[name]) for name in names) + "\n" for person in people))
    seed("labels", "D_INTERVIEW,country\n100,x\n100-2,y\n")
    seed("labels", '"D_INTERVIEW";"note"\r\n"100,0";"a ""b"""\r\n')

    for number, (refined, name) in enumerate([(False, "polar.jsonl"), (True, "refined.jsonl")]):
        lines = []
        for at in range(1, 5):
            groups = [[1, 2], [3, 4]] if not refined else [[1], [2], [3], [4]]
            lines.append({
                "question_id": f"Q{at}", "question_category": "Social Values, Norms, Stereotypes" if at < 3 else "Happiness and Wellbeing",
                "answer_ids": groups, "converted_statements": [f"I find it {group}" for group in groups], "is_refined": refined, "more": None,
            })
        content = "".join(json.dumps(line) + "\n" for line in lines)
        base("metadata", name, content)
        seed("metadata", content, number)


# --- specs and runs --------------------------------------------------------------------------------------------------


def check(before: list[str], content: str) -> str:
    return hashlib.sha256(("".join(before) + content).encode()).hexdigest()[:16]


def runs(program: str) -> None:
    for path in sorted((ROOT / "experiments").glob("*.toml")):
        seed("spec", path.read_bytes())
    survey = ROOT / "data" / "synthetic-respondents.csv"
    for at, method in enumerate(["likelihood", "label", "generation", "generation-paper"]):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            command = [program, "run", "--model", "fake:7", "--survey", survey, "--out", out, "--limit", "1", "--splits", "1"]
            subprocess.run([*command, "--demonstrations", "3", "--methods", method, "--quiet"], check=True, stdout=subprocess.DEVNULL)
            evidence = "evidence-likelihood.jsonl" if at == 0 else "evidence-label.jsonl" if at == 1 else "evidence-generation.jsonl"
            for number, name in enumerate(["records.jsonl", evidence, "run.json", "people.json"]):
                content = (out / name).read_bytes()
                if name.endswith(".jsonl"):
                    # The beginning of a run is a run that is not finished.
                    content = b"".join(content.splitlines(keepends=True)[: 1 if at == 3 else 3])
                base(f"run-{method}", name, content)
                for sealed in range(2):
                    seed("records", content, (at * 4 + number) * 2 + sealed)
            seed("spec", (out / "spec.toml").read_bytes() if (out / "spec.toml").exists() else b"[grid]\n")
    old = ROOT / "tests" / "data" / "run-format-1"
    for number, name in enumerate(["records.jsonl", "people.json", "spec.toml", "sessions.jsonl"]):
        content = (old / name).read_bytes()
        if name == "records.jsonl":
            content = b"".join(content.splitlines(keepends=True)[:6])
        base("run-format-1", name, content)
        seed("records-1", content, number)
        for line in content.splitlines()[1:8] if name == "records.jsonl" else []:
            seed("records-1", content.splitlines()[0] + b"\n" + line + b"\n", number)


def graded(program: str) -> None:
    """Answers to the prompts of one person, in the shapes of several providers."""
    people = (ROOT / "data" / "synthetic-respondents.csv").read_bytes().splitlines(keepends=True)
    base("prompts-survey", "people.csv", b"".join(people[:3]))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "prompts"
        command = [program, "prompts", "export", "--survey", FUZZ / "base" / "prompts-survey" / "people.csv", "--out", out]
        asked = ["--limit", "1", "--splits", "1", "--demonstrations", "3", "--methods", "generation", "--orders", "1"]
        subprocess.run([*command, *asked], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for path in out.iterdir():
            base("prompts", path.name, path.read_bytes())
        ids = [json.loads(line)["custom_id"] for line in (out / "part-0001.jsonl").read_text().splitlines()]
    plain = [{"id": id, "text": "A"} for id in ids]
    message = {"role": "assistant", "content": "B"}
    openai = [{"custom_id": id, "response": {"status_code": 200, "body": {"model": "m", "choices": [{"finish_reason": "stop", "message": message}]}}, "error": None} for id in ids]
    anthropic = [{"custom_id": id, "result": {"type": "succeeded", "message": {"model": "m", "stop_reason": "end_turn", "content": [{"type": "text", "text": "A"}]}}} for id in ids]
    gemini = [{"key": id, "response": {"candidates": [{"content": {"parts": [{"text": "B"}]}, "finishReason": "STOP"}], "modelVersion": "m"}} for id in ids]
    for shape in [plain, openai, anthropic, gemini]:
        for choice in range(2):
            seed("graded", "".join(json.dumps(line) + "\n" for line in shape), choice)
            seed("graded", "".join(json.dumps(line) + "\n" for line in [*shape[:2], shape[0]]), choice)
    seed("graded", json.dumps({"custom_id": ids[0], "error": {"message": "busy"}}) + "\n" + json.dumps(plain[1])[:-9], 0)


# --- requests --------------------------------------------------------------------------------------------------------

SCORE = [
    {"context": "a ", "continuation": " b"}, {"context": "", "continuation": "x", "id": 7}, {"text": "a whole text"},
    {"context_token_ids": [97, 98], "continuation_token_ids": [99]}, {"token_ids": [97] * 300}, {"context": "\u00e9", "continuation": ""},
    {"context": "a\n\t", "continuation": "<s>b"}, {"text": ""}, {"token_ids": [999]}, {"context": 1, "continuation": None},
]
GENERATE = [
    {"prompt": "Once"}, {"prompt": "", "temperature": 0.7, "top_p": 0.9, "seed": 3}, {"prompt": "x", "max_tokens": 2, "stop": ["a", "bc"]},
    {"messages": [{"role": "user", "content": "Hi"}]}, {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "a"}]}]},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes, "}], "until": "."}, {"prompt": "x", "n": 2},
    {"prompt": "x", "temperature": -1}, {"prompt": "x", "max_tokens": 0}, {"prompt": ["a"]}, {"messages": []}, {"prompt": "x", "logprobs": True, "extra": {}},
]


def requests() -> None:
    for target, lines in [("score", SCORE), ("generate", GENERATE)]:
        for choice in range(2):
            for line in lines:
                seed(target, json.dumps(line) + "\n", choice)
            seed(target, "\ufeff" + "".join(json.dumps(line, ensure_ascii=False) + "\r\n\n" for line in lines), choice)
            seed(target, "not JSON\n[]\n{\"context\"\n", choice)


def main() -> None:
    if len(sys.argv) != 2 or not shutil.which(sys.argv[1]):
        sys.exit("usage: scripts/make_fuzz_corpus.py PROGRAM    PROGRAM is a built indieval, such as target/release/indieval")
    program = sys.argv[1]
    answers()
    templates()
    checkpoints()
    packed()
    gguf_files()
    surveys(program)
    runs(program)
    graded(program)
    requests()
    for target in sorted((FUZZ / "corpus").iterdir()):
        sizes = [path.stat().st_size for path in target.iterdir()]
        print(f"{target.name}: {len(sizes)} inputs, the largest of {max(sizes)} bytes")


if __name__ == "__main__":
    main()
