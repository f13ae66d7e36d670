#!/usr/bin/env python3
"""Makes tests/golden/quantized: one-layer checkpoints as quantisers write them, and the SHA-256 of each weight's values as
the quantisers' own code unpacks them on a CPU.

    usage: scripts/make_quantized_goldens.py

Needs torch, transformers, safetensors, compressed-tensors and bitsandbytes; for AWQ and GPTQ, whose packages do not install
without a GPU, INDIEVAL_AWQ names a file `packing_utils.py` of autoawq (0.2.6: awq/utils), and GPTQ is unpacked as AutoGPTQ
0.7.1 does (auto_gptq/nn_modules/qlinear/qlinear_cuda_old.py, forward, without CUDA). The numbers are random, the seeds fixed.
"""

import hashlib
import importlib.util
import json
import os
import shutil
from pathlib import Path

import bitsandbytes.functional as bnb
import compressed_tensors
import torch
import transformers
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute, _get_4bit_code
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32, unpack_from_int32
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import dequantize
from safetensors.torch import save_file
from transformers.integrations.finegrained_fp8 import Fp8Dequantize
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "quantized"
HIDDEN, INNER, HEADS, KV_HEADS, VOCABULARY = 64, 96, 4, 2, 32
LINEAR = {"self_attn.q_proj": (64, 64), "self_attn.k_proj": (32, 64), "self_attn.v_proj": (32, 64),
          "self_attn.o_proj": (64, 64), "mlp.gate_proj": (96, 64), "mlp.up_proj": (96, 64), "mlp.down_proj": (64, 96)}


