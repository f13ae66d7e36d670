#!/usr/bin/env python3
"""Makes tests/golden: tiny random checkpoints of every family, and what Hugging Face transformers computes with them.

    usage: scripts/make_goldens.py                     # the tiny checkpoints
           scripts/make_goldens.py NAME...             # only these; the others stay as they are
           scripts/make_goldens.py --chat              # an answer in a chat, with and without its BOS
           scripts/make_goldens.py --smollm2 FILE.gguf # the golden log-probabilities of the real SmolLM2
           scripts/make_goldens.py --gemma3 FILE.gguf  # those of the real Gemma 3 270M

Needs torch, transformers, tokenizers, safetensors and (for the real ones) gguf. The seeds are fixed. The tests read only
what this wrote, so they need no Python. tests/golden/PROVENANCE.md is written by every run.
"""

import argparse
import hashlib
import json
import platform
import re
import shutil
from pathlib import Path

import safetensors
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
VOCABULARY = 128
CONTEXT = 128
LENGTHS = [1, 9, 40, 90]
# Much wider than a trained model's 0.02: with it the logits of these small widths differ by several nats.
SPREAD = 0.16

COMMON = {"vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "initializer_range": SPREAD,
          "bos_token_id": 0, "eos_token_id": 1, "hidden_size": 64, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5}
LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}

# name: (config class, its fields, dtype on disk, shard size, how config.json writes RoPE)
CHECKPOINTS = {
    "llama3-tied-f32": ("LlamaConfig", {"intermediate_size": 96, "tie_word_embeddings": True, "head_dim": 16,
                        "rope_parameters": {"rope_theta": 10000.0, **LLAMA3}}, torch.float32, None, "published"),
    "llama-sharded-bf16": ("LlamaConfig", {"hidden_size": 96, "intermediate_size": 160, "num_attention_heads": 3,
                           "num_key_value_heads": 1, "head_dim": 64, "tie_word_embeddings": False,
                           "num_hidden_layers": 1,
                           "rope_parameters": {"rope_theta": 5000.0, "rope_type": "linear", "factor": 2.0}},
                           torch.bfloat16, "90KB", "published"),
    "mistral-window-f16": ("MistralConfig", {"intermediate_size": 112, "tie_word_embeddings": False, "head_dim": 16,
                           "sliding_window": 8, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}},
                           torch.float16, None, "published"),
    "qwen2-tied-bf16": ("Qwen2Config", {"intermediate_size": 96, "tie_word_embeddings": True,
                        "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"}},
                        torch.bfloat16, None, "published"),
    "qwen3-tied-f32": ("Qwen3Config", {"hidden_size": 48, "intermediate_size": 80, "tie_word_embeddings": True,
                       "head_dim": 32, "rope_parameters": {"rope_theta": 1000000.0, "rope_type": "default"}},
                       torch.float32, None, "current"),
    "mixtral-f32": ("MixtralConfig", {"hidden_size": 48, "intermediate_size": 32, "tie_word_embeddings": False,
                    "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None,
                    "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}},
                    torch.float32, None, "published"),
}

# The other families: narrower, and with wider weights, so that logits still differ by nats.
NARROW = {"hidden_size": 32, "intermediate_size": 48, "head_dim": 8, "initializer_range": 0.25}
PLAIN = {"rope_theta": 10000.0, "rope_type": "default"}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
# As much of a picture's encoder as a checkpoint of pictures and texts needs to be one.
EYES = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28,
        "patch_size": 14}
# Two layers of each kind; the gates' bound is near enough for some to reach it.
GPT_OSS = {"num_local_experts": 4, "num_experts_per_tok": 2, "num_hidden_layers": 4, "sliding_window": 8,
           "swiglu_limit": 1.5, "pad_token_id": 1,
           "rope_parameters": {**YARN, "rope_theta": 150000.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False}}
# Queries that are not turned grow within the texts.
LLAMA4 = {"intermediate_size": 24, "intermediate_size_mlp": 40, "num_local_experts": 4, "floor_scale": 16, "attn_scale": 0.4,
          "tie_word_embeddings": False, "pad_token_id": 1}
