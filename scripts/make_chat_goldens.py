#!/usr/bin/env python3
"""Makes tests/golden/chat.json: what transformers' Jinja makes of the tests, filters, methods and tags that chat templates use.

    usage: scripts/make_chat_goldens.py

Needs transformers (5 or newer) and jinja2. A template that fails there has no output. `other` are those that are known to
come out otherwise here; tests/it/chat.rs says how.
"""

import json
import pathlib

from transformers.utils.chat_template_utils import _compile_jinja_template

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Hi \n"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Q?"},
]

SAME = r"""
{{ tools is iterable }}|{{ tools is none }}|{{ tools is defined }}
{% if tools is iterable and tools | length > 0 %}T{% else %}N{% endif %}
{% if tools %}T{% endif %}N
{{ nothing is iterable }}
{{ 'abc' is iterable }}{{ [] is iterable }}{{ {} is iterable }}{{ 5 is iterable }}
{{ none is defined }}{{ nothing is defined }}{{ nothing is none }}{{ none is none }}
{{ 'a' is string }}{{ 1 is string }}{{ none is string }}{{ nothing is string }}
{{ {} is mapping }}{{ [] is mapping }}{{ none is mapping }}{{ nothing is mapping }}{{ messages[0] is mapping }}
{{ [] is sequence }}{{ 'a' is sequence }}{{ {} is sequence }}{{ none is sequence }}{{ 5 is sequence }}{{ nothing is sequence }}
{{ messages is sequence }}{{ messages[0] is sequence }}{{ range(3) is sequence }}{{ range(3) is iterable }}
{{ true is boolean }}{{ 1 is boolean }}{{ 1 is number }}{{ true is number }}{{ 1.5 is number }}{{ '1' is number }}
{{ 1 is integer }}{{ true is integer }}{{ 1.0 is integer }}{{ 1.0 is float }}{{ 1 is float }}
{{ 3 is odd }}{{ 4 is even }}{{ 9 is divisibleby 3 }}{{ 'A' is upper }}{{ 'a' is lower }}{{ 1 is in [1] }}
{{ true is true }}{{ false is false }}{{ 1 is true }}{{ none is false }}
{{ 1 is sameas 1 }}{{ none is sameas none }}{{ 'a' is eq 'a' }}{{ 1 is equalto 1 }}{{ 1 is ne 2 }}{{ 2 is gt 1 }}{{ 1 is lt 2 }}{{ 2 is ge 2 }}{{ 2 is greaterthan 1 }}
{{ raise_exception is callable }}{{ 'x' is callable }}{{ namespace is callable }}
{{ raise_exception is defined }}{{ strftime_now is defined }}{{ namespace is defined }}{{ documents is defined }}{{ bos_token is defined }}
{{ documents is none }}
{{ none }}|{{ true }}|{{ false }}|{{ 1.0 }}|{{ 1 }}|{{ [1,'a',none,true,1.5] }}|{{ {'a':1,'b':[none]} }}
{{ 'a' ~ none ~ true ~ 1 ~ 1.0 }}
{{ [1] ~ {'a': "b'c"} }}
{{ none | string }}{{ true | string }}{{ [true] | string }}
{{ [none, true, 1] | join(',') }}
{{ nothing }}|{{ messages[0].nothing }}|{{ messages[0]['nothing'] }}
{{ nothing.foo }}
{{ messages[0].nothing.foo }}
{{ messages[9] }}
{{ messages[9].role }}
{{ messages[-1].content }}|{{ messages[-1]['role'] }}
{{ messages[1:] | length }}{{ messages[:-1] | length }}{{ messages[::-1][0].content }}{{ messages[0:2] | map(attribute='role') | list }}
{{ 'abcdef'[1:3] }}{{ 'abcdef'[::-1] }}{{ 'abcdef'[-2:] }}{{ 'abcdef'[0] }}{{ 'abc'[-1] }}
{{ (1,2,3)[1:] }}{{ [3,1,2] | sort }}{{ (1,2) }}{{ (1,) }}
{{ messages | selectattr('role', 'equalto', 'user') | list | length }}
{{ messages | selectattr('role', '==', 'user') | map(attribute='content') | join('/') }}
{{ messages | rejectattr('role', 'eq', 'system') | list | length }}{{ messages | selectattr('content') | list | length }}
{{ (messages | selectattr('role', 'in', ['user','system']) | list)[0].role }}
{{ messages | map(attribute='content') | map('trim') | join('|') }}{{ messages | map('length') | list }}
{{ messages | first }}{{ (messages | last).content }}
{{ messages | length }}{{ messages | count }}{{ 'abc' | length }}{{ {'a':1} | length }}
{{ ' a ' | trim }}|{{ 'xxaxx' | trim('x') }}|{{ 'a' | upper }}{{ 'AB' | lower }}{{ 'ab cd' | title }}{{ 'ab CD' | capitalize }}
{{ 'a-b' | replace('-', '+') }}{{ 'aaa' | replace('a','b',2) }}{{ 'abc' | reverse }}{{ [1,2] | reverse | list }}
{{ nothing | default('d') }}{{ none | default('d') }}{{ none | default('d', true) }}{{ '' | default('d', true) }}{{ '' | d('e', boolean=true) }}
{{ {'b':1,'a':2} | dictsort }}{{ {'b':1,'a':2} | items | list }}{% for k, v in {'b':1,'a':2}.items() %}{{ k }}={{ v }};{% endfor %}
{{ {'b':1}.get('b') }}{{ {'b':1}.get('x') }}{{ {'b':1}.get('x', 'y') }}{{ {'b':1}.keys() | list }}{{ {'b':1}.values() | list }}
{{ messages[0].get('role') }}{{ messages[0].get('name', 'no') }}{{ messages[0].items() | list }}{{ 'role' in messages[0] }}{{ 'x' not in messages[0] }}
{{ messages[0].keys() | list }}{{ messages[0].role }}{{ messages[0].content.split(' ') }}
{{ 'a b  c'.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ 'a</t>b</t>c'.split('</t>')[-1] }}{{ 'a\nb'.splitlines() }}
{{ ' x '.strip() }}|{{ ' x '.lstrip() }}|{{ ' x '.rstrip() }}|{{ '\n\nx\n'.strip('\n') }}|{{ 'xyx'.strip('x') }}|{{ 'abxba'.lstrip('ab') }}
{{ 'abc'.startswith('a') }}{{ 'abc'.endswith('c') }}{{ 'abc'.startswith(('x','a')) }}{{ 'abc'.find('c') }}{{ 'abc'.find('z') }}{{ 'abcabc'.count('b') }}
{{ 'abc'.upper() }}{{ 'ABC'.lower() }}{{ 'abc def'.title() }}{{ 'abc'.capitalize() }}{{ 'a-b'.replace('-', '') }}{{ 'aaa'.replace('a','b',1) }}
{{ ','.join(['a','b']) }}{{ '1'.isdigit() }}{{ 'a'.isalpha() }}{{ 'a1'.isalnum() }}{{ ' '.isspace() }}{{ 'a'.islower() }}{{ 'A'.isupper() }}
{{ 'a{}b{}'.format(1, 'x') }}
{{ '%s-%d' | format('a', 3) }}
{{ 'abc'.index('c') }}{{ 'abcabc'.rfind('b') }}{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('c') }}
{{ 'a' * 3 }}{{ [1] * 2 }}{{ [1] + [2] }}{{ 'a' + 'b' }}{{ 7 // 2 }}{{ 7 / 2 }}{{ 7 % 3 }}{{ 2 ** 3 }}{{ 4 / 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 1 + 1.5 }}
{{ 'a' + 1 }}
{{ 'a' + none }}
{{ nothing + 'a' }}
{{ 1 if true else 2 }}{{ 1 if false }}{{ 'a' if nothing else 'b' }}{{ not none }}{{ none or 'x' }}{{ '' or 'y' }}{{ 'a' and 'b' }}{{ 0 or none }}
{{ 1 == 1.0 }}{{ 'a' == 'a' }}{{ none == none }}{{ [1] == [1] }}{{ {'a':1} == {'a':1} }}{{ 1 != 2 }}{{ 1 < 2 <= 2 }}{{ 'a' < 'b' }}{{ true == 1 }}
{{ 'b' in 'abc' }}{{ 'x' in 'abc' }}{{ 1 in [1,2] }}{{ 'a' in {'a':1} }}{{ 'a' in none }}
{{ '' in 'abc' }}{{ nothing in [1] }}
{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }};{% endfor %}
{% for m in messages %}{{ loop.previtem.role }}>{{ loop.nextitem.role if loop.nextitem is defined }}{{ loop.previtem is defined }};{% endfor %}
{% for m in messages %}{{ loop.cycle('a','b') }}{{ loop.changed(m.role) }}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}
{% for m in messages if m.role == 'user' %}{{ loop.index }}{{ m.content | trim }}{% else %}none{% endfor %}{% for m in [] %}x{% else %}empty{% endfor %}
{% for m in messages %}{% if loop.index == 2 %}{% continue %}{% endif %}{% if loop.index == 4 %}{% break %}{% endif %}{{ m.role }};{% endfor %}
{% for m in nothing %}x{% else %}empty{% endfor %}
{% for c in 'abc' %}{{ c }}.{% endfor %}{% for k in {'a':1} %}{{ k }}{% endfor %}{% for a, b in [(1,2),(3,4)] %}{{ a }}{{ b }}{% endfor %}
{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(1, 6, 2) %}{{ i }}{% endfor %}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}{{ range(3) | list }}
{% set ns = namespace(found=false, n=0, l=[]) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.found = true %}{% set ns.n = ns.n + 1 %}{% set ns.l = ns.l + [m.role] %}{% endif %}{% endfor %}{{ ns.found }}{{ ns.n }}{{ ns.l }}
{% set ns = namespace() %}{% set ns.x = 1 %}{{ ns.x }}{{ ns.y is defined }}{{ ns['x'] }}
{% set ns = namespace({'a': 1}) %}{{ ns.a }}
{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}{% if true %}{% set x = 3 %}{% endif %}{{ x }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set x %}cap {{ a }}{% endset %}[{{ x }}]{% set y | upper %}abc{% endset %}{{ y }}
{% set l = [] %}{% set _ = l.append(1) %}{{ l }}
{% set d = {} %}{% set _ = d.update({'a': 1}) %}{{ d }}
{% macro m(a, b='d') %}({{ a }},{{ b }}){% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(a=3) }}{{ m(b=1, a=2) }}
{% macro m(a) %}{{ bos_token }}{{ a }}{% endmacro %}{{ m(1) | trim }}{{ m('x') + 'y' }}
{% macro m() %}{{ x }}{% endmacro %}{% set x = 5 %}{{ m() }}
{% macro r(n) %}{{ n }}{% if n > 0 %}{{ r(n - 1) }}{% endif %}{% endmacro %}{{ r(3) }}
{% call(x) m2() %}{{ x }}{% endcall %}{% macro m2() %}{{ caller(1) }}{% endmacro %}
{% macro m3() %}[{{ caller() }}]{% endmacro %}{% call m3() %}body{% endcall %}
{% with a = 1 %}{{ a }}{% endwith %}{{ a is defined }}
{% filter upper %}abc{% endfilter %}{% raw %}{{ x }}{% endraw %}{# comment #}
{% generation %}abc{% endgeneration %}
{{ messages | tojson }}
{{ {'b':1,'a':[none,true,1.5,'é"\\/<>&\'']} | tojson }}
{{ {'b':1,'a':[1,{'c':2}]} | tojson(indent=2) }}
{{ {'b':1,'a':2} | tojson(sort_keys=true) }}{{ [1,2] | tojson(separators=(',', ':')) }}{{ 'é' | tojson(ensure_ascii=true) }}{{ 'é' | tojson(ensure_ascii=false) }}
{{ {'a':1,'b':[1]} | tojson(indent=2, separators=(',', ': ')) }}{{ [] | tojson(indent=4) }}{{ {} | tojson }}{{ [[],{}] | tojson(indent=1) }}{{ [1] | tojson(indent=0) }}
{{ {'a': 1, 'b': 2} | tojson(indent='\t') }}
{{ {1: 'a', none: 'b', true: 'c', 1.5: 'd'} | tojson }}
{{ nothing | tojson }}
{{ strftime_now('%Y') | length }}
{{ '3' | int }}{{ 'x' | int }}{{ 'x' | int(7) }}{{ '1.5' | float }}{{ 3.7 | int }}{{ 3.14159 | round(2) }}{{ 3.7 | round }}{{ -3 | abs }}
{{ messages | groupby('role') | length }}{{ messages | map(attribute='role') | unique | list }}{{ [1,2,3] | select('odd') | list }}{{ [1,2] | reject('odd') | list }}
{{ [1,2,3][1] }}{{ [1,2,3] | first }}{{ [] | first }}{{ 'abc' | first }}{{ [] | last }}
{{ [{'a':2},{'a':1}] | sort(attribute='a') | map(attribute='a') | list }}{{ ['b','A'] | sort }}{{ ['b','A'] | sort(case_sensitive=true) }}{{ [1,2] | sort(reverse=true) }}
{{- '  x' -}}   y
{%- if true -%}   a   {%- endif -%}   b
  {% if true %}
  {% endif %}
{% for m in messages %}
    {{ m.role }}
{%+ if true %} a {%+ endif %}
   {{ 'a' }}   
{# c #}
x{# c -#}   y
{%- set x = 1 %}
{% if true %}a{% elif false %}b{% else %}c{% endif %}
{{ "a\tb\\n\"q\" 'x' \x41 \u00e9" }}{{ 'a\'b' }}
{{ 'a' 'b' }}
{{ messages[0]['content'] | replace('\n', ' ') ~ '!' }}{{ eos_token }}{{ bos_token }}{{ pad_token }}
{{ raise_exception('no') }}
{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{{ system_message }}{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('x') }}{% endif %}{{ m.content | trim }}{% endfor %}
{%- set reasoning = '' %}{%- if '</think>' in 'a</think>b' %}{%- set reasoning = 'a</think>b'.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}{%- endif %}{{ reasoning }}
{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}{{ index }}{%- endfor %}
{{ messages is not none and messages is iterable }}{{ messages[0].content is string }}{{ messages[0].tool_calls is defined and messages[0].tool_calls }}
{%- if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ add_generation_prompt }}
{% set x = messages | selectattr("role", "equalto", "tool") | list %}{{ x | length }}{{ x }}
{{ [1,2,3] | map('string') | join }}{{ ['a','b'] | join(', ') }}{{ 'abc' | join('-') }}{{ [{'n':'x'}] | join(',', attribute='n') }}
{{ ([1] | list).__class__ }}
{{ 'a'.__class__ }}
{{ messages.__class__.__name__ }}
{{ [1, 2].index(2) }}{{ [1, 1].count(1) }}
{{ {'a': 1}.pop('a') }}
{{ {'a': 1}.copy() }}{{ [1].copy() }}
{{ messages | list | length }}{{ messages | string | length > 10 }}
{% include 'x' %}
{% import 'x' as y %}
{% extends 'x' %}
{% block b %}x{% endblock %}
{% do messages %}
{% autoescape true %}{{ '<' }}{% endautoescape %}
{{ 'a' is not none }}{{ 'a' is not string }}{{ not 'a' is string }}
{{ 'A' == 'a' | upper }}{{ -2 | abs }}{{ 2 + 3 * 4 ** 2 }}{{ 'a' ~ 1 + 2 }}{{ 10 - 2 - 3 }}{{ 2 ** 3 ** 2 }}
{{ 'a' if 1 else 'b' if 0 else 'c' }}{{ (true and false) or true }}{{ not true and false }}{{ 1 < 2 and 2 < 3 }}
{{ messages[0].content | length > 3 }}{{ messages | length - 1 }}{{ 'a' in ['a'] and 'b' in ['b'] }}
"""

