#!/usr/bin/env python3
"""Makes tests/golden/chat.json: what transformers' Jinja makes of the tests, filters, methods and tags that chat templates use.

    usage: scripts/make_chat_goldens.py

Needs transformers (5 or newer) and jinja2. A template that fails there has no output. `other` are those that are known to
come out otherwise here; tests/it/chat.rs says how.
"""

import json
import pathlib

from chat_cases import LINES, OTHER, SAME
from transformers.utils.chat_template_utils import _compile_jinja_template

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Hi \n"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Q?"},
]

def case(template, other):
    variables = {"messages": MESSAGES, "tools": None, "documents": None, "add_generation_prompt": True}
    try:
        rendered = _compile_jinja_template(template).render(
            **variables, enable_thinking=False, bos_token="<s>", eos_token="</s>"
        )
    except Exception:
        rendered = None
    return {"template": template, "output": rendered, "other": other}


def main():
    same = [line for line in SAME.splitlines() if line.strip()] + LINES
    cases = [case(template, False) for template in same]
    cases += [case(template, True) for template in OTHER]
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in cases)
    target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "chat.json"
    target.write_text(f'{{"messages": {json.dumps(MESSAGES)},\n"cases": [\n{rows}]}}\n')


if __name__ == "__main__":
    main()