CHECKPOINTS |= {name: (kind, fields if "text_config" in fields else {**NARROW, **fields}, dtype, None, rope) for name, (kind, fields, dtype, rope) in {
    "qwen3-moe-f32": ("Qwen3MoeConfig", {"moe_intermediate_size": 24, "num_experts": 4, "num_experts_per_tok": 2,
                      "norm_topk_prob": True, "rope_parameters": PLAIN}, torch.float32, "published"),
    "qwen2-moe-bf16": ("Qwen2MoeConfig", {"moe_intermediate_size": 24, "shared_expert_intermediate_size": 40,
                       "num_experts": 4, "num_experts_per_tok": 2, "decoder_sparse_step": 2,
                       "rope_parameters": PLAIN}, torch.bfloat16, "published"),
    "olmoe-f32": ("OlmoeConfig", {"num_experts": 4, "num_experts_per_tok": 2, "rope_parameters": PLAIN},
                  torch.float32, "published"),
    "gemma-bf16": ("GemmaConfig", {"num_key_value_heads": 1, "rope_parameters": PLAIN}, torch.bfloat16, "published"),
    "gemma2-f32": ("Gemma2Config", {"sliding_window": 8, "query_pre_attn_scalar": 24, "attn_logit_softcapping": 5.0,
                   "final_logit_softcapping": 6.0, "rope_parameters": PLAIN}, torch.float32, "published"),
    "gemma3-bf16": ("Gemma3TextConfig", {"sliding_window": 8, "query_pre_attn_scalar": 24, "num_hidden_layers": 3,
                    "sliding_window_pattern": 2, "rope_parameters": {
                        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                        "sliding_attention": PLAIN}}, torch.bfloat16, "current"),
    "gemma3-nested-bf16": ("Gemma3Config", {"text_config": {**COMMON, **NARROW, "sliding_window": 8,
                           "query_pre_attn_scalar": 24, "rope_parameters": {
                               "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
                               "sliding_attention": PLAIN}, "layer_types": ["sliding_attention", "full_attention"]},
                           "vision_config": EYES, "mm_tokens_per_image": 4, "image_token_index": 3,
                           "boi_token_index": 4, "eoi_token_index": 5}, torch.bfloat16, "current"),
    "phi3-f32": ("Phi3Config", {"max_position_embeddings": 256, "original_max_position_embeddings": 48,
                 "pad_token_id": 0, "rope_parameters": {"rope_type": "longrope", "rope_theta": 10000.0,
                 "partial_rotary_factor": 0.75, "short_factor": [1.0, 1.25, 1.5], "long_factor": [2.0, 3.0, 9.0]}},
                 torch.float32, "published"),
    "olmo2-f32": ("Olmo2Config", {"pad_token_id": 1, "rope_parameters": PLAIN}, torch.float32, "published"),
    "olmo3-bf16": ("Olmo3Config", {"num_hidden_layers": 4, "sliding_window": 8, "pad_token_id": 1, "rope_parameters": {
                   "full_attention": {**YARN, "rope_theta": 50000.0},
                   "sliding_attention": {"rope_type": "default", "rope_theta": 50000.0}}}, torch.bfloat16, "current"),
    "exaone4-f32": ("Exaone4Config", {"num_hidden_layers": 4, "sliding_window": 8, "rope_parameters": PLAIN},
                    torch.float32, "published"),
    "ministral-f32": ("MinistralConfig", {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"],
                      "rope_parameters": PLAIN}, torch.float32, "published"),
    "ministral3-bf16": ("Ministral3Config", {"pad_token_id": 1, "rope_parameters": {**YARN, "rope_theta": 10000.0,
                        "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0,
                        "llama_4_scaling_beta": 0.4}}, torch.bfloat16, "current"),
    "mistral3-bf16": ("Mistral3Config", {"text_config": {**COMMON, **NARROW, "model_type": "mistral",
                      "sliding_window": None, "tie_word_embeddings": False, "rope_parameters": PLAIN},
                      "vision_config": {**EYES, "model_type": "pixtral", "head_dim": 8}, "image_token_index": 3,
                      "tie_word_embeddings": False}, torch.bfloat16, "current"),
    "smollm3-f32": ("SmolLM3Config", {"num_hidden_layers": 4, "no_rope_layer_interval": 2, "pad_token_id": 1,
                    "rope_parameters": PLAIN}, torch.float32, "published"),
    "granite-f32": ("GraniteConfig", {"embedding_multiplier": 3.0, "logits_scaling": 2.0, "residual_multiplier": 0.4,
                    "attention_multiplier": 0.2, "rope_parameters": PLAIN}, torch.float32, "published"),
    "seed-oss-bf16": ("SeedOssConfig", {"pad_token_id": 1, "rope_parameters": PLAIN}, torch.bfloat16, "published"),
    "ernie4-5-bf16": ("Ernie4_5Config", {"use_bias": True, "pad_token_id": 0, "rope_parameters": PLAIN},
                      torch.bfloat16, "published"),
    "glm4-f32": ("Glm4Config", {"pad_token_id": 1, "rope_parameters": {**PLAIN, "partial_rotary_factor": 0.5}},
                 torch.float32, "published"),
    "gpt-oss-bf16": ("GptOssConfig", {**GPT_OSS, "hidden_size": 32, "intermediate_size": 24}, torch.bfloat16,
                     "published"),
    "gpt-oss-mxfp4": ("GptOssConfig", {**GPT_OSS, "hidden_size": 64, "intermediate_size": 32}, torch.bfloat16,
                      "published"),
    "granitemoe-f32": ("GraniteMoeConfig", {"embedding_multiplier": 3.0, "logits_scaling": 2.0,
                       "residual_multiplier": 0.4, "attention_multiplier": 0.2, "num_local_experts": 5,
                       "num_experts_per_tok": 2, "intermediate_size": 24, "rope_parameters": PLAIN}, torch.float32,
                       "published"),
    "glm4-moe-bf16": ("Glm4MoeConfig", {"num_hidden_layers": 3, "moe_intermediate_size": 24, "n_routed_experts": 8,
                      "num_experts_per_tok": 3, "n_group": 4, "topk_group": 2, "n_shared_experts": 2,
                      "routed_scaling_factor": 1.5, "first_k_dense_replace": 1, "norm_topk_prob": True,
                      "use_qk_norm": True, "attention_bias": True, "num_mtp_layers": 0, "pad_token_id": 1,
                      "rope_parameters": {**PLAIN, "partial_rotary_factor": 0.5}}, torch.bfloat16, "published"),
    "cohere-f32": ("CohereConfig", {"use_qk_norm": True, "logit_scale": 0.5, "layer_norm_eps": 1e-3, "attention_bias": True,
                   "rope_parameters": PLAIN}, torch.float32, "published"),
    "cohere2-bf16": ("Cohere2Config", {"num_hidden_layers": 4, "sliding_window": 8, "sliding_window_pattern": 2,
                     "logit_scale": 0.25, "layer_norm_eps": 1e-5, "rope_parameters": PLAIN}, torch.bfloat16, "current"),
    "stablelm-f32": ("StableLmConfig", {"use_qkv_bias": True, "layer_norm_eps": 1e-3,
                     "rope_parameters": {**PLAIN, "partial_rotary_factor": 0.5}}, torch.float32, "published"),
    "stablelm-parallel-bf16": ("StableLmConfig", {"qk_layernorm": True, "use_parallel_residual": True,
                               "layer_norm_eps": 1e-5, "rope_parameters": {**PLAIN, "partial_rotary_factor": 0.25}},
                               torch.bfloat16, "published"),
    "llama4-f32": ("Llama4TextConfig", {**LLAMA4, "num_hidden_layers": 4, "num_experts_per_tok": 2, "interleave_moe_layer_step": 2,
                   "attention_chunk_size": 21, "rope_parameters": {"rope_theta": 10000.0, **LLAMA3}}, torch.float32, "published"),
    # What llama.cpp's files take for granted.
    "llama4-defaults-bf16": ("Llama4TextConfig", {**LLAMA4, "num_hidden_layers": 4, "num_experts_per_tok": 1,
                             "interleave_moe_layer_step": 2, "floor_scale": 8192, "attn_scale": 0.1,
                             "rope_parameters": PLAIN}, torch.bfloat16, "published"),
    "llama4-nested-bf16": ("Llama4Config", {"text_config": {**COMMON, **NARROW, **LLAMA4, "num_experts_per_tok": 1,
                           "attention_chunk_size": 8, "no_rope_layers": [0, 1], "use_qk_norm": False, "attention_bias": True,
                           "rope_parameters": {**LLAMA3, "rope_theta": 10000.0, "factor": 16.0, "high_freq_factor": 1.0}},
                           "vision_config": {**EYES, "intermediate_size": 32,
                           "vision_output_dim": 16, "projector_input_dim": 16, "projector_output_dim": 16,
                           "rope_parameters": PLAIN}, "image_token_index": 3, "boi_token_index": 4, "eoi_token_index": 5},
                           torch.bfloat16, "current"),
    # Heads are normed after they are turned.
    "late-qk-norm-f32": ("HunYuanDenseV1Config", {"rope_parameters": PLAIN}, torch.float32, "published"),
}.items()}
# Families whose norms multiply by 1 + weight.
OFFSET_NORMS = ("gemma",)

