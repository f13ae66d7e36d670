#!/usr/bin/env python3
"""Writes the files in `tests/golden/gguf` with gguf-py: goldens of transformers' as llama.cpp's converter would lay them out.

    usage: scripts/make_gguf_goldens.py        # needs gguf, torch and safetensors

The logits beside each folder's own checkpoint are those of its file too: the tensors are the same numbers. Keys are those that
`convert_hf_to_gguf.py` writes for `Ministral3ForCausalLM` and `Mistral3ForConditionalGeneration` (`TextModel` and `LlamaModel` of
it), `CohereForCausalLM`, `Cohere2ForCausalLM`, `StableLmForCausalLM` and `Llama4ForCausalLM`; the names of tensors are gguf-py's own, rows of queries
and keys of Mistral's interleaved as `LlamaModel.permute` does, norms of StableLM's heads stacked, matrices of
Llama 4's experts turned and gates parted from their partners.
"""

import json
import pathlib

import gguf
import torch
from safetensors.torch import load_file

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
ARCHITECTURES = {
    "ministral3-bf16": gguf.MODEL_ARCH.MISTRAL3,
    "mistral3-bf16": gguf.MODEL_ARCH.MISTRAL3,
    "cohere-f32": gguf.MODEL_ARCH.COMMAND_R,
    "cohere2-bf16": gguf.MODEL_ARCH.COHERE2,
    "stablelm-f32": gguf.MODEL_ARCH.STABLELM,
    "stablelm-parallel-bf16": gguf.MODEL_ARCH.STABLELM,
    "llama4-defaults-bf16": gguf.MODEL_ARCH.LLAMA4,
}
PRE = {gguf.MODEL_ARCH.MISTRAL3: "tekken", gguf.MODEL_ARCH.STABLELM: "stablelm2", gguf.MODEL_ARCH.LLAMA4: "llama4"}


def permute(weights, heads):
    """Pairs of halves become pairs of neighbours."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def add_settings(writer, config):
    kind, head_dim = config["model_type"], config["head_dim"]
    rope = config.get("rope_parameters") or {"rope_theta": config["rope_theta"], "rope_type": "default"}
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size_mlp" if kind == "llama4_text" else "intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    if "rms_norm_eps" in config:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(config["layer_norm_eps"])
    is_f32 = "float32" in (config.get("dtype"), config.get("torch_dtype"))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32 if is_f32 else gguf.LlamaFileType.MOSTLY_BF16)
    if kind == "stablelm":
        writer.add_rope_dimension_count(int(head_dim * config["partial_rotary_factor"]))
        writer.add_parallel_residual(config["use_parallel_residual"])
        return
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_freq_base(rope["rope_theta"])
    if kind.startswith("cohere"):
        writer.add_logit_scale(config["logit_scale"])
        writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    if kind == "cohere2":
        writer.add_sliding_window(config["sliding_window"])
        writer.add_sliding_window_pattern([layer == "sliding_attention" for layer in config["layer_types"]])
    if kind == "cohere":
        return
    writer.add_vocab_size(config["vocab_size"])
    writer.add_rope_dimension_count(head_dim)
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(rope["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(rope["beta_slow"])
    if kind == "llama4_text":
        writer.add_expert_count(config["num_local_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
        writer.add_interleave_moe_layer_step(config["interleave_moe_layer_step"])
        writer.add_expert_feed_forward_length(config["intermediate_size"])
    if kind == "ministral3":
        writer.add_rope_scaling_yarn_log_mul(rope["mscale_all_dim"])
        writer.add_attn_temperature_scale(rope["llama_4_scaling_beta"])


def add_tokenizer(writer, folder, pre):
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    special = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    tokens = {id: token for token, id in tokenizer["model"]["vocab"].items()} | special
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([tokens[id] for id in range(len(tokens))])
    kinds = [gguf.TokenType.CONTROL if id in special else gguf.TokenType.NORMAL for id in range(len(tokens))]
    writer.add_token_types(kinds)
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(True)


def stacked(tensors, config):
    """Norms of heads that are tensors of their own, as one."""
    counts = {"q_layernorm": config["num_attention_heads"], "k_layernorm": config["num_key_value_heads"]}
    for name in [name for name in tensors if name.endswith(".norms.0.weight")]:
        module = name.removesuffix(".norms.0.weight")
        each = [tensors.pop(f"{module}.norms.{head}.weight") for head in range(counts[module.split(".")[-1]])]
        tensors[f"{module}.weight"] = torch.stack(each)
    return tensors


def parted(tensors):
    """Experts' matrices as they multiply, gates and their partners apart."""
    for name in [name for name in tensors if ".feed_forward.experts." in name]:
        turned = tensors.pop(name).transpose(1, 2)
        if name.endswith(".gate_up_proj"):
            each = zip(("gate_proj", "up_proj"), turned.chunk(2, dim=1))
        else:
            each = [("down_proj", turned)]
        tensors |= {f"{name.rsplit('.', 1)[0]}.{matrix}.weight": tensor.contiguous() for matrix, tensor in each}
    return tensors


def add_tensors(writer, folder, config, architecture):
    names = gguf.get_tensor_name_map(architecture, config["num_hidden_layers"])
    mistral = architecture == gguf.MODEL_ARCH.MISTRAL3
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]} if mistral else {}
    for name, tensor in sorted(parted(stacked(load_file(folder / "model.safetensors"), config)).items()):
        name = name.replace("model.language_model.", "model.").replace("language_model.", "")
        if name.startswith(("vision_tower.", "model.vision_tower.", "multi_modal_projector.", "model.multi_modal_projector.")):
            continue
        own = name.split(".")[-2]
        if own in heads:
            tensor = permute(tensor, heads[own])
        # As the converter: vectors and norms stay f32, matrices are as they were; numpy has no type for bytes of bf16.
        named = names.get_name(name, (".weight", ".bias"))
        if tensor.dim() == 1 or "norm" in name or tensor.dtype == torch.float32:
            writer.add_tensor(named, tensor.float().numpy())
        else:
            data = tensor.contiguous().view(torch.uint8).numpy()
            writer.add_tensor(named, data, raw_dtype=gguf.GGMLQuantizationType.BF16)


def main():
    target = GOLDEN / "gguf"
    target.mkdir(exist_ok=True)
    for name, architecture in ARCHITECTURES.items():
        folder = GOLDEN / name
        config = json.loads((folder / "config.json").read_text())
        config = config.get("text_config", config)
        writer = gguf.GGUFWriter(target / f"{name}.gguf", gguf.MODEL_ARCH_NAMES[architecture])
        add_settings(writer, config)
        add_tokenizer(writer, folder, PRE.get(architecture, "command-r"))
        add_tensors(writer, folder, config, architecture)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        print(f"{name}: {(target / f'{name}.gguf').stat().st_size} bytes")


if __name__ == "__main__":
    main()
