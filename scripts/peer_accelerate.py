#!/usr/bin/env python3
"""A checkpoint whose weights stay on the disk, in transformers with accelerate's disk offload: the work of
scripts/bench_memory.py, the prefix once and then all continuations in batches on copies of its keys and values.

    usage: scripts/peer_accelerate.py FOLDER [PREFIX [CONTINUATIONS [BATCH]]]     350, 9 and 9 unless told

Offloaded as accelerate's documentation has it: `device_map` with every layer on "disk", an `offload_folder`, safetensors
read where they lie. Every pass through the model reads all weights anew. Needs torch, transformers and accelerate.
"""

import copy
import random
import resource
import sys
import tempfile
import time

import torch
from transformers import AutoConfig, AutoModelForCausalLM

CONTINUATION = 15


def main() -> None:
    folder, *numbers = sys.argv[1:]
    prefix, continuations, batch = [*map(int, numbers), *[350, 9, 9][len(numbers) :]]
    config = AutoConfig.from_pretrained(folder)
    begun = time.monotonic()
    layers = {f"model.layers.{layer}": "disk" for layer in range(config.num_hidden_layers)}
    places = {"model.embed_tokens": "cpu", **layers, "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, device_map=places, offload_folder=tempfile.mkdtemp(), attn_implementation="sdpa"
    )
    loaded = time.monotonic() - begun
    draw = random.Random(7)
    ids = lambda count: [draw.randrange(2, 128) for _ in range(count)]
    shown, asked = ids(prefix), [ids(CONTINUATION) for _ in range(continuations)]
    begun = time.monotonic()
    with torch.no_grad():
        out = model.model(torch.tensor([shown]), use_cache=True)
        cache = out.past_key_values
        kept = time.monotonic() - begun
        for at in range(0, continuations, batch):
            some = torch.tensor(asked[at : at + batch])
            own = copy.deepcopy(cache)
            own.batch_repeat_interleave(len(some))
            logits = model(some, past_key_values=own, use_cache=True).logits
            torch.log_softmax(logits[:, :-1].float(), -1).gather(-1, some[:, 1:, None])
    took = time.monotonic() - begun
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"transformers with accelerate, {torch.get_num_threads()} threads: loaded in {loaded:.1f} s; prefix of {prefix} "
        f"{kept:.1f} s, {continuations} x {CONTINUATION} {took - kept:.1f} s; together {took:.1f} s; {most / 1e9:.1f} GB resident at most"
    )


main()
