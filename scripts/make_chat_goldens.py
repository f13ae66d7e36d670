#!/usr/bin/env python3
"""Makes tests/golden/chat.json: what transformers' Jinja makes of the tests, filters, methods and tags that chat templates use.

    usage: scripts/make_chat_goldens.py

Needs transformers (5 or newer) and jinja2. A template that fails there has no output. `here` says whether it
comes out here as there, is refused here, or comes out otherwise.
"""

import json
import pathlib

from chat_cases import LINES, OTHER, REFUSED, SAME
from transformers.utils.chat_template_utils import _compile_jinja_template

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Hi \n"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Q?"},
]

def case(template, here):
    variables = {"messages": MESSAGES, "tools": None, "documents": None, "add_generation_prompt": True}
    try:
        rendered = _compile_jinja_template(template).render(
            **variables, enable_thinking=False, bos_token="<s>", eos_token="</s>"
        )
    except Exception:
        rendered = None
    return {"template": template, "output": rendered, "here": here}


def main():
    same = [line for line in SAME.splitlines() if line.strip()] + LINES
    cases = [case(template, "same") for template in same]
    cases += [case(template, "refused") for template in REFUSED]
    cases += [case(template, "otherwise") for template in OTHER]
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in cases)
    target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "chat.json"
    target.write_text(f'{{"messages": {json.dumps(MESSAGES)},\n"cases": [\n{rows}]}}\n')


if __name__ == "__main__":
    main()