SENTENCES = """Family is very important in my life. I trust people I know personally. Work should always come first.
I do not agree that most people can be trusted; one needs to be very careful. Are science and technology making
our lives healthier? We should live in harmony with nature & protect it. 1, 2, 3: "yes" or (no)?
"""


def write_tokenizer(folder):
    """A byte-level BPE of VOCABULARY tokens that knows the printable ASCII characters."""
    printable = [chr(c) for c in range(33, 127)] + ["Ġ", "Ċ"]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=["<s>", "</s>"],
                                             initial_alphabet=printable, show_progress=False)
    tokenizer.train_from_iterator([SENTENCES], trainer)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>",
             "add_bos_token": False, "model_max_length": CONTEXT}
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1) + "\n")


def publish(config):
    """RoPE as published checkpoints write it: `rope_theta` and `rope_scaling` at the top."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    partial = rope.pop("partial_rotary_factor", None)
    if partial is not None:
        config["partial_rotary_factor"] = partial
    config["rope_scaling"] = None if rope.get("rope_type") == "default" else rope
    if "dtype" in config:
        config["torch_dtype"] = config.pop("dtype")
    return config


def token_ids(name, length):
    """Fixed, and different for every checkpoint and length."""
    seed = int(hashlib.sha256(f"{name} {length}".encode()).hexdigest()[:8], 16)
    return torch.randint(2, VOCABULARY, (length,), generator=torch.Generator().manual_seed(seed))


def pack_experts(model):
    """Gives the experts random values of MXFP4. Returns them as they are packed, by their names in a checkpoint."""
    packed = {}
    for key, value in model.named_parameters():
        if key.endswith(("gate_up_proj", "down_proj")):
            experts, inputs, outputs = value.shape
            blocks = torch.randint(0, 256, (experts, outputs, inputs // 32, 16), dtype=torch.uint8)
            # Of 6, 0.5 or so is left.
            exponents = torch.randint(121, 125, (experts, outputs, inputs // 32), dtype=torch.uint8)
            with torch.no_grad():
                value.copy_(convert_moe_packed_tensors(blocks, exponents))
            packed |= {f"{key}_blocks": blocks, f"{key}_scales": exponents}
    return packed


def store_packed(folder, packed):
    """Puts the packed experts in the place of the unpacked ones, as gpt-oss is published."""
    path = folder / "model.safetensors"
    tensors = {key: value for key, value in load_file(path).items() if f"{key}_blocks" not in packed}
    save_file(tensors | packed, str(path), metadata={"format": "pt"})
    path = folder / "config.json"
    settings = json.loads(path.read_text())
    settings["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": [
        "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]}
    path.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")


def store_as_qwen3(folder):
    """Gives a checkpoint the names of Qwen3, whose heads are normed by the same weights, only earlier."""
    path = folder / "model.safetensors"
    names = {"query_layernorm": "q_norm", "key_layernorm": "k_norm"}
    renamed = {re.sub("|".join(names), lambda found: names[found[0]], key): value for key, value in load_file(path).items()}
    save_file(renamed, str(path), metadata={"format": "pt"})
    path = folder / "config.json"
    settings = json.loads(path.read_text())
    settings["model_type"] = "qwen3"
    del settings["architectures"], settings["eod_token_id"]
    path.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")


def make(name):
    kind, fields, dtype, shard, rope = CHECKPOINTS[name]
    torch.manual_seed(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    nested = "text_config" in fields
    fields = fields if nested else {**COMMON, **fields}
    if "layer_norm_eps" in fields:
        del fields["rms_norm_eps"]
    config = getattr(transformers, kind)(**fields)
    loader = transformers.AutoModelForImageTextToText if nested else transformers.AutoModelForCausalLM
    model = loader.from_config(config)
    with torch.no_grad():
        for key, value in model.named_parameters():
            if key.endswith(("norm.weight", "layernorm.weight")) or ".norms." in key:
                value.copy_((0 if name.startswith(OFFSET_NORMS) else 1) + 0.2 * torch.randn_like(value))
            elif key.endswith("bias"):
                value.copy_(0.3 * torch.randn_like(value))
            elif key.endswith("sinks"):
                value.copy_(2.0 * torch.randn_like(value))
        for key, value in model.named_buffers():
            if key.endswith("e_score_correction_bias"):
                value.copy_(0.3 * torch.randn_like(value))
    packed = pack_experts(model) if name.endswith("mxfp4") else {}
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "config.json"
    settings = json.loads(path.read_text())
    if rope == "published":
        settings = publish(settings)
    path.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
    write_tokenizer(folder)

    # What counts is what is on disk: it is read back, widened to f32 and run by the eager attention.
    loaded = loader.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    loaded.eval()
    # transformers 5.24's whole Llama 4 fails without a picture.
    speaks = loaded.language_model if kind == "Llama4Config" else loaded
    golden = {}
    with torch.no_grad():
        for length in LENGTHS:
            ids = token_ids(name, length)
            golden[f"ids.{length}"] = ids.to(torch.uint32)
            golden[f"logits.{length}"] = speaks(ids[None]).logits[0].float().contiguous()
    save_file(golden, str(folder / "golden.safetensors"))
    if packed:
        store_packed(folder, packed)
    if name.startswith("late-qk-norm"):
        store_as_qwen3(folder)
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name}: {sum(p.numel() for p in loaded.parameters())} parameters, {size} bytes, "
          f"logits {golden['logits.40'].min():.2f} to {golden['logits.40'].max():.2f}")


TEXT = """I believe that family is very important in life, and that friends and leisure time matter almost as much. Most people
can be trusted, though one should be careful with strangers. A child should learn good manners, responsibility, and tolerance and
respect for other people; hard work matters, but so does imagination. When jobs are scarce, employers should not give
priority to people of this country over immigrants. The environment should be protected even if it slows down economic growth.
I have a great deal of confidence in the courts and in universities, some confidence in the press, and not very much in large
companies. Competition is good, because it stimulates people to work hard and develop new ideas. In the long run hard work
usually brings a better life. Science and technology make our lives healthier, easier and more comfortable, and because of them the
next generation will have more opportunities. I worry a good deal about losing my job, and very much about a war involving my
country. A democratic political system is a very good way of governing; a strong leader who does not have to bother with
parliament and elections is a bad one. I would sign a petition, and I have taken part in peaceful demonstrations. Cheating on taxes
is never justifiable, and neither is someone accepting a bribe in the course of their duties. I am very proud of my nationality. I
feel very close to my town and to the world as a whole. God is not so important in my life, and I attend religious services only on
special holy days. On the whole I am satisfied with my life as it is these days, and I would say that I am in good health.
""".replace("\n", " ").strip()


# The template of Mixtral-8x22B-Instruct, whose tokenizer adds no BOS by itself: only the template writes it.
CHAT_TEMPLATE = """{{bos_token}}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}\
{% if message['role'] == 'user' %}{{ ' [INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}\
{{ ' ' + message['content'] + ' ' + eos_token}}{% else %}\
{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"""
MESSAGE = "Which one? (A) Family is very important. (B) Friends are."
ANSWERS = [" A", " (B) Friends are.", " not sure"]


def make_chat():
    """What transformers makes of a chat with the golden Mixtral, and the log-probabilities of answers with and without BOS."""
    folder = GOLDEN / "mixtral-f32"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    tokenizer.chat_template = CHAT_TEMPLATE
    chat = tokenizer.apply_chat_template([{"role": "user", "content": MESSAGE}], tokenize=True)
    chat = list(chat if isinstance(chat, list) else chat["input_ids"])
    assert chat[0] == tokenizer.bos_token_id and chat.count(chat[0]) == 1

    def logprobs(context, answer):
        with torch.no_grad():
            rows = model(torch.tensor([context + answer])).logits[0].log_softmax(-1)
        return [rows[at - 1, token].item() for at, token in enumerate(context + answer) if at >= len(context)]

    answers = [(answer, tokenizer(answer)["input_ids"]) for answer in ANSWERS]
    out = {"chat_template": CHAT_TEMPLATE, "message": MESSAGE, "chat": chat, "answers": [
        {"text": text, "ids": ids, "logprobs": logprobs(chat, ids), "without_bos": logprobs(chat[1:], ids)}
        for text, ids in answers]}
    (GOLDEN / "mixtral-chat.json").write_text(json.dumps(out, indent=1) + "\n")
    for answer in out["answers"]:
        print(f"{answer['text']!r}: {sum(answer['logprobs']):.3f} nats, without BOS {sum(answer['without_bos']):.3f}")


def read_llama_gguf(path):
    """An f32 LlamaForCausalLM with the dequantised tensors of a GGUF file, its queries and keys unpermuted."""
    import gguf

    reader = gguf.GGUFReader(path)

    def field(name):
        return reader.get_field(f"llama.{name}").contents()

    heads, kv_heads, layers = field("attention.head_count"), field("attention.head_count_kv"), field("block_count")
    tensors = {t.name: torch.from_numpy(gguf.dequantize(t.data, t.tensor_type).copy()) for t in reader.tensors}
    embedding = tensors.pop("token_embd.weight")
    config = transformers.LlamaConfig(
        vocab_size=embedding.shape[0], hidden_size=field("embedding_length"), num_hidden_layers=layers,
        intermediate_size=field("feed_forward_length"), num_attention_heads=heads, num_key_value_heads=kv_heads,
        rms_norm_eps=float(field("attention.layer_norm_rms_epsilon")), max_position_embeddings=field("context_length"),
        rope_parameters={"rope_theta": float(field("rope.freq_base")), "rope_type": "default"},
        tie_word_embeddings="output.weight" not in tensors, attn_implementation="eager")
    names = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
    state = {"model.embed_tokens.weight": embedding, "model.norm.weight": tensors.pop("output_norm.weight")}
    state["lm_head.weight"] = tensors.pop("output.weight", embedding)
    for name, tensor in tensors.items():
        _, layer, part, _ = name.split(".")
        if part in ("attn_q", "attn_k"):
            n = heads if part == "attn_q" else kv_heads
            tensor = tensor.reshape(n, -1, 2, tensor.shape[-1]).swapaxes(1, 2).reshape(tensor.shape)
        state[f"model.layers.{layer}.{names[part]}.weight"] = tensor
    model = transformers.LlamaForCausalLM(config)
    model.load_state_dict(state, strict=True)
    return model.eval()


def make_smollm2(gguf):
    """Token log-probabilities of the dequantised weights, in f32 and, for comparison, in bf16."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    out = {"ids": ids}
    for key, dtype in [("f32", torch.float32), ("bf16", torch.bfloat16)]:
        model = read_llama_gguf(gguf).to(dtype)
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0].float()
        logprobs = torch.log_softmax(logits.double(), -1)
        out[key] = [round(logprobs[i, t].item(), 6) for i, t in enumerate(ids[1:])]
        out[f"greedy_{key}"] = logits[:-1].argmax(-1).tolist()
    text = json.dumps({"sha256": hashlib.sha256(gguf.read_bytes()).hexdigest(), "text": TEXT, **out})
    (GOLDEN / "smollm2-135m.json").write_text(text.replace('], "', '],\n"') + "\n")
    worst = max(abs(a - b) for a, b in zip(out["f32"], out["bf16"]))
    changed = sum(a != b for a, b in zip(out["greedy_f32"], out["greedy_bf16"]))
    print(f"smollm2: {len(ids)} tokens, sum {sum(out['f32']):.3f} nats; bf16: sum {sum(out['bf16']):.3f}, "
          f"at most {worst:.4f} nats a token away, {changed} argmax changed")


def make_gemma3(gguf):
    """Token log-probabilities of the real Gemma 3 270M in f32, read from its file by transformers itself."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    # Its vocabulary is large, and tests are to be fast.
    text = TEXT[:TEXT.index(" A child")]
    ids = tokenizer(text)["input_ids"]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].float()
    logprobs = torch.log_softmax(logits.double(), -1)
    out = {"sha256": hashlib.sha256(gguf.read_bytes()).hexdigest(), "text": text, "ids": ids,
           "f32": [round(logprobs[i, t].item(), 6) for i, t in enumerate(ids[1:])]}
    (GOLDEN / "gemma3-270m.json").write_text(json.dumps(out).replace('], "', '],\n"') + "\n")
    print(f"gemma3: {len(ids)} tokens, sum {sum(out['f32']):.3f} nats")


OTHERS = ["mixtral-chat.json", "smollm2-135m.json", "gemma3-270m.json"]


def provenance(made):
    """Every checkpoint with what made it: those `made` now with today's versions, the others as they are recorded."""
    path = GOLDEN / "PROVENANCE.md"
    recorded = dict(re.findall(r"^- `(.+?)`: (.+)$", path.read_text(), re.M)) if path.exists() else {}
    now = (f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}, "
           f"tokenizers {tokenizers.__version__}, safetensors {safetensors.__version__}")
    recorded.update(dict.fromkeys(made, now))
    names = "\n".join(f"- `{name}`: {recorded[name]}" for name in [*CHECKPOINTS, *OTHERS])
    path.write_text(f"""# Where these files come from

Every file here but this project's own text was made by `scripts/make_goldens.py` with fixed seeds; `chat.json` by
`scripts/make_chat_goldens.py`, and what is in `tokenizers` by `scripts/make_tokenizer_goldens.py` and
`scripts/make_special_token_goldens.py` and `scripts/make_pretokenizer_goldens.py` (`cuts.json`), what is in `adapters` by
`scripts/make_adapter_goldens.py`, what is in `quantized` by `scripts/make_quantized_goldens.py`, and what is in `gguf` (gguf 0.19.0) by
`scripts/make_gguf_goldens.py`, which say what they need.
`thinking` has templates of others; its README says whose.

    python scripts/make_goldens.py
    python scripts/make_goldens.py --chat
    python scripts/make_goldens.py --smollm2 smollm2-135m.gguf
    python scripts/make_goldens.py --gemma3 gemma3-270m.gguf

Made on the CPU with:

{names}

The checkpoints have random weights, made here (nothing was trained, nothing downloaded).

Each has the checkpoint as transformers saves it, a {VOCABULARY}-token byte-level tokenizer, and `golden.safetensors`: fixed token ids
(`ids.N`, lengths {LENGTHS}) and the logits `logits.N` (N, {VOCABULARY}) that transformers computes from the stored weights widened to
f32, with eager attention. `config.json` writes RoPE as published checkpoints do (`rope_theta`, `rope_scaling`), for some
as transformers 5 does (`rope_parameters`). The two that also see have an encoder of pictures of the least size beside.

`mixtral-chat.json` holds the token ids that transformers gives to a chat with `mixtral-f32` under the template of
Mixtral-8x22B-Instruct, and the log-probabilities of answers in it, in nats; `without_bos` is what they are
where the BOS is lost.

`smollm2-135m.json` holds token ids of a text written for it, and their log-probabilities in nats under SmolLM2-135M-Instruct
(Q4_1, Apache-2.0; the GGUF named by its SHA-256 is not in this repository), dequantised, computed by transformers in f32 and bf16.

`gemma3-270m.json` holds the same of two sentences of that text under Gemma 3 270M (Q4_K_M, Gemma Terms of Use, not in this
repository), in f32; its ids begin with BOS. transformers read the file and its vocabulary by itself.

`smollm2-float64.jsonl` holds short requests to the same model with the log-probabilities that transformers 5.24 computes
of them in float64, and how far its own f32 is from these (`transformers_f32_off`, nats, the greatest of a request).
""")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*", metavar="NAME", help="of CHECKPOINTS; all where none is given")
    arguments.add_argument("--chat", action="store_true")
    arguments.add_argument("--smollm2", type=Path, metavar="FILE.gguf")
    arguments.add_argument("--gemma3", type=Path, metavar="FILE.gguf")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    made = ["smollm2-135m.json"] if given.smollm2 else given.names or list(CHECKPOINTS)
    if given.gemma3:
        made = ["gemma3-270m.json"]
    if given.chat:
        made = ["mixtral-chat.json"]
    if unknown := set(made) - {*CHECKPOINTS, *OTHERS}:
        arguments.error(f"no checkpoint is called {', '.join(sorted(unknown))}; there are {', '.join(CHECKPOINTS)}")
    for each in made:
        if given.chat:
            make_chat()
        elif given.smollm2:
            make_smollm2(given.smollm2)
        elif given.gemma3:
            make_gemma3(given.gemma3)
        else:
            make(each)
    provenance(made)
