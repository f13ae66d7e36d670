#!/usr/bin/env python3
"""The work unit of benches/work_unit.rs with Hugging Face transformers: the prefix once, then every continuation on it.

    cargo bench --bench work_unit -- --write-tokens w.json
    usage: scripts/peer_transformers.py MODEL.gguf w.json

Needs what scripts/make_goldens.py needs. Prints times, and how far the sums of each continuation's log-probabilities in
bf16 are from those in f32, transformers' and the engine's.
"""

import json
import sys
import time
from pathlib import Path

import torch
from make_goldens import read_llama_gguf


def run(model, prefix, continuations):
    with torch.no_grad():
        start = time.time()
        out = model.model(torch.tensor([prefix]), use_cache=True)
        cache, last = out.past_key_values, model.lm_head(out.last_hidden_state[:, -1:])
        first = time.time() - start
        sums = []
        for tokens in continuations:
            out = model(torch.tensor([tokens]), past_key_values=cache, use_cache=True)
            logits = torch.cat([last, out.logits[:, :-1]], 1)[0]
            logprobs = torch.log_softmax(logits.float(), -1)
            sums.append(sum(logprobs[i, t].item() for i, t in enumerate(tokens)))
            cache.crop(-len(tokens))
        return first, time.time() - start - first, sums


if len(sys.argv) != 3:
    sys.exit("usage: scripts/peer_transformers.py MODEL.gguf w.json")
work = json.loads(Path(sys.argv[2]).read_text())
found = {}
for name, dtype in [("f32", torch.float32), ("bf16", torch.bfloat16)]:
    model = read_llama_gguf(Path(sys.argv[1])).to(dtype)
    model.set_attn_implementation("sdpa")
    first, second, found[name] = run(model, work["prefix"], work["continuations"])
    print(f"transformers {name}, {torch.get_num_threads()} threads: prefix {first:.2f} s, continuations {second:.2f} s")
for what, sums in [("transformers bf16", found["bf16"])] + [(f"engine {k}", v) for k, v in work["sums"].items()]:
    off = [abs(a - b) for a, b in zip(sums, found["f32"])]
    print(f"{what} against transformers f32: sums at most {max(off):.4f}, on average {sum(off) / len(off):.4f} nats apart")
