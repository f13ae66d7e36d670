#!/usr/bin/env python3
"""Makes tests/golden/thinking/golden.json and tokenizer.json: prompts of models that think, and their token ids.

    usage: scripts/make_thinking_goldens.py

Needs transformers (5 or newer). Each template in that folder is rendered by `apply_chat_template` with and without
thoughts, a system message, variables and another date. Behind what it writes stands what the model is to go on from: an
answer, or thoughts. Where a template writes answers with their thoughts into a conversation (`HISTORY`), that is taken out of
such a conversation; for the others the form is written here by hand (`FORMS`).

The tokenizer has bytes, pairs of line breaks and the templates' control tokens.
"""

import json
import os
import pathlib

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from check_templates import Day
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "thinking"
MESSAGE = "Which one?\nA. I trust people.\nB. I don't.\n\nAnswer with its letter."
THOUGHTS, ANSWER = "so", "B"
BUDGET = 300
CONTROL = """<|im_start|> <|im_end|> <think> </think> [gMASK] <sop> <|system|> <|user|> <|assistant|> <|start|> <|end|> <|message|>
<|channel|> <|return|> <seed:bos> <seed:eos> <seed:think> </seed:think> <seed:cot_budget_reflect> </seed:cot_budget_reflect>
<｜User｜> <｜Assistant｜> <｜end▁of▁sentence｜>""".split()
# How a turn of the assistant tells its thoughts, where the template writes them.
HISTORY = {
    "qwen3.jinja": "reasoning_content",
    "glm4moe.jinja": "reasoning_content",
    "../templates/glm-4.7.jinja": "reasoning_content",
    "gptoss.jinja": "thinking",
}
# For the others: what stands behind the template's text (some of whose end is cut off) without thoughts; what begins thoughts,
# and what ends them.
FORMS = {
    "deepseek_r1_distill.jinja": ("\n", "\n\n</think>\n\n", "", "\n</think>\n\n"),
    "../templates/smollm3.jinja": ("", "", "<think>\n", "\n</think>\n"),
    "seed-oss-like.jinja": ("", "</seed:cot_budget_reflect></seed:think>", "<seed:think>", "\n</seed:think>\n"),
}
# Settings: a system message, variables, a date.
SETTINGS = [
    {},
    {"system": "You are this person."},
    {"kwargs": {"reasoning_effort": "low", "model_identity": "You answer."}, "date": "2026-02-03"},
]


def tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: id for id, token in enumerate([*alphabet, "ĊĊ"])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ċ", "Ċ")]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in CONTROL])
    made.save(str(FOLDER / "tokenizer.json"), pretty=False)
    return PreTrainedTokenizerFast(tokenizer_object=made)


def rendered(tokens, template, setting, thinking, said=None):
    Day.date = setting.get("date", "2024-07-26")
    messages = [{"role": "system", "content": setting["system"]}] if "system" in setting else []
    messages += [{"role": "user", "content": MESSAGE}] + ([said] if said else [])
    switches = {"enable_thinking": thinking > 0, "thinking_budget": thinking}
    return tokens.apply_chat_template(
        messages,
        chat_template=(FOLDER / template).read_text(),
        tokenize=False,
        add_generation_prompt=said is None,
        **{**switches, **setting.get("kwargs", {})},
    )


def case(tokens, template, setting, thinking):
    prompt = rendered(tokens, template, setting, thinking)
    if template in HISTORY:
        said = {"role": "assistant", "content": ANSWER}
        if thinking:
            said[HISTORY[template]] = THOUGHTS
        told = rendered(tokens, template, setting, thinking, said)
        assert told.startswith(prompt), (template, prompt, told)
        whole = told[: told.rindex(ANSWER) + 1]
        prompt = whole[: whole.rindex(THOUGHTS if thinking else ANSWER)]
    else:
        cut, off, begin, end = FORMS[template]
        if thinking:
            prompt += begin
        else:
            assert prompt.endswith(cut)
            prompt = prompt[: len(prompt) - len(cut)] + off
        whole = prompt + (THOUGHTS + end if thinking else "") + ANSWER
    ids = lambda text: tokens(text, add_special_tokens=False)["input_ids"]
    # What the model writes comes after the prompt's tokens, whatever tokens the whole text has.
    own = ids(prompt)
    rest = ids("x" + whole[len(prompt) :])[1:]
    return {"template": template, **setting, "thinking_tokens": thinking or None, "prompt": prompt, "ids": own,
            "whole": whole, "whole_ids": own + rest}


def main():
    chat_template_utils.datetime = Day
    tokens = tokenizer()
    cases = []
    for template in [*HISTORY, *FORMS]:
        for setting in SETTINGS:
            cases += [case(tokens, template, setting, thinking) for thinking in (0, BUDGET)]
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in cases)
    (FOLDER / "golden.json").write_text(f"[\n{rows}\n]\n")


if __name__ == "__main__":
    main()