def load(path):
    spec = importlib.util.spec_from_file_location("packing_utils", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_float8(shape):
    """Every code but the NaNs."""
    codes = torch.randint(0, 256, shape, dtype=torch.int32)
    codes[(codes & 127) == 127] = 0
    return codes.to(torch.uint8).view(torch.float8_e4m3fn)


def scales(shape, dtype=torch.float32):
    return (torch.rand(shape) * 0.004 + 0.0005).to(dtype)


def fp8_block(rows, columns, block=(32, 32)):
    weight, scale = random_float8((rows, columns)), scales((rows // block[0], columns // block[1]))
    value = Fp8Dequantize(None)._dequantize_one(weight, scale, torch.float32)
    return {"weight": weight, "weight_scale_inv": scale}, value


def fp8_tensor(rows, columns):
    weight, scale = random_float8((rows, columns)), scales((), torch.bfloat16)
    value = Fp8Dequantize(None)._dequantize_one(weight, scale, torch.float32)
    return {"weight": weight, "weight_scale_inv": scale, "activation_scale": torch.tensor(1.0)}, value


def fbgemm(rows, columns):
    weight, scale = random_float8((rows, columns)), scales((rows, 1))
    # FBGEMM multiplies by the row's scale in f32 and never unpacks the weight.
    return {"weight": weight, "weight_scale": scale, "input_scale_ub": torch.tensor([1200.0])}, weight.float() * scale


def ct_float(strategy, dtype):
    def make(rows, columns):
        weight = random_float8((rows, columns))
        shape = {"tensor": (1,), "channel": (rows, 1), "block": (-(-rows // 48), -(-columns // 40))}[strategy]
        scale = scales(shape, dtype)
        structure = {"block_structure": [48, 40]} if strategy == "block" else {}
        args = QuantizationArgs(num_bits=8, type="float", strategy=strategy, **structure)
        return {"weight": weight, "weight_scale": scale}, dequantize(weight, scale, args=args)
    return make


def ct_packed(bits, group, symmetric, dtype, ordered=True):
    def make(rows, columns):
        size = group or columns
        groups = columns // size
        number = lambda *shape: torch.randint(-(1 << bits - 1), 1 << bits - 1, shape, dtype=torch.int8)
        weight, scale = number(rows, columns), scales((rows, groups), dtype)
        parts = {"weight_packed": pack_to_int32(weight, bits), "weight_scale": scale,
                 "weight_shape": torch.tensor([rows, columns])}
        assert torch.equal(unpack_from_int32(parts["weight_packed"], bits, torch.Size([rows, columns])), weight)
        zero = None
        if not symmetric:
            zero = number(rows, groups)
            parts["weight_zero_point"] = pack_to_int32(zero, bits, packed_dim=0).contiguous()
        index = torch.arange(columns) // size
        if not ordered:
            index = index[torch.randperm(columns)]
            parts["weight_g_idx"] = index.to(torch.int32)
            # As compressed-tensors does: by group, then back.
            order = torch.argsort(index, stable=True)
            args = QuantizationArgs(num_bits=bits, type="int", strategy="group", group_size=size, symmetric=symmetric)
            value = dequantize(weight[:, order], scale, zero, args=args)[:, torch.argsort(order)]
        else:
            args = QuantizationArgs(num_bits=bits, type="int", symmetric=symmetric, strategy="group" if group else "channel",
                                    **({"group_size": size} if group else {}))
            value = dequantize(weight, scale, zero, args=args)
        return parts, value
    return make


def ct_int8(rows, columns):
    weight, scale = torch.randint(-128, 128, (rows, columns), dtype=torch.int8), scales((rows, 1), torch.bfloat16)
    args = QuantizationArgs(num_bits=8, type="int", strategy="channel")
    return {"weight": weight, "weight_scale": scale}, dequantize(weight, scale, args=args)


def words(shape):
    return torch.randint(-(1 << 31), 1 << 31, shape, dtype=torch.int64).to(torch.int32)


def gptq(bits, group, version=1, ordered=True):
    def make(rows, columns):
        size = group or columns
        groups, each = columns // size, 32 // bits
        qweight, qzeros = words((columns // each, rows)), words((groups, rows // each))
        scale = scales((groups, rows), torch.float16)
        index = (torch.arange(columns) // size).to(torch.int32)
        if not ordered:
            index = index[torch.randperm(columns)]
        shifts, mask = torch.arange(0, 32, bits, dtype=torch.int32), (1 << bits) - 1
        zeros = (qzeros[:, :, None] >> shifts).to(torch.int16) & mask
        if version == 1:
            zeros = (zeros + 1) & mask
        zeros = zeros.reshape(groups, rows)
        weight = ((qweight[:, None, :] >> shifts[None, :, None]).to(torch.int16) & mask).reshape(columns, rows)
        value = scale[index] * (weight - zeros[index])
        parts = {"qweight": qweight, "qzeros": qzeros, "scales": scale, "g_idx": index}
        if version == 1:
            parts["bias"] = torch.zeros(rows, dtype=torch.float16)
        return parts, value.t()
    return make


def awq(rows, columns, group=32):
    utils = load(os.environ["INDIEVAL_AWQ"])
    parts = {"qweight": words((columns, rows // 8)), "qzeros": words((columns // group, rows // 8)),
             "scales": scales((columns // group, rows), torch.float16)}
    value = utils.dequantize_gemm(parts["qweight"], parts["qzeros"], parts["scales"], 4, group)
    return parts, value.t()


def codes(kind, nested, dtype):
    def make(rows, columns):
        weight = (torch.randn(rows, columns) * 0.05).to(dtype)
        packed, state = bnb.quantize_4bit(weight, blocksize=64, compress_statistics=nested, quant_type=kind)
        parts = {"weight": packed}
        for key, value in state.as_dict(packed=True).items():
            parts[f"weight.{key}"] = value
        scale = state.absmax
        if nested:
            scale = bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset
        # The plain code that all backends are held to; the compiled one of a processor may round elsewhere.
        table = _get_4bit_code(kind, torch.device("cpu"))
        return parts, _dequantize_4bit_compute(packed.reshape(-1), scale, table, state.blocksize, state.shape, dtype)
    return make


COMPRESSED = {"quant_method": "compressed-tensors", "quantization_status": "compressed"}
SCHEMES = {
    "fp8-block": ({"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [32, 32]}, fp8_block),
    "fp8-tensor": ({"quant_method": "fp8", "activation_scheme": "static", "weight_block_size": None}, fp8_tensor),
    "fbgemm-fp8": ({"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0}, fbgemm),
    "ct-fp8-tensor": ({**COMPRESSED, "format": "float-quantized"}, ct_float("tensor", torch.bfloat16)),
    "ct-fp8-channel": ({**COMPRESSED, "format": "float-quantized"}, ct_float("channel", torch.bfloat16)),
    "ct-fp8-block": ({**COMPRESSED, "format": "float-quantized", "config_groups": {"group_0": {"weights": {
                     "block_structure": [48, 40]}}}}, ct_float("block", torch.float32)),
    "ct-int4-group": ({**COMPRESSED, "format": "pack-quantized"}, ct_packed(4, 32, True, torch.bfloat16)),
    "ct-int4-order": ({**COMPRESSED, "format": "pack-quantized"}, ct_packed(4, 32, False, torch.float16, False)),
    "ct-int3-channel": ({**COMPRESSED, "format": "pack-quantized"}, ct_packed(3, None, False, torch.bfloat16)),
    "ct-int8": ({**COMPRESSED, "format": "int-quantized"}, ct_int8),
    "gptq4-order": ({"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": True, "sym": False},
                    gptq(4, 32, ordered=False)),
    "gptq8": ({"quant_method": "gptq", "bits": 8, "group_size": -1, "desc_act": False, "sym": True}, gptq(8, None)),
    "gptq4-v2": ({"quant_method": "gptq", "bits": 4, "group_size": 16, "checkpoint_format": "gptq_v2"}, gptq(4, 16, 2)),
    "awq": ({"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True}, awq),
    "nf4-nested": ({"quant_method": "bitsandbytes", "load_in_4bit": True}, codes("nf4", True, torch.bfloat16)),
    "fp4": ({"quant_method": "bitsandbytes", "load_in_4bit": True}, codes("fp4", False, torch.float16)),
}


def digest(value):
    """Of the values widened to f32, row by row."""
    return hashlib.sha256(value.float().contiguous().numpy().tobytes()).hexdigest()


def write(name, settings, tensors, expected):
    folder = GOLDEN / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = {"model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": 1,
              "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "vocab_size": VOCABULARY, "rms_norm_eps": 1e-5,
              "max_position_embeddings": 128, "rope_theta": 10000.0, "tie_word_embeddings": True, "hidden_act": "silu",
              "torch_dtype": "bfloat16", "quantization_config": settings}
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    save_file({key: value.contiguous() for key, value in tensors.items()}, str(folder / "model.safetensors"))
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    print(f"{name}: {sum(f.stat().st_size for f in folder.iterdir())} bytes")


def make(name):
    settings, pack = SCHEMES[name]
    torch.manual_seed(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    layer, tensors, expected = "model.layers.0.", {}, {}
    for module, shape in LINEAR.items():
        parts, value = pack(*shape)
        assert tuple(value.shape) == shape, (name, module, value.shape)
        tensors.update({f"{layer}{module}.{part}": tensor for part, tensor in parts.items()})
        expected[f"{layer}{module}.weight"] = digest(value)
    tensors["model.embed_tokens.weight"] = torch.randn(VOCABULARY, HIDDEN).bfloat16()
    for norm in ["model.norm", f"{layer}input_layernorm", f"{layer}post_attention_layernorm"]:
        tensors[f"{norm}.weight"] = torch.ones(HIDDEN).bfloat16()
    write(name, settings, tensors, expected)


def make_mxfp4():
    torch.manual_seed(4)
    experts, rows, groups = 3, 20, 2
    blocks = torch.randint(0, 256, (experts, rows, groups, 16), dtype=torch.uint8)
    exponents = torch.randint(110, 130, (experts, rows, groups), dtype=torch.uint8)
    value = convert_moe_packed_tensors(blocks, exponents)
    prefix = "model.layers.0.mlp.experts.gate_up_proj"
    # transformers turns each expert's matrix around; stored it is (outputs, inputs).
    expected = {f"{prefix}.{expert}": digest(value[expert].t()) for expert in range(experts)}
    write("mxfp4", {"quant_method": "mxfp4"}, {f"{prefix}_blocks": blocks, f"{prefix}_scales": exponents}, expected)


def main():
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, "
          f"compressed-tensors {compressed_tensors.__version__}")
    for name in SCHEMES:
        make(name)
    make_mxfp4()


if __name__ == "__main__":
    main()
