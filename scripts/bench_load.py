#!/usr/bin/env python3
"""How much longer it takes to load packed weights, or an adapter, than the same model in bf16.

    usage: scripts/bench_load.py PROGRAM [ROUNDS]    PROGRAM is a built indieval, such as target/release/indieval

Makes checkpoints of one shape with random weights (150 million of a Llama, 100 million of a gpt-oss) in a temporary folder,
scores two tokens with each, in turns and with one thread, and prints the least processor time of each and what it is of that in
bf16. A machine that others use as well gives the same ratios, if there are enough rounds. Needs torch and safetensors.
"""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import save_file

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
HIDDEN, WIDTH, LAYERS, HEADS, KV, HEAD_DIM, GROUP, RANK = 1024, 2816, 12, 16, 8, 64, 128, 16
EXPERTS, EXPERT_WIDTH, EXPERT_LAYERS = 8, 1024, 4
SIDES = {
    "self_attn.q_proj": (HEADS * HEAD_DIM, HIDDEN), "self_attn.k_proj": (KV * HEAD_DIM, HIDDEN),
    "self_attn.v_proj": (KV * HEAD_DIM, HIDDEN), "self_attn.o_proj": (HIDDEN, HEADS * HEAD_DIM),
    "mlp.gate_proj": (WIDTH, HIDDEN), "mlp.up_proj": (WIDTH, HIDDEN), "mlp.down_proj": (HIDDEN, WIDTH),
}
MATRICES = {f"model.layers.{layer}.{name}": sides for layer in range(LAYERS) for name, sides in SIDES.items()}
NORMS = ["input_layernorm", "post_attention_layernorm"]


def words(*sides):
    return torch.randint(-(2**31), 2**31 - 1, sides, dtype=torch.int32)


def bf16(*sides):
    return (torch.randn(sides) * 0.02).bfloat16()


def plain(name, rows, columns):
    return {f"{name}.weight": bf16(rows, columns)}


