#!/usr/bin/env python3
"""Makes tests/golden/adapters: LoRA adapters with random numbers for the tiny checkpoints of tests/golden, as peft saves
them, and what peft computes with them, beside the weights and merged into them.

    usage: scripts/make_adapter_goldens.py

Needs torch, transformers, peft and safetensors. The seeds are fixed.
"""

import hashlib
import json
import shutil
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
TOKENS = 48
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
NETWORK = ["gate_proj", "up_proj", "down_proj"]

# name: (base, how it is adapted, whether peft can merge it: of tied weights it merges into both)
ADAPTERS = {
    "qwen2-patterns": ("qwen2-tied-bf16", {"r": 4, "lora_alpha": 6, "target_modules": ATTENTION + NETWORK,
                       "rank_pattern": {"layers.1.self_attn.q_proj": 7, "q_proj": 2, r".*\.(up|gate)_proj": 1},
                       "alpha_pattern": {"down_proj": 11, r"^model.layers.0.self_attn.k_proj": 3}}, True),
    "llama-rslora": ("llama-sharded-bf16", {"r": 5, "lora_alpha": 4, "use_rslora": True,
                     "target_modules": ["q_proj", "v_proj", "lm_head"], "modules_to_save": ["norm", "input_layernorm"]}, True),
    "llama-tied-embedding": ("llama3-tied-f32", {"r": 3, "lora_alpha": 6, "target_modules": ["embed_tokens", "o_proj"]},
                             False),
    "llama-tied-head": ("llama3-tied-f32", {"r": 3, "lora_alpha": 2, "target_modules": ["lm_head", "down_proj"]}, False),
    "mistral-saved": ("mistral-window-f16", {"r": 2, "lora_alpha": 8, "target_modules": r".*\.1\.self_attn\.[qk]_proj",
                      "modules_to_save": ["embed_tokens", "lm_head"]}, True),
    "qwen3-tied-saved": ("qwen3-tied-f32", {"r": 2, "lora_alpha": 1, "target_modules": "all-linear",
                         "modules_to_save": ["lm_head"]}, False),
    "qwen2-biases": ("qwen2-tied-bf16", {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"],
                     "bias": "all"}, True),
}


def seed(text):
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def make(name):
    base, fields, merges = ADAPTERS[name]
    folder = GOLDEN / "adapters" / name
    shutil.rmtree(folder, ignore_errors=True)

    def load():
        return transformers.AutoModelForCausalLM.from_pretrained(GOLDEN / base, dtype=torch.float32,
                                                                 attn_implementation="eager").eval()

    torch.manual_seed(seed(name))
    model = get_peft_model(load(), LoraConfig(task_type="CAUSAL_LM", **fields))
    with torch.no_grad():
        for parameter in (p for p in model.parameters() if p.requires_grad):
            if parameter.dim() == 2 and parameter.shape[0] * parameter.shape[1] < 3000:
                parameter.copy_(0.25 * torch.randn_like(parameter))
            else:
                parameter.mul_(1 + 0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    settings = json.loads(path.read_text())
    # A path of the machine that it was made on.
    settings["base_model_name_or_path"] = base
    path.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")

    # What counts is what is on disk.
    beside = PeftModel.from_pretrained(load(), folder).eval()
    ids = torch.randint(2, 128, (TOKENS,), generator=torch.Generator().manual_seed(seed(name + " ids")))
    golden = {"ids": ids.to(torch.uint32)}
    with torch.no_grad():
        golden["beside"] = beside(ids[None]).logits[0].float().contiguous()
        if merges:
            golden["merged"] = beside.merge_and_unload()(ids[None]).logits[0].float().contiguous()
        plain = load()(ids[None]).logits[0].float()
    save_file(golden, str(folder / "golden.safetensors"))
    moved = (golden["beside"] - plain).abs().max()
    print(f"{name}: logits move by up to {moved:.2f}; {sum(f.stat().st_size for f in folder.iterdir())} bytes")


def main():
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}")
    for name in ADAPTERS:
        make(name)


if __name__ == "__main__":
    main()