# Templates of several lines.
LINES = [
    "  {% if true %}\n  a\n  {% endif %}\n  b\n",
    "{% for m in messages %}\n    {{ m.role }}\n{% endfor %}\nx",
    "a\n{%- set x = 1 %}\nb",
    "{{ \"line one\\\nline two\" }}",
    "\n\n{% if true %}\n\nx\n\n{% endif %}\n\n",
    "{% set x = 1 %}  \ny\n",
    "\t{%- if true %}\t\n\tz\n\t{%- endif %}\n",
    "{{ 1 }}\n",
    "{{ 1 }}\n\n",
    "{%- macro m() %}\n  a\n{%- endmacro %}\n{{- m() }}\n",
    "a  {#- c -#}  b\n{# d #}\ne",
    "  {# c #}\nx",
    "{% for m in messages -%}\n  {{ m.role }}\n{%- endfor %}\n",
    "{{ \"a\\nb\" }}\n{% if false %}\n{% endif %}\nend",
    "a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc"
]

# Where the engine here is known to do otherwise: refuse, mostly.
OTHER = r"""
{{ '%s-%s' % ('a', 'b') }}
{{ 'abc'.partition('b') }}{{ 'x'.zfill(3) }}{{ 'x'.center(5) }}{{ 'x'.ljust(3) }}|{{ 'x'.rjust(3) }}
{% for m in none %}x{% endfor %}
{% for m in messages recursive %}{{ m.role[0] }}{% endfor %}
{% set ns = namespace(a=1) %}{% set ns._x = 1 %}
{% macro m(a) %}{{ a }}{{ caller is defined }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }}{{ m(1, 2, k=3) }}
{{ 1.0 | tojson }}{{ 1e20 | tojson }}{{ 1e-7 | tojson }}{{ 100000000000000000000 | tojson }}{{ 'a\u007f\u2028' | tojson }}{{ true | tojson }}{{ none | tojson }}
{{ 1e20 }}{{ 1e-7 }}{{ 1.5e300 }}{{ 0.1 + 0.2 }}{{ 3.0 }}{{ 10 ** 20 }}{{ 1_000 }}
{{ dict(a=1) }}{{ dict(a=1).a }}{{ dict([('x', 1)]) }}
{{ [1,1,2] | unique | list }}{{ [[1,2],[3]] | sum(start=[]) }}{{ [1,2,3,4] | batch(2) | list }}{{ [1,2,3] | slice(2) | list }}
{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\nb' | indent(width=2, first=true) }}|{{ 'a b c' | wordcount }}|{{ 'abcdefghijk' | truncate(5, true) }}
{{ {'a': {'b': 1}}.a.b }}{{ {'a': 1}['a'] }}{{ {'items': 5}['items'] }}{{ {'x':1} | attr('x') }}
{{ messages[0] | attr('role') }}
  a
  b
{% endfor %}
x
a
b
{{ loop is defined }}{{ self is defined }}{{ caller is defined }}
{{ namespace(a=1) is mapping }}{{ lipsum is defined }}{{ cycler is defined }}{{ joiner is defined }}
{{ 5.bit_length() }}
{{ 'é'.encode('utf-8') | length }}
"""


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
    cases += [case(template, True) for template in OTHER.splitlines() if template.strip()]
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in cases)
    target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "chat.json"
    target.write_text(f'{{"messages": {json.dumps(MESSAGES)},\n"cases": [\n{rows}]}}\n')


if __name__ == "__main__":
    main()