def fp8(name, rows, columns):
    scales = torch.rand(rows // GROUP, columns // GROUP) * 0.01
    return {f"{name}.weight": torch.randn(rows, columns).to(torch.float8_e4m3fn), f"{name}.weight_scale_inv": scales}


def gptq(name, rows, columns):
    groups = columns // GROUP
    return {f"{name}.qweight": words(columns // 8, rows), f"{name}.qzeros": words(groups, rows // 8),
            f"{name}.scales": (torch.rand(groups, rows) * 0.01).half(),
            f"{name}.g_idx": torch.arange(columns, dtype=torch.int32) // GROUP}


def awq(name, rows, columns):
    groups = columns // GROUP
    return {f"{name}.qweight": words(columns, rows // 8), f"{name}.qzeros": words(groups, rows // 8),
            f"{name}.scales": (torch.rand(groups, rows) * 0.01).half()}


def nf4(name, rows, columns):
    state = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [rows, columns]}
    state = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    return {f"{name}.weight": torch.randint(0, 256, (rows * columns // 2, 1), dtype=torch.uint8),
            f"{name}.weight.absmax": torch.rand(rows * columns // 64) * 0.05, f"{name}.weight.quant_map": torch.rand(16),
            f"{name}.weight.quant_state.bitsandbytes__nf4": state}


PACKERS = {
    "bf16": (plain, None),
    "fp8": (fp8, {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [GROUP, GROUP]}),
    "gptq": (gptq, {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": False, "sym": True}),
    "awq": (awq, {"quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm", "zero_point": True}),
    "nf4": (nf4, {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}),
}


def ends(layers):
    """Everything that is no matrix of a layer."""
    tensors = {"model.embed_tokens.weight": bf16(128, HIDDEN), "lm_head.weight": bf16(128, HIDDEN)}
    norms = [f"model.layers.{layer}.{norm}" for layer in range(layers) for norm in NORMS] + ["model.norm"]
    return tensors | {f"{norm}.weight": torch.ones(HIDDEN).bfloat16() for norm in norms}


def write(folder, config, tensors):
    folder.mkdir()
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config))
    for file in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(GOLDEN / "llama3-tied-f32" / file, folder / file)


def llama(folder, packer, settings):
    config = {"model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": WIDTH, "num_hidden_layers": LAYERS,
              "num_attention_heads": HEADS, "num_key_value_heads": KV, "head_dim": HEAD_DIM, "vocab_size": 128,
              "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "tie_word_embeddings": False, "hidden_act": "silu"}
    tensors = ends(LAYERS)
    for name, sides in MATRICES.items():
        tensors |= packer(name, *sides)
    write(folder, config | ({"quantization_config": settings} if settings else {}), tensors)


def adapter(folder):
    folder.mkdir()
    names = {f"base_model.model.{name}": sides for name, sides in MATRICES.items()}
    save_file({f"{name}.lora_A.weight": torch.randn(RANK, columns) * 0.02 for name, (_, columns) in names.items()}
              | {f"{name}.lora_B.weight": torch.randn(rows, RANK) * 0.02 for name, (rows, _) in names.items()},
              str(folder / "adapter_model.safetensors"))
    settings = json.loads((GOLDEN / "adapters" / "llama-rslora" / "adapter_config.json").read_text())
    settings |= {"r": RANK, "use_rslora": False, "target_modules": [name.split(".")[1] for name in SIDES]}
    (folder / "adapter_config.json").write_text(json.dumps(settings))


def gpt_oss(folder, packed):
    config = json.loads((GOLDEN / f"gpt-oss-{'mxfp4' if packed else 'bf16'}" / "config.json").read_text())
    config |= {"hidden_size": HIDDEN, "intermediate_size": EXPERT_WIDTH, "num_hidden_layers": EXPERT_LAYERS, "head_dim": HEAD_DIM,
               "num_attention_heads": HEADS, "num_key_value_heads": KV, "num_local_experts": EXPERTS, "num_experts_per_tok": 2,
               "layer_types": ["sliding_attention", "full_attention"] * (EXPERT_LAYERS // 2), "tie_word_embeddings": False}
    tensors = ends(EXPERT_LAYERS)
    for layer in range(EXPERT_LAYERS):
        at = f"model.layers.{layer}"
        for name, (rows, columns) in SIDES.items():
            if name.startswith("self_attn"):
                tensors |= {f"{at}.{name}.weight": bf16(rows, columns), f"{at}.{name}.bias": bf16(rows)}
        tensors |= {f"{at}.self_attn.sinks": bf16(HEADS), f"{at}.mlp.router.weight": bf16(EXPERTS, HIDDEN),
                    f"{at}.mlp.router.bias": bf16(EXPERTS)}
        for name, rows, columns in [("gate_up_proj", 2 * EXPERT_WIDTH, HIDDEN), ("down_proj", HIDDEN, EXPERT_WIDTH)]:
            name = f"{at}.mlp.experts.{name}"
            tensors[f"{name}_bias"] = bf16(EXPERTS, rows)
            if packed:
                blocks = (EXPERTS, rows, columns // 32)
                tensors[f"{name}_blocks"] = torch.randint(0, 256, (*blocks, 16), dtype=torch.uint8)
                tensors[f"{name}_scales"] = torch.randint(118, 122, blocks, dtype=torch.uint8)
            else:
                tensors[name] = bf16(EXPERTS, columns, rows)
    write(folder, config, tensors)


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"RAYON_NUM_THREADS": "1"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 5
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "line.jsonl").write_text('{"token_ids": [3, 4]}\n')
        for kind, (packer, settings) in PACKERS.items():
            llama(folder / kind, packer, settings)
        adapter(folder / "adapter-files")
        gpt_oss(folder / "gpt-oss-bf16", False)
        gpt_oss(folder / "mxfp4", True)
        models = {kind: ["-m", folder / kind] for kind in [*PACKERS, "gpt-oss-bf16", "mxfp4"]}
        models["adapter"] = ["-m", folder / "bf16", "--adapter", folder / "adapter-files"]
        print(f"{'':14}{'dtype':8}{'seconds':>9}{'of bf16':>9}")
        for dtype in ["bf16", "f32"]:
            command = [program, "score", folder / "line.jsonl", "--device", "cpu", "--dtype", dtype]
            least = {kind: min(seconds([*command, *model]) for _ in range(1)) for kind, model in models.items()}
            for _ in range(rounds - 1):
                least = {kind: min(least[kind], seconds([*command, *model])) for kind, model in models.items()}
            for kind, took in least.items():
                base = least["gpt-oss-bf16" if kind == "mxfp4" else "bf16"]
                ratio = "" if kind.endswith("bf16") else f"{took / base:9.2f}"
                print(f"{kind:14}{dtype:8}{took:9.2f}{ratio}")


if __name__ == "__main__":
    main()
