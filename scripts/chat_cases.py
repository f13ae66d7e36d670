"""Templates for scripts/make_chat_goldens.py: each uses something that chat templates use."""

# One a line; they come out here as in transformers.
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
{% for m in messages %}
{%+ if true %} a {%+ endif %}
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
{{ 'abc'.partition('b') }}{{ 'x'.zfill(3) }}{{ 'x'.center(5) }}{{ 'x'.ljust(3) }}|{{ 'x'.rjust(3) }}
{% for m in none %}x{% endfor %}
{{ 1.0 | tojson }}{{ 1e20 | tojson }}{{ 1e-7 | tojson }}{{ 100000000000000000000 | tojson }}{{ 'a\u007f\u2028' | tojson }}{{ true | tojson }}{{ none | tojson }}
{{ 1e20 }}{{ 1e-7 }}{{ 1.5e300 }}{{ 0.1 + 0.2 }}{{ 3.0 }}{{ 10 ** 20 }}{{ 1_000 }}
{{ dict(a=1) }}{{ dict(a=1).a }}{{ dict([('x', 1)]) }}
{{ [1,1,2] | unique | list }}{{ [[1,2],[3]] | sum(start=[]) }}{{ [1,2,3,4] | batch(2) | list }}{{ [1,2,3] | slice(2) | list }}
{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a\nb' | indent(width=2, first=true) }}|{{ 'a b c' | wordcount }}|{{ 'abcdefghijk' | truncate(5, true) }}
{{ {'a': {'b': 1}}.a.b }}{{ {'a': 1}['a'] }}{{ {'items': 5}['items'] }}{{ {'x':1} | attr('x') }}
{{ messages[0] | attr('role') }}
{% endfor %}
x
a
b
{{ tools is none }}{{ tools is not none }}{{ tools is undefined }}{{ not tools }}{{ tools is defined and tools is not none }}
{% if tools is not none and tools | length > 0 %}T{% else %}N{% endif %}
{% if tools is defined and tools %}T{% else %}N{% endif %}{% if not tools is defined %}U{% else %}D{% endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}{{ tools }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}{%- if not tools_in_user_message is defined %}{%- set tools_in_user_message = true %}{%- endif %}{{ tools }}{{ tools_in_user_message }}
{{ tools | length }}
{% for t in tools %}x{% endfor %}
{{ (tools or []) | length }}{% for t in tools or [] %}x{% else %}empty{% endfor %}
{{ tools | tojson }}{{ (tools or []) | tojson }}
{{ documents is defined and documents }}{{ documents or 'none' }}
{{ tools == none }}{{ tools != none }}{{ tools is sameas none }}{{ tools is eq none }}
{{ none is none and none is not defined }}{{ xyz is not defined }}{{ xyz is undefined }}{{ xyz is none }}{{ xyz is string }}
{{ xyz.abc is defined }}
{{ messages[0].xyz is defined }}{{ messages[0]['xyz'] is defined }}{{ messages[0]['xyz'] is none }}{{ messages[0].xyz is undefined }}
{{ messages[0].xyz.abc is defined }}
{{ messages[0]['tool_calls'] }}{{ 'tool_calls' in messages[0] and messages[0]['tool_calls'] }}{{ messages[0].tool_calls | length }}
{{ messages[99] is defined }}{{ messages[99] is undefined }}
{{ xyz | length }}
{{ xyz | list }}{{ xyz | join(',') }}{{ xyz | first }}{{ xyz | upper }}{{ xyz | trim }}
{{ xyz | int }}{{ xyz | float }}{{ xyz | string }}|{{ xyz | string | length }}
{{ xyz ~ 'a' }}{{ 'a' ~ xyz }}{{ xyz == none }}{{ xyz == '' }}{{ xyz == xyz2 }}{{ not xyz }}{{ xyz or 'd' }}{{ xyz and 'd' }}
{{ 'a' in xyz }}
{{ xyz() }}
{{ xyz.foo() }}
{{ xyz[0] }}
{{ -xyz }}
{{ none + 1 }}
{{ none | length }}
{{ none | upper }}{{ none | trim }}{{ none | string }}{{ none ~ none }}
{{ none | list }}
{{ none | first }}
{{ none | join(',') }}
{{ none.foo }}
{{ none['foo'] }}
{{ none.foo.bar }}
{{ 'abc'.foo }}{{ 'abc'['foo'] }}{{ [1].foo }}{{ 5 .foo }}
{{ 'abc'[10] }}
{{ 'abc'[-10] is defined }}{{ [1][5] is defined }}{{ (1,)[3] is defined }}
{{ 'abc'[1:100] }}|{{ 'abc'[5:] }}|{{ 'abc'[-100:2] }}|{{ 'abc'[2:1] }}|{{ 'abc'[::2] }}|{{ 'abcdef'[4:1:-1] }}|{{ 'abcdef'[:2:-1] }}|{{ 'abc'[:] }}
{{ [1,2,3,4][1:3] }}{{ [1,2,3,4][::-2] }}{{ [1,2,3][:0] }}{{ [1,2,3][5:] }}{{ [1,2,3][-2:] }}{{ [1,2,3][:-5] }}{{ [][1:] }}{{ [1,2,3][none:2] }}{{ [1,2,3][1:none] }}
{{ (1,2,3)[::-1] }}{{ (1,2,3)[1] }}{{ (1,2,3)[:2] }}{{ range(5)[1:3] | list }}{{ range(5)[2] }}{{ range(10)[::3] | list }}
{{ 'héllo'[1] }}{{ 'héllo'[1:3] }}{{ '日本語'[::-1] }}{{ 'é' | length }}{{ '👍🏽' | length }}
{{ messages[1:][0].content }}{{ messages[:1][0].role }}{{ messages[-2:] | map(attribute='role') | join(',') }}{{ messages[1:-1] | length }}
{{ messages[1:][::-1] | map(attribute='role') | list }}{{ (messages | length) - 1 }}{{ messages[(messages | length) - 1].role }}
{{ messages[loop_index | default(0)].role }}{{ messages[0:1] + messages[2:3] | length }}
{% for m in messages[1:] %}{{ loop.index }}{{ m.role }}{% if not loop.last %},{% endif %}{% endfor %}
{% for m in messages | reverse %}{{ m.role[0] }}{% endfor %}{% for m in messages[::-1] %}{{ m.role[0] }}{% endfor %}
{% for m in messages %}{% if loop.first and m.role == 'system' %}{% continue %}{% endif %}{{ loop.index0 }}{{ m.role }};{% endfor %}
{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% for j in range(5) %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}
{% for i in range(3) %}{{ loop.index }}{% for j in range(2) %}{{ loop.index }}{{ loop.depth }}{% endfor %}{{ loop.index }}{% endfor %}
{% for i in range(2) %}{% set outer = loop %}{% for j in range(2) %}{{ outer.index }}{{ loop.index }}{% endfor %}{% endfor %}
{% for m in messages if m.role != 'system' %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }};{% endfor %}
{% for m in messages if m.role == 'nobody' %}x{% else %}nobody{% endfor %}
{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined else 'none' }}>{% endfor %}
{% for m in messages %}{{ loop.nextitem.role if not loop.last else 'end' }}>{% endfor %}
{% for m in messages %}{% if loop.nextitem is defined and loop.nextitem.role == 'assistant' %}Y{% else %}N{% endif %}{% endfor %}
{% for m in messages %}{{ loop.cycle('odd', 'even', 'x') }}{% endfor %}
{% for x in [1,1,2,2,1] %}{% if loop.changed(x) %}{{ x }}{% endif %}{% endfor %}
{% for k, v in {'a': 1, 'b': [2]}.items() %}{{ loop.index }}{{ k }}={{ v }}{% endfor %}{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}
{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}{{ v }}{% endfor %}{% for k, v in {'b': 1, 'a': 2} | items %}{{ k }}{{ v }}{% endfor %}
{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}
{% for i in 5 %}{{ i }}{% endfor %}
{% for i in none %}{{ i }}{% endfor %}
{% for i in none or [] %}{{ i }}{% else %}e{% endfor %}
{% for i in range(2) %}{{ i }}{% endfor %}{{ i is defined }}{% for i in range(2) %}{% set z = i %}{% endfor %}{{ z is defined }}
{% set x = 0 %}{% for i in range(3) %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% for i in range(3) %}{% if x is defined %}{{ x }}{% endif %}{% set x = i %}{% endfor %}
{% set ns = namespace(x=0) %}{% for i in range(4) %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}
{% set ns = namespace(a='', b=[], c={}) %}{% for m in messages %}{% set ns.a = ns.a ~ m.role[0] %}{% set ns.b = ns.b + [loop.index] %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}
{% set ns = namespace(first=true) %}{% for m in messages %}{% if ns.first %}{{ m.role }}{% set ns.first = false %}{% endif %}{% endfor %}{{ ns.first }}
{% set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}{%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}{%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}{%- endif %}{%- endfor %}{{ ns.last_query_index }}
{% set ns = namespace(x=1) %}{% macro f() %}{% set ns.x = 2 %}{% endmacro %}{{ f() }}{{ ns.x }}
{% set ns = namespace(x=1) %}{% macro f(n) %}{% set n.x = n.x + 1 %}{% endmacro %}{{ f(ns) }}{{ f(ns) }}{{ ns.x }}
{% set ns = namespace() %}{{ ns.x }}|{{ ns.x is defined }}{{ ns.x | default('d') }}
{% set ns = namespace(d={'a': 1}) %}{{ ns.d.a }}{{ ns.d['a'] }}{% set ns.d = dict(ns.d, b=2) %}{{ ns.d }}
{% set ns = 5 %}{% set ns.x = 1 %}
{% set messages.x = 1 %}
{% set x.y = 1 %}
{% set ns = namespace(a=1, b=2) %}{{ ns.a + ns.b }}{{ ns is defined }}{{ ns is none }}{{ ns is string }}{{ ns is iterable }}
{% set ns = namespace(a=1) %}{% set other = ns %}{% set other.a = 5 %}{{ ns.a }}
{% set a = b = 1 %}
{% set (a, b) = (1, 2) %}{{ a }}{{ b }}
{% set a, b = [1, 2] %}{{ a }}{{ b }}{% set c = (1, 2) %}{{ c[0] }}
{% set x = [] %}{{ x + [1] }}{{ x }}{% set x = x + [2] %}{{ x }}
{% set x = {'a': 1} %}{{ x.a }}{{ x['a'] }}{{ x.get('b') }}{{ x.get('b', 3) }}{{ x.b is defined }}
{% set x = 'a' if tools else 'b' %}{{ x }}{% set y = x == 'b' %}{{ y }}{% set z = not y %}{{ z }}
{% set x %}  a {{ 1 + 1 }}
b {% endset %}[{{ x }}]{{ x | trim }}{{ x is string }}
{% set x | trim %}  a  {% endset %}[{{ x }}]{% set y | upper | trim %} b {% endset %}[{{ y }}]
{{ strftime_now('%d') | length }}{{ strftime_now("%d %b %Y") | length }}{{ strftime_now is defined }}{{ strftime_now is callable }}
{% set date_string = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' %}{{ date_string | length }}
{%- if not date_string is defined %}{%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}{%- endif %}{{ date_string | length }}
{{ strftime_now('%Y-%m-%d') | length }}{{ strftime_now('%B') is string }}{{ strftime_now('%H:%M:%S') | length }}{{ strftime_now('%y') | length }}{{ strftime_now('%%') }}{{ strftime_now('x') }}{{ strftime_now('') }}
{{ strftime_now('%j') | length }}{{ strftime_now('%I:%M %p') | length }}{{ strftime_now('%F') | length }}{{ strftime_now('%T') | length }}{{ strftime_now('%e') | length }}{{ strftime_now('%-d') | length > 0 }}{{ strftime_now('%u') | length }}{{ strftime_now('%w') | length }}{{ strftime_now('%D') | length }}{{ strftime_now('%h') | length }}
{{ strftime_now() }}
{{ strftime_now(5) }}
{{ raise_exception('x') if false else 'ok' }}
{% if messages[0].role == 'nobody' %}{{ raise_exception('x') }}{% endif %}ok
{{ raise_exception("a" ~ 1) }}
{{ raise_exception() }}
{% macro a() %}A{% endmacro %}{% macro b() %}{{ a() }}B{% endmacro %}{{ b() }}
{% macro f(x, y=2, z='c') %}{{ x }}{{ y }}{{ z }}{% endmacro %}{{ f(1) }}{{ f(1, 3) }}{{ f(1, z='d') }}{{ f(y=1, x=0) }}{{ f() }}
{% macro f(x) -%}
{%- endmacro %}{{ f('a') }}{{- f('b') }}
{% macro f(x, y=x) %}{{ x }}{{ y }}{% endmacro %}{{ f(1) }}
{% macro f(x=[]) %}{{ x + [1] }}{% endmacro %}{{ f() }}{{ f() }}
{% macro f(x) %}{% if x is string %}{{ x }}{% elif x is iterable %}{% for i in x %}{{ f(i) }}{% endfor %}{% else %}{{ x }}{% endif %}{% endmacro %}{{ f(['a', ['b', 1]]) }}
{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'a': 2}) }}
{% macro f(a) %}{{ a is defined }}{{ a is none }}{% endmacro %}{{ f() }}{{ f(none) }}
{% macro f() %}{% set x = 5 %}{{ x }}{% endmacro %}{% set x = 1 %}{{ f() }}{{ x }}
{% macro f() %}{{ messages | length }}{{ bos_token }}{{ add_generation_prompt }}{% endmacro %}{{ f() }}
{% macro f() %}{{ late }}{% endmacro %}{% set late = 'L' %}{{ f() }}
{{ early() }}{% macro early() %}x{% endmacro %}
{% for i in range(2) %}{% macro g() %}{{ i }}{% endmacro %}{{ g() }}{% endfor %}
{% macro f() %}a{% endmacro %}{{ f() ~ 'b' }}{{ f() | upper }}{{ f() == 'a' }}{{ f() is string }}{{ f() | length }}{{ 'a' in f() }}
{% set x = f() %}{% macro f() %}a{% endmacro %}
{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}b{{ 1 }}{% endcall %}
{% macro f(x) %}<{{ x }}{{ caller() }}>{% endmacro %}{% call f('a') %}b{% endcall %}
{{ f.name }}{% macro f(a, b) %}{% endmacro %}{{ f.name }}{{ f.arguments }}
{% macro render_extra_keys(json_dict, handled_keys) %}{%- if json_dict is mapping %}{%- for json_key in json_dict if json_key not in handled_keys %}{%- if json_dict[json_key] is mapping or (json_dict[json_key] is sequence and json_dict[json_key] is not string) %}{{- '\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ json_key ~ '>' }}{%- else %}{{-'\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | string) ~ '</' ~ json_key ~ '>' }}{%- endif %}{%- endfor %}{%- endif %}{% endmacro %}{{ render_extra_keys({'a': 1, 'b': [1, {'c': none}], 'd': true, 'e': 'x'}, ['a']) }}
a {%- if true %} b {%- endif %} c
a {%- if true -%} b {%- endif -%} c
a {% if true %} b {% endif %} c
a {%+ if true %} b {%+ endif %} c
a {% if true -%}
{%- endif +%}
c
{{ 'a' -}}   {{- 'b' }}
{{- 'a' }}   {{ 'b' -}}
{#- x -#} a {# y #} b {#- z #} c
{%- for x in [1,2] %}
{{ x }}
{%- endfor %}
z
{% for x in [1,2] -%}
{% endfor -%}
a{% if true %}
b{% endif %}
{% if true %}
two{% endif %}
{% set x = 1 -%}
{% set x = 1 %}
{{ 1 }}
{{ 2 }}
{{ 1 -}}
x  {# comment #}
y
{% raw -%}  {{ x }} {%- endraw %}z
{%- raw %} {% if %} {% endraw -%}  z
{% raw %}{{ '{%' }}{% endraw %}
{% if true %}{{ 'a\n' }}{% endif %}
{{ 'a\n' }}
{{ '\n' }}x
{{ {'a': 1} | tojson(indent=4) }}|{{ [] | tojson(indent=4) }}|{{ {} | tojson(indent=4) }}|{{ [[1], {'b': []}] | tojson(indent=2) }}
{{ {'a': [1, 2], 'b': {'c': 'd'}} | tojson(indent=4) }}
{{ {'b': 1, 'a': {'d': 1, 'c': 2}} | tojson(sort_keys=true) }}{{ {'b': 1, 'a': 2} | tojson(sort_keys=True, indent=1) }}
{{ 'é日👍' | tojson }}{{ 'é日👍' | tojson(ensure_ascii=true) }}{{ 'é' | tojson(ensure_ascii=False) }}
{{ {'a': 'é'} | tojson(ensure_ascii=False, indent=2) }}{{ {'a': 1, 'b': 2} | tojson(separators=(',', ':')) }}{{ [1, 2] | tojson(separators=[';', '=']) }}
{{ "a\"b\\c/d\ne\tf" | tojson }}{{ '<>&\'' | tojson }}{{ '\u0000\u001f\u007f\u2028' | tojson }}
{{ 1.5 | tojson }}{{ 1.0 | tojson }}{{ -0.0 | tojson }}{{ 1e3 | tojson }}{{ 1e16 | tojson }}{{ 1e15 | tojson }}{{ 123456789012345678 | tojson }}{{ 0.1 | tojson }}{{ 1e-5 | tojson }}{{ 0.0001 | tojson }}{{ 1e100 | tojson }}
{{ true | tojson }}{{ none | tojson }}{{ [true, none] | tojson }}{{ {'a': none} | tojson }}{{ {1: 2} | tojson }}{{ {true: 1} | tojson }}{{ (1, 2) | tojson }}
{{ range(3) | tojson }}
{{ messages[0] | tojson }}{{ messages[0] | tojson(indent=2) }}
{{ [1] | tojson | safe }}{{ [1] | tojson | string }}{{ ([1] | tojson) ~ 'x' }}{{ [1] | tojson | length }}
{{ xyz | tojson }}
{{ {'a': xyz} | tojson }}
{{ [1, 2] | tojson(indent=none) }}{{ [1] | tojson(2) }}
{{ [1] | tojson(indent=2.5) }}
{{ [1] | tojson(nope=2) }}
{{ 1.0 }}{{ 1e16 }}{{ 1e15 }}{{ 123456.789 }}{{ 1e-4 }}{{ 1e-5 }}{{ 0.1 + 0.2 }}{{ 1/3 }}{{ 2/3 }}{{ 100/7 }}{{ -1.5 }}{{ 1e22 }}{{ 1e21 }}{{ 5e-324 }}
{{ 10 / 2 }}{{ 10 // 3 }}{{ -10 // 3 }}{{ 10 % 3 }}{{ -10 % 3 }}{{ 10 % -3 }}{{ 2 ** 10 }}{{ 2 ** -1 }}{{ 2 ** 0.5 }}{{ 7.5 // 2 }}{{ 7.5 % 2 }}{{ -7.5 // 2 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 2 ** 100 }}
{{ 9223372036854775807 + 1 }}{{ 99999999999999999999 }}{{ -9223372036854775808 - 1 }}
{{ 1_000 + 1 }}{{ 0x10 }}{{ 0b11 }}{{ 0o17 }}{{ 1e2 }}{{ 1.5e1 }}{{ 1E2 }}
{{ true + 1 }}{{ true * 2 }}{{ 1 == true }}{{ 0 == false }}{{ '1' == 1 }}{{ 1 == 1.0 }}{{ [1] == (1,) }}{{ {} == {} }}{{ '' == none }}
{{ 'a' < 'B' }}{{ [1, 2] < [1, 3] }}{{ (1,) < (2,) }}{{ 1 < 2.5 }}{{ 1 < 2 < 3 }}{{ 3 > 2 > 1 }}{{ 1 < 3 < 2 }}{{ 1 == 1 == 1 }}
{{ [1] + (2,) }}
{{ 'ab' * 0 }}|{{ 'ab' * -1 }}|{{ 2 * 'ab' }}|{{ [0] * 3 }}|{{ 2 * [1] }}|{{ (1, 2) * 2 }}|{{ (1,) + (2,) }}
{{ [1] - [2] }}
{{ 'a' - 'b' }}
{{ {'a': 1} + {'b': 2} }}
{{ +1 }}{{ - 1 }}{{ --1 }}{{ not not 1 }}{{ -(1 + 2) }}{{ -'a' | length }}
{{ 'x' is string }}{{ 1 is number }}{{ 1.5 is float }}{{ 1 is integer }}{{ true is boolean }}{{ none is none }}{{ [] is iterable }}{{ {} is mapping }}{{ 'x' is iterable }}{{ 'x' is sequence }}{{ (1,) is sequence }}{{ (1,) is iterable }}
{{ 1.0 is integer }}{{ true is integer }}{{ true is number }}{{ '1' is number }}{{ [] is mapping }}{{ 'x' is mapping }}{{ none is iterable }}{{ 1 is iterable }}{{ none is number }}{{ none is boolean }}{{ none is string }}
{{ 2 is odd }}{{ 3 is odd }}{{ 2 is even }}{{ 4 is divisibleby(2) }}{{ 4 is divisibleby 3 }}{{ 'x' is in 'xyz' }}{{ 'x' is in ['x'] }}{{ 1 is not in [2] }}{{ 'a' is in {'a': 1} }}
{{ 1 is eq 1 }}{{ 1 is == 1 }}
{{ 1 is equalto 1 }}{{ 1 is ne 2 }}{{ 1 is lt 2 }}{{ 1 is le 1 }}{{ 2 is gt 1 }}{{ 2 is ge 2 }}{{ 2 is greaterthan 1 }}{{ 1 is lessthan 2 }}{{ 'a' is sameas 'a' }}{{ true is sameas true }}{{ 1 is sameas true }}
{{ 'abc' is lower }}{{ 'ABC' is upper }}{{ 'Abc' is lower }}{{ '1' is upper }}{{ '' is lower }}
{{ 'x' is not string }}{{ not 'x' is string }}{{ 'x' is string and 1 is number }}{{ 'x' is string or xyz.y }}{{ ('x' is string) == true }}
{{ 'x' is escaped }}{{ 'upper' is filter }}{{ 'nope' is filter }}{{ 'odd' is test }}
{{ namespace is callable }}{{ 'x'.upper is callable }}{{ range is callable }}{{ messages is callable }}{{ messages[0].items is callable }}
{{ 'x' is nope }}
{{ 'x' | nope }}
{{ messages is sequence }}{{ messages is mapping }}{{ messages[0] is mapping }}{{ messages[0] is iterable }}{{ messages[0] is sequence }}{{ messages[0].content is string }}{{ messages[0].content is iterable }}{{ messages[0].content is not string }}
{{ {'a': 1, 'b': 2}.items() | list }}{{ {'a': 1}.keys() | list }}{{ {'a': 1}.values() | list }}{{ {'a': 1} | list }}{{ {'a': 1, 'b': 2} | length }}
{{ {'a': 1}.get('a') }}{{ {'a': 1}.get('b') }}{{ {'a': 1}.get('b', 'c') }}{{ {'a': none}.get('a', 'c') }}{{ {'a': 1}.get('b') is none }}{{ {'a': 1}.get('b') is defined }}
{{ {'a': 1}.a }}{{ {'a': 1}['a'] }}{{ {'a': 1}.b }}{{ {'a': 1}['b'] is defined }}{{ {'a': {'b': {'c': 1}}}.a.b.c }}{{ {1: 'x'}[1] }}{{ {'a b': 1}['a b'] }}
{{ {'a': 1}.update({'b': 2}) }}
{{ {'a': 1}.setdefault('b', 2) }}
{{ {'a': 1}.popitem() }}
{{ {'a': 1}.clear() }}
{{ {'a': 1, **{'b': 2}} }}
{{ dict(a=1, b='x') }}{{ dict({'a': 1}, b=2) }}{{ dict([('a', 1)]) }}{{ dict() }}{{ dict(a=1).b is defined }}{{ dict(**{'a': 1}) }}
{{ 'a' in {'a': 1} }}{{ 1 in {'a': 1}.values() }}{{ 'b' not in {'a': 1} }}{{ ('a', 1) in {'a': 1}.items() }}{{ 'a' in {'a': 1}.keys() }}
{{ {'a': 1} == {'a': 1.0} }}{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }}{{ [1, [2]] == [1, [2]] }}
{{ {'a': 'it\'s', 'b': "q\"q", 'c': 'both\'"', 'd': 'n\nl', 'e': 'é', 'f': '\\', 'g': '\t\r\x00\x7f\xa0\u200b' } }}
{{ ['a\'b', "a\"b", 'a\nb', '日', '\u00ad', '\u2028', '👍'] }}
{{ [none, true, false, 1, 1.0, 'x', [1], (1,), (1, 2), (), {}, {'a': (1,)}] }}
{{ () }}{{ (1) }}{{ (1,) }}{{ [] }}{{ {} }}{{ [[]] }}{{ [()] }}
{{ 'a,b,c'.split(',') }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b'.split(';') }}{{ ''.split(',') }}{{ ''.split() }}{{ ' a  b '.split() }}{{ ' a  b '.split(' ') }}{{ 'a b c'.split(' ', 1) }}{{ 'a  b c'.split(none, 1) }}{{ 'a b c'.split(maxsplit=1) }}{{ 'a,b'.split(sep=',') }}
{{ 'a b c'.rsplit(' ', 1) }}{{ 'a b c'.rsplit() }}{{ 'a  b  c'.rsplit(none, 1) }}{{ 'abc'.rsplit('b') }}{{ 'a\nb\r\nc'.splitlines() }}{{ 'a\nb\n'.splitlines() }}{{ 'a\nb\n'.splitlines(true) }}{{ ''.splitlines() }}
{{ 'abc'.split('') }}
{{ '</think>x</think>y'.split('</think>')[-1] }}{{ 'x'.split('</think>')[-1] }}{{ '<think>\na\n</think>\n\nb'.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') }}
{{ '  a '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcba'.strip('ab') }}|{{ '\n a\n'.strip() }}|{{ '\u00a0a\u00a0'.strip() }}|{{ '\u200ba'.strip() | length }}|{{ 'a'.strip(none) }}|{{ ''.strip() }}
{{ '  a '.lstrip() }}|{{ '  a '.rstrip() }}|{{ 'xa'.lstrip('x') }}|{{ 'ax'.rstrip('x') }}|{{ 'ab\n\n'.rstrip('\n') }}|{{ 'a b'.rstrip('b ') }}
{{ 'abc'.startswith('ab') }}{{ 'abc'.startswith(('x', 'ab')) }}{{ 'abc'.startswith('') }}{{ 'abc'.startswith('bc', 1) }}{{ 'abc'.endswith('bc') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.endswith('b', 0, 2) }}
{{ 'abc'.startswith(['a']) }}
{{ 'aXbX'.replace('X', '-') }}{{ 'aXbX'.replace('X', '-', 1) }}{{ 'abc'.replace('', '-') }}{{ 'aaa'.replace('aa', 'b') }}{{ 'a'.replace('b', 'c') }}{{ 'a.b'.replace('.', '') }}
{{ 'abc'.find('b') }}{{ 'abc'.find('x') }}{{ 'abcabc'.find('b', 2) }}{{ 'abc'.rfind('c') }}{{ 'abc'.index('c') }}{{ 'abcabc'.rindex('a') }}{{ 'abab'.count('ab') }}{{ 'aaa'.count('aa') }}{{ 'abc'.count('') }}
{{ 'abc'.index('x') }}
{{ 'a1'.isalnum() }}{{ 'a'.isalpha() }}{{ '1'.isdigit() }}{{ '²'.isdigit() }}{{ '½'.isnumeric() }}{{ '1'.isdecimal() }}{{ ' \n'.isspace() }}{{ ''.isspace() }}{{ 'abc'.islower() }}{{ 'ABC'.isupper() }}{{ 'Abc Def'.istitle() }}{{ 'abc'.isidentifier() }}{{ 'abc'.isascii() }}{{ 'é'.isascii() }}{{ 'abc'.isprintable() }}{{ ''.isdigit() }}{{ 'a1!'.islower() }}{{ '1'.islower() }}
{{ 'abc'.center(9, '*') }}{{ 'abc'.center(6) }}|{{ 'abc'.ljust(5, '.') }}|{{ 'abc'.rjust(5) }}|{{ '5'.zfill(3) }}{{ '-5'.zfill(4) }}{{ 'abc'.ljust(2) }}
{{ 'a-b-c'.partition('-') }}{{ 'a-b-c'.rpartition('-') }}{{ 'abc'.partition('-') }}{{ 'a-b'.partition('-')[2] }}
{{ 'prefix-x'.removeprefix('prefix-') }}{{ 'x.txt'.removesuffix('.txt') }}{{ 'abc'.removeprefix('x') }}{{ 'a\tb'.expandtabs(4) }}
{{ ','.join(['a', 'b']) }}{{ ''.join([]) }}{{ ', '.join(messages | map(attribute='role')) }}{{ '-'.join('abc') }}{{ ','.join({'a': 1}) }}
{{ ','.join([1]) }}
{{ '{} {}'.format('a') }}
{{ '%s' | format('a') }}{{ '%d-%s' | format(1, 'b') }}{{ '%05.1f' | format(1.25) }}{{ '%(a)s' | format(a=1) }}{{ '%%' | format() }}
{{ 'abc'.nope() }}
{{ 'abc'.__len__() }}
{{ 'a b'.title().split()[0].lower() }}{{ ('a' ~ 'b').upper() }}{{ (1 ~ '').rjust(3) }}
{{ [3, 1, 2] | sort }}{{ [3, 1, 2] | sort(reverse=true) }}{{ ['b', 'A', 'c'] | sort }}{{ ['b', 'A'] | sort(case_sensitive=true) }}{{ messages | sort(attribute='role') | map(attribute='role') | list }}{{ [[2, 1], [1, 2]] | sort }}{{ {'b': 1, 'a': 2} | sort }}
{{ [1, 2, 3] | sum }}{{ [{'n': 1}, {'n': 2}] | sum(attribute='n') }}{{ [] | sum }}{{ [1.5, 1] | sum }}{{ [1] | sum(start=10) }}{{ [[1], [2]] | sum(start=[]) }}
{{ [1, 2, 3] | max }}{{ [1, 2, 3] | min }}{{ ['a', 'B'] | max }}{{ [] | max }}{{ messages | map(attribute='role') | max }}{{ [{'a': 1}, {'a': 3}] | max(attribute='a') }}
{{ [1, 2] | first }}{{ [1, 2] | last }}{{ 'abc' | first }}{{ 'abc' | last }}{{ {'a': 1} | first }}{{ [] | first is defined }}{{ [] | last is defined }}{{ range(3) | last }}
{{ [1, 2, 1] | unique | list }}{{ ['a', 'A'] | unique | list }}{{ messages | map(attribute='role') | unique | join(',') }}{{ messages | unique(attribute='role') | list | length }}
{{ [1, 2, 3, 4, 5] | batch(2) | list }}{{ [1, 2, 3] | batch(2, 'x') | list }}{{ [1, 2, 3, 4, 5] | slice(2) | list }}{{ [1, 2, 3] | slice(2, 'x') | list }}
{% for g in messages | groupby('role') %}{{ g.grouper }}{{ g.list | length }}{{ g[0] }};{% endfor %}{% for k, v in messages | groupby('role') %}{{ k }}{{ v | length }}{% endfor %}
{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}{{ messages | selectattr('role', 'eq', 'user') | list | length }}{{ messages | rejectattr('role', 'in', ['user', 'system']) | list | length }}{{ messages | selectattr('x') | list }}{{ messages | selectattr('x', 'defined') | list | length }}{{ messages | rejectattr('x', 'undefined') | list | length }}
{{ [1, 2, 3, none, '', 0] | select | list }}{{ [1, 2, 3] | select('gt', 1) | list }}{{ [1, none] | reject('none') | list }}{{ ['a', 1] | select('string') | list }}{{ [1, 2, 3] | select('in', [1, 3]) | list }}{{ [1,2,3] | reject('equalto', 2) | first }}
{{ ['a', 'b'] | map('upper') | list }}{{ [' a '] | map('trim') | list }}{{ [[1, 2], [3]] | map('length') | list }}{{ [{'a': 1}, {}] | map(attribute='a', default='d') | list }}{{ ['a'] | map('replace', 'a', 'b') | list }}{{ [[1, 2]] | map(attribute=0) | list }}{{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }}{{ [3.7] | map('int') | list }}{{ [1] | map('default', 2) | list }}{{ [1, 2] | map('string') | join }}
{{ [{'a': 1}, {}] | map(attribute='a') | list }}
{{ messages | map(attribute='role') | join(' > ') }}{{ messages | map(attribute='content') | map('length') | sum }}{{ messages | map(attribute='role') | list | length }}{{ messages | map(attribute='role') | first }}
{{ messages | join(',', attribute='role') }}{{ [1, 2] | join }}{{ [1, none, true] | join('-') }}{{ [] | join(',') }}{{ 'abc' | join(',') }}{{ {'a': 1, 'b': 2} | join(',') }}
{{ [1, 2] | length }}{{ (1, 2, 3) | count }}{{ range(5) | length }}{{ 'abc' | length }}{{ messages | length }}{{ {'a': 1}.items() | length }}
{{ 5 | length }}
{{ 'a b c' | wordcount }}{{ 'a  b' | wordcount }}{{ 'abc' | list }}{{ {'a': 1} | list }}{{ (1, 2) | list }}{{ range(3) | list }}{{ 'ab' | reverse }}{{ [1, 2] | reverse | list }}{{ (1,2) | reverse | list }}
{{ 'hello world' | title }}{{ 'hello' | capitalize }}{{ 'Hello' | upper }}{{ 'Hello' | lower }}{{ "it's a test-case (yes)" | title }}{{ 'ÉCOLE' | lower }}{{ 1 | upper }}{{ true | lower }}{{ none | capitalize }}
{{ '  a  ' | trim }}|{{ 'xax' | trim('x') }}|{{ '\n\ta\n' | trim }}|{{ 5 | trim }}|{{ none | trim }}|{{ '\u3000a\u3000' | trim }}|{{ '\x1fa' | trim | length }}
{{ 'aab' | replace('a', 'x') }}{{ 'aab' | replace('a', 'x', 1) }}{{ 'aab' | replace('a', 'x', count=1) }}{{ 11 | replace('1', '2') }}{{ 'a' | replace('b', none) }}
{{ 'a\nb\n\nc' | indent }}|{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | indent(2, first=true) }}|{{ 'a\n\nb' | indent(2, blank=true) }}|{{ 'a\nb' | indent('> ') }}|{{ 'a\nb' | indent(width=3) }}
{{ 'abcdefghij klm' | truncate(8) }}{{ 'abc' | truncate(8) }}{{ 'abcdefghijklm' | truncate(8, true, '') }}{{ 'hello big world' | truncate(9, false, '...', 0) }}
{{ 3.14159 | round }}{{ 3.14159 | round(2) }}{{ 2.5 | round }}{{ 3.5 | round }}{{ 2.7 | round(0, 'floor') }}{{ 2.1 | round(method='ceil') }}{{ 1234 | round(-2) }}{{ 5 | round }}{{ 2.675 | round(2) }}
{{ 1 | string }}{{ 1.0 | string }}{{ [1] | string }}{{ {'a': 'b'} | string }}{{ none | string }}{{ true | string | length }}{{ (1,) | string }}
{{ 'a' | default('b') }}{{ xyz | default('b') }}{{ xyz | default }}|{{ '' | default('b') }}|{{ '' | default('b', true) }}{{ none | default('b') }}{{ none | default('b', true) }}{{ none | default('b', boolean=true) }}{{ xyz.foo | default('b') }}
{{ messages[0].xyz | default('b') }}{{ messages[0]['xyz'] | default('b') }}{{ (messages[0].xyz or 'c') }}{{ messages[0].get('xyz', 'b') }}{{ messages[0].get('xyz') or 'b' }}
{{ {'b': 1, 'A': 2} | dictsort }}{{ {'b': 1, 'a': 2} | dictsort(by='value') }}{{ {'b': 1, 'a': 2} | dictsort(reverse=true) }}{{ {'b': 1, 'A': 2} | dictsort(case_sensitive=true) }}{{ {'b': 1} | items | list }}{{ xyz | items | list }}
{{ [1, 2].append(3) }}
{{ [1, 2].index(2) }}{{ [1, 2].count(1) }}{{ [1, 2].copy() }}{{ (1, 2).index(2) }}{{ (1, 1).count(1) }}
{{ [1, 2].pop() }}
{{ [2, 1].sort() }}
{{ [2, 1].reverse() }}
{{ [1].extend([2]) }}
{{ [1].insert(0, 2) }}
{{ [1, 2].remove(1) }}
{% generation %}{{ 'a' }}{% endgeneration %}{%- generation -%} b {%- endgeneration -%} c
{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.role }}{% endif %}{% endfor %}
{%- for m in messages %}
{% generation %}
{% endgeneration %}
{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}
{% generation %}{% set y = 2 %}{{ y }}{% endgeneration %}{{ y }}
{{ generation }}{% set generation = 1 %}{{ generation }}
{% if generation %}x{% endif %}{{ 'generation' }}{{ "{% generation %}" }}
{{ messages[0]['role'] ~ '\n' ~ messages[0]['content'] }}{{ '<|im_start|>' + messages[0].role + '\n' + messages[0].content + '<|im_end|>' + '\n' }}
{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}
{{ 'a' 'b' "c" }}{{ 'a\
{{ "\a\b\f\v\0" | length }}{{ '\d\w' }}{{ '\\d' }}{{ '\'' }}{{ "\"" }}{{ '\u{41}' }}
{{ 'it''s' }}
{{ "{{" }}{{ '}}' }}{{ '{%' ~ '%}' }}{{ '{#' }}
{{ messages[0].content|trim|upper|replace('BE','X') }}{{ (messages[0].content | trim)[0] }}{{ messages[0].content.strip()[0:2] }}
{{ 'a' if x is defined else 'b' }}{{ ('a' if false) is defined }}{{ ('a' if false) | default('d') }}{{ 'a' if false }}{{ ('a' if false else none) is none }}
{{ {'a': 1 if true else 2} }}{{ [1 if false else 2] }}{{ (1 if true else 2) + 1 }}{{ 1 + 1 if true else 0 }}{{ 'x' ~ 'a' if true else 'b' }}
{{ not 1 == 2 }}{{ not (1 == 2) }}{{ not 'a' in 'abc' }}{{ 1 in [1] == true }}{{ 1 + 2 ~ 3 + 4 }}{{ 2 ** 3 ** 0 }}{{ -2 ** 2 }}{{ 10 - 5 - 2 }}{{ 100 / 10 / 2 }}{{ 1 or 0 and 0 }}
{{ 'a' ~ 'b' | upper }}{{ ('a' ~ 'b') | upper }}{{ 'a' + 'b' | upper }}{{ -1 | abs }}{{ 1 + -1 | abs }}{{ 3 * 2 | string }}
{{ true and 1 }}{{ 0 and xyz.a }}{{ '' or 0 or none }}{{ [] or {} }}{{ [] and 1 }}{{ 1 and 2 and 3 }}{{ none or false }}
{{ True }}{{ False }}{{ None }}{{ true }}{{ false }}{{ none }}{{ TRUE is defined }}{{ null is defined }}
{{ messages | map(attribute='role') | list == ['system', 'user', 'assistant', 'user'] }}{{ (messages | map(attribute='role') | list)[-1] }}{{ ['system', 'user'] == messages[:2] | map(attribute='role') | list }}
{{ messages[-1] == messages[3] }}{{ messages[0] in messages }}{{ messages.index(messages[1]) }}{{ messages | last == messages[-1] }}
{{ loop }}
{{ range(1.5) }}
{{ range() }}
{% with %}{% set a = 1 %}{{ a }}{% endwith %}{{ a is defined }}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% with a = 1 %}{% with b = a %}{{ b }}{% endwith %}{% endwith %}
{% filter upper %}a{{ 'b' }}{% endfilter %}{% filter trim | upper %} a {% endfilter %}{% filter replace('a', 'b') %}aa{% endfilter %}{% filter indent(2) %}a
b{% endfilter %}
{% block x %}b{% endblock %}{% block y -%} c {%- endblock %}{{ self.x() }}
{% if true %}a{% elif true %}b{% endif %}{% if false %}a{% elif true %}b{% else %}c{% endif %}{% if not false and (true or false) %}d{% endif %}{% if 'a' in 'abc' and 1 < 2 %}e{% endif %}
{% if messages %}m{% endif %}{% if [] %}x{% else %}e{% endif %}{% if '' %}x{% elif {} %}y{% elif 0.0 %}z{% elif '0' %}s{% endif %}{% if messages[0] %}f{% endif %}
{% if %}x{% endif %}
{% if true %}x
{% nope %}
{{ }}
{{ 1 + }}
{{ a b }}
{{ 'unclosed }}
{% set %}
{{ [1, 2, }}
{{ [1, 2,] }}{{ {'a': 1,} }}{{ (1, 2,) }}{{ dict(a=1,) }}
{{ {'a': 1}.a + 1 }}{{ [{'a': [1, 2]}][0].a[1] }}{{ messages[0]['content'][0] }}{{ messages[0].content[0].upper() }}{{ [[1, 2], [3, 4]][1][0] }}{{ 'abc'.upper()[1] }}
{{ messages.0.role }}{{ [1, 2].0 }}{{ messages[0]["role"] }}{{ messages['0'] is defined }}{{ messages["x"] }}
{{ messages.length }}{{ messages[0].content.length }}{{ 'abc'.length is defined }}
{{ messages | batch(2) | map('length') | list }}{{ messages | map('tojson') | join | length }}{{ messages | map('items') | list | length }}{{ messages | tojson | length }}
{{ '✓' }}{{ '日本語' | length }}{{ '日本語'[1] }}{{ 'ﬃ' | upper }}{{ 'Ω' | lower }}{{ 'ΑΣ' | lower }}
{% set content = messages[0].content %}{% if content is string %}{{ content }}{% else %}{% for c in content %}{{ c.text }}{% endfor %}{% endif %}
{%- set content = message.content if message is defined else messages[0]['content'] %}{{ content }}
{%- macro content_of(c) -%}{%- if c is string -%}{{ c | trim }}{%- elif c is iterable and c is not mapping -%}{%- for i in c -%}{{ i.text }}{%- endfor -%}{%- elif c is none or c is undefined -%}{{ '' }}{%- else -%}{{ raise_exception('Unexpected content type.') }}{%- endif -%}{%- endmacro -%}{%- for m in messages -%}{{ content_of(m.content) }}|{%- endfor -%}{{ content_of(none) }}{{ content_of([{'text': 'x'}]) }}
{%- for message in messages %}{%- if message.content is string %}{%- set content = message.content %}{%- else %}{%- set content = '' %}{%- endif %}{%- if (message.role == "user") or (message.role == "system" and not loop.first) %}{{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}{%- elif message.role == "assistant" %}{%- set reasoning_content = '' %}{%- if message.reasoning_content is string %}{%- set reasoning_content = message.reasoning_content %}{%- else %}{%- if '</think>' in content %}{%- set reasoning_content = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}{%- set content = content.split('</think>')[-1].lstrip('\n') %}{%- endif %}{%- endif %}{{- '<|im_start|>' + message.role + '\n' + content }}{%- if message.tool_calls %}{%- for tool_call in message.tool_calls %}{{- tool_call.name }}{%- endfor %}{%- endif %}{{- '<|im_end|>\n' }}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}
{{ enable_thinking is defined }}{{ enable_thinking is false }}{{ enable_thinking }}{{ add_generation_prompt is true }}{{ continue_final_message is defined }}{{ unk_token is defined }}{{ pad_token is defined }}{{ date_string is defined }}{{ xml_tools is defined }}
{{ messages[0].items() | list }}{{ messages[0].keys() | list }}{{ messages[0].values() | list }}{% for k in messages[0] %}{{ k }}{% endfor %}{{ messages[0].copy() }}{{ messages[0] | dictsort }}
{{ messages[0] }}{{ messages[:1] }}{{ messages[0] | string }}{{ messages | string | length }}
{{ messages[0].update({'a': 1}) }}
{{ messages.append(1) }}
{{ messages[0].pop('role') }}
{% do messages.append(1) %}
{% set _ = messages[0].update({'x': 1}) %}
{% trans %}x{% endtrans %}
{% debug %}
{{ messages.__class__ }}{{ ''.__class__.__mro__ }}
{{ {}.__class__ }}{{ ''.__len__ }}{{ messages.__len__ }}
{{ (messages | first).role }}{{ (messages | list)[1].role }}{{ messages | list | first | attr('x') is defined }}
{{ {'a': 1} | map('upper') | list }}{{ 'abc' | map('upper') | join }}{{ 'abc' | select('ne', 'b') | join }}
{{ 'a' is startingwith 'a' }}
{{ messages[0].role.startswith('sys') and messages[0].role.endswith('tem') }}{{ messages[0].content.split('.')[0] }}{{ messages[0].content.lower().replace('be', 'x').strip('.') }}
{% for line in 'a\nb\n'.split('\n') %}[{{ line }}]{% endfor %}{% for w in 'a b'.split() %}{{ w | upper }}{{ '' if loop.last else ' ' }}{% endfor %}
{% for m in messages %}{{ loop.index }}/{{ loop.length }}{% if not loop.last %}, {% endif %}{% endfor %}{% for m in messages %}{% if loop.last %}{{ m.content }}{% endif %}{% endfor %}
{% for m in messages %}{% set role = m.role if m.role != 'assistant' else 'model' %}{{ role }} {% endfor %}{{ role is defined }}
{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ 'bad' }}{% else %}{{ 'ok' }}{% endif %}{% endfor %}
{{ (1 == 1) != (2 == 2) }}{{ 1 != 1 == true }}{{ (true) != (0 % 2 == 0) }}{{ 5 % 2 == 1 }}{{ true != false }}{{ 'a' != 'b' and not false }}
{%- if messages[0]['role'] == 'system' -%}{%- set system = messages[0]['content'] -%}{%- set rest = messages[1:] -%}{%- else -%}{%- set system = '' -%}{%- set rest = messages -%}{%- endif -%}{{ system }}{%- for m in rest -%}{{ m.role }}{%- endfor -%}
{{ '[INST] ' ~ messages[1].content ~ ' [/INST]' }}{{ eos_token }}{{ bos_token + 'x' }}{{ bos_token ~ eos_token }}{{ bos_token | length }}{{ bos_token == '<s>' }}{{ bos_token is string }}
{{ messages|length }}{{messages|length}}{{ messages |length}}{{-messages|length-}}{{ messages
|
length }}
{%for m in messages%}{{m.role}}{%endfor%}{%if true%}a{%else%}b{%endif%}{%-set x=1-%}{{x}}{%set y='a'%}{{y}}
{# multi
line #}x{#c#}{##}{#- -#}
a{# {{ b }} {% if %} #}c
{{ "a" }}{# "unbalanced ' quotes #}{{ 'b' }}
{% for m in messages %}{% generation %}{{ loop.index }}{{ m.role }}{% endgeneration %}{% endfor %}
{% set ns = namespace(x=1) %}{% generation %}{% set ns.x = 2 %}{% endgeneration %}{{ ns.x }}
{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}{% endif %}{% endfor %}
{% macro f() %}{% generation %}g{{ x }}{% endgeneration %}{% endmacro %}{% set x = 1 %}{{ f() }}
{% macro f(x=bos_token) %}{{ x }}{% endmacro %}{{ f() }}{{ f(1) }}{{ f(none) }}{{ f('') }}
{% macro f(a, b=a, c=b) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}{{ f(1, 2) }}{{ f(1, c=3) }}
{% macro f(a=[1, 2], b={'x': 1}, c=(1, 2), d='a,b') %}{{ a }}{{ b }}{{ c }}{{ d }}{% endmacro %}{{ f() }}
{% macro f(n=3) %}{% for i in range(n) %}{{ i }}{% endfor %}{% endmacro %}{{ f() }}{{ f(1) }}{{ f(n=2) }}
{% macro f(a=1 if true else 2) %}{{ a }}{% endmacro %}{{ f() }}
{% macro f(a=messages|length) %}{{ a }}{% endmacro %}{{ f() }}
{% macro f(a) %}{{ a | default('d') }}{{ a is undefined }}{% endmacro %}{{ f() }}{{ f(none) }}
{% set ns = namespace(n=0) %}{% macro inc() %}{% set ns.n = ns.n + 1 %}{% endmacro %}{{ inc() }}{{ inc() }}{{ ns.n }}
{% set ns = namespace(n=0) %}{% macro set_it(v) %}{% set ns.n = v %}{% endmacro %}{{ set_it(7) }}{{ ns.n }}
{% for m in messages %}{% set ns = namespace(x=m.role) %}{% set ns.x = ns.x | upper %}{{ ns.x }}{% endfor %}
{% set ns = namespace() %}{% set ns.a = namespace() %}{{ ns.a is defined }}
a{% raw %}{# not a comment #}{% endraw %}b
{% for m in messages %}{{ m.role }}{{ '\n' if not loop.last }}{% endfor %}
{% for m in messages %}{% if loop.index0 == 0 %}first{% elif loop.index0 == loop.length - 1 %}last{% else %}mid{% endif %}{% endfor %}
{% for i in range(10) %}{% if i > 3 %}{% break %}{% endif %}{{ i }}{{ loop.last }}{% endfor %}
{% for i in [1,2,3] if i > 1 %}{{ loop.index }}{{ i }}{% if i == 2 %}{% continue %}{% endif %}x{% endfor %}
{% for i in [3,1,2] | sort %}{{ i }}{% endfor %}{% for i in [3,1,2] | sort(reverse=true) %}{{ i }}{% endfor %}{% for i in 'ab' | list %}{{ i }}{% endfor %}
{% for i in {'b': 1, 'a': 2} | dictsort %}{{ i }}{% endfor %}{% for i in {'b': 1}.items() %}{{ i[0] }}{{ i[1] }}{% endfor %}
{% for row in [1,2,3,4,5] | batch(2, '-') %}{{ row | join(',') }}/{% endfor %}{% for col in [1,2,3,4,5] | slice(3) %}{{ col | join(',') }}/{% endfor %}
{{ [1, 2, 3] | join(' and ') }}{{ ['a'] | join(' and ') }}{{ [1.0, none, 'x', [1]] | join('|') }}{{ {'a': 1}.values() | join(',') }}{{ messages | join(';', attribute='content') | length }}{{ [] | join }}{{ xyz | join }}{{ 'ab' | join(1) }}
{{ messages | map(attribute='role') | join(', ') | title }}{{ (1, 2) | join('-') }}{{ range(3) | join }}
{{ '%s and %s' | format('a') }}
{{ '{0} {1} {name}'.format('a', 'b', name='c') }}{{ '{:<4}|{:>4}|{:^4}'.format('a', 'b', 'c') }}{{ '{:.3}'.format('abcdef') }}
{{ 'a.b.c'.split('.', maxsplit=1) }}{{ 'a.b.c'.rsplit('.', maxsplit=1) }}{{ 'a b'.split(sep=none) }}{{ ' a b '.rsplit(none, 1) }}{{ '  '.split() }}{{ '  '.split(none, 1) }}{{ 'abc'.split('b', 0) }}{{ 'a  b c '.split(none, 1) }}{{ ' a  b c'.rsplit(none, 1) }}{{ 'a'.split(none, 0) }}{{ ' a b '.split(none, 0) }}{{ ' a b '.rsplit(none, 0) }}
{{ 'hello'.find('l', 3) }}{{ 'hello'.find('l', -2) }}{{ 'hello'.find('h', 1) }}{{ 'hello'.find('l', 0, 3) }}{{ 'hello'.find('', 9) }}{{ 'hello'.find('') }}{{ 'hello'.rfind('l', 0, 3) }}{{ 'hello'.count('l', 3) }}{{ 'héllo'.find('l') }}{{ 'hello'.startswith('l', 2) }}{{ 'hello'.startswith('l', -2) }}{{ 'hello'.endswith('l', 0, -1) }}{{ 'hello'.startswith('', 9) }}{{ 'hello'.index('l', 3) }}
{{ 'abc'.removeprefix('') }}{{ 'aa'.removeprefix('a') }}{{ 'x'.removesuffix('x') }}{{ 'a-b-c'.rpartition('x') }}{{ 'a'.partition('a') }}{{ ('a=b'.partition('='))[2] }}{% set k, s, v = 'a=b=c'.partition('=') %}{{ k }}{{ v }}
{{ 'abc'.partition('') }}
{{ '42'.zfill(5) }}{{ '+1'.zfill(4) }}{{ 'abc'.zfill(2) }}{{ ''.zfill(2) }}{{ 'ab'.center(5, '*') }}{{ 'abc'.center(6, '*') }}{{ 'ab'.ljust(4, '-') }}{{ 'ab'.rjust(1) }}
{{ 'abc'.center(6, '**') }}
{{ 'x'.join('abc') }}{{ ', '.join(['a', 'b'] | map('upper')) }}{{ '-'.join({'a': 1, 'b': 2}) }}{{ '-'.join(('a', 'b')) }}{{ ''.join(['a', 1 | string]) }}
{{ {'a': 1, 'b': 2}.items() | map('first') | join }}{{ {'a': 1}.items() | list | first | last }}{{ {'b': 1, 'a': 2}.keys() | sort }}{{ {'a': [1, 2]}.values() | first | sum }}{{ {'a': 1} | dictsort | first }}{{ {'x': {'y': 1}}['x']['y'] }}{{ {'a': 1}.get('z', {}).get('y', 'd') }}
{{ {'a': 1}.get('a', 'z') }}{{ {'a': 0}.get('a', 5) }}{{ {'a': none}.get('a') is none }}{{ ({'a': 1}.items() | list)[0][0] }}{{ {'a': 1, 'b': {'c': [1, 2]}}.b.c[-1] }}{{ {'a-b': 1}['a-b'] }}{{ {1: 'one'}[1] }}{{ {none: 'n'}[none] }}{{ {'1': 's', 1: 'i'}['1'] }}
{{ 1.5 is number }}{{ '1.5' is number }}{{ 1 is integer }}{{ 1.5 is integer }}{{ 1.5 is float }}{{ [] is sequence }}{{ 'a' is sequence }}{{ {} is sequence }}{{ 1 is sequence }}{{ none is sequence }}{{ range(2) is sequence }}{{ namespace(a=1) is sequence }}{{ namespace(a=1) is mapping }}{{ namespace() is iterable }}{{ dict(a=1) is mapping }}
{{ xyz is none }}{{ xyz is false }}{{ xyz is true }}{{ xyz is boolean }}{{ xyz is number }}{{ xyz is mapping }}{{ xyz is sequence }}{{ xyz is iterable }}{{ xyz is callable }}{{ xyz is eq none }}{{ xyz is sameas none }}{{ xyz is in ['a'] }}
{{ 'abc' is eq('abc') }}{{ 'abc' is ne('abc') }}{{ 3 is ge(3) }}{{ 3 is le 2 }}{{ 3 is gt 2 }}{{ 'a' is in('abc') }}{{ 'a' is not in('abc') }}{{ 1 is divisibleby(1) }}{{ 'A' is upper and 'a' is lower }}{{ 5 is not none and 5 is not string }}
{{ tools is iterable and tools is not string }}{{ tools is sequence }}{{ tools is mapping }}{{ tools is false }}{{ tools is boolean }}{{ (tools is none) or tools | length }}{{ tools if tools else 'no' }}{{ tools | default('d') }}{{ tools | default('d', true) }}{{ tools | string }}{{ tools ~ '' }}
{%- if tools %}{{ tools }}{%- elif documents %}{{ documents }}{%- else %}neither{%- endif %}{%- if tools is not none %}x{%- endif %}{%- if tools != none and tools != [] %}y{%- endif %}
{{ builtin_tools is defined }}{{ 'Environment: ipython' if builtin_tools is defined or tools is not none }}{{ builtin_tools | reject('equalto', 'code_interpreter') | join(', ') }}
{{ 'a b-c d_e' | wordcount }}{{ '' | wordcount }}{{ 'a' | center(4) }}|{{ 'ab' | center }}|{{ 'hello world foo' | truncate(10) }}{{ 'hello world foo' | truncate(11, true) }}{{ 'hello world foo bar' | truncate(length=11, leeway=0, end='~') }}{{ 'short' | truncate(3) }}
{{ '7' | int + 1 }}{{ '7.9' | int }}{{ '-3' | int }}{{ '+3' | int }}{{ '0b11' | int(base=2) }}{{ '11' | int(base=2) }}{{ 'zz' | int(9, base=36) }}{{ '1__0' | int(5) }}{{ 1e3 | int }}{{ 'nan' | int(1) }}{{ '1e2' | int }}{{ '-0x1F' | int(base=16) }}{{ '3.5' | float }}{{ '.5' | float }}{{ '1e5' | float }}{{ 1 | float }}{{ true | float }}{{ none | float }}{{ 'abc' | float(2.5) }}{{ '1_0.5' | float }}
{{ [1, 2] | sum(start=1) }}{{ [1, 2] | sum(attribute=none) }}{{ messages | map(attribute='content') | map('length') | sum }}{{ [{'a': {'n': 2}}, {'a': {'n': 3}}] | sum(attribute='a.n') }}{{ [[1], [2]] | sum(start=[0]) }}{{ [0.5, 0.5] | sum }}{{ [true, true] | sum }}{{ [] | sum(start=5) }}
{{ ['a'] | sum }}
{{ [1e16, 1e-7] }}{{ 1e-7 | string }}{{ [1e-7] | join }}{{ 1e-7 | tojson }}{{ [0.1, -2.50] | tojson }}{{ {'n': 1e21} | tojson }}{{ 12345678901234567890 }}{{ -0.0 }}{{ 1e16 == 10000000000000000 }}
{{ ['a', 'b'] | string }}{{ {'a': 'b'} ~ '' }}{{ 'x' ~ [1, 'a'] }}{{ [1, 'a'] | string | length }}
{{ {'a': 1} | tojson(true) }}{{ 'é' | tojson(true) }}{{ {'a': 1} | tojson(false, 2) }}{{ {'a': 1} | tojson(indent='  ') }}{{ [1] | tojson(indent=true) }}{{ [1] | tojson(indent=-1) }}
{{ {'z': 1, 'a': [1, {'y': 2, 'b': 3}]} | tojson(sort_keys=true, indent=2, separators=(',', ': ')) }}
{{ {'type': 'function', 'function': {'name': 'f', 'description': "It's <b> & \"q\"", 'parameters': {'type': 'object', 'properties': {}, 'required': []}}} | tojson(indent=4) }}
{{ messages | tojson(indent=2) }}
{{ messages[0]|attr('role') }}{{ namespace(a=1)|attr('a') }}{{ {'a': 1}|attr('a') is defined }}
{{ 'x' is startingwith('x') }}
{{ 'x' | bool }}
{{ 'a b' | split }}
{{ [1] | zip([2]) | list }}
{{ debug() }}
{{ 'x' is containing('x') }}
{{ 1 is int }}
{{ true ~ none ~ 1.0 }}{{ [true, none] ~ '' }}{{ (true, false) }}{{ true | string ~ 'x' }}{{ true | tojson ~ 'x' }}
{% set x = messages %}{{ x | length }}{% set x = x[1:] %}{{ x | length }}{% set x = x + [{'role': 'r', 'content': 'c'}] %}{{ x | last }}{{ x | length }}
{% set msgs = messages | rejectattr('role', 'equalto', 'system') | list %}{{ msgs | length }}{{ msgs[0].role }}{{ msgs[-1].content }}{% for m in msgs %}{{ loop.index }}{% endfor %}
{% set system_message = messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | first | default('none', true) %}{{ system_message }}{% set last_user = messages | selectattr('role', 'equalto', 'user') | list | last %}{{ last_user.content }}
{%- set tools_in_user_message = tools_in_user_message | default(true) -%}{{ tools_in_user_message }}{%- set date_string = date_string | default('26 Jul 2024') -%}{{ date_string }}
{{ bos_token }}{% if bos_token is defined %}d{% endif %}{{ eos_token | default('e') }}{{ pad_token | default('p') }}{{ unk_token | default('u') }}{{ sep_token is defined }}
{{ messages[0].content is defined and messages[0].content != '' and messages[0].content | length > 0 }}{{ messages[5] is defined }}{{ messages[0].get('tool_calls', []) | length }}{{ messages[0].tool_calls | default([]) | length }}{{ (messages[0].tool_calls or []) }}
{{ messages[0].content[:2] }}{{ messages[0].content[-1] }}{{ messages[0].content[::-1] }}{{ messages[0].content[1:-1] }}{{ messages[0].content[0] is upper }}{{ messages[1].content.strip() == 'Hi' }}{{ messages[1].content | trim == 'Hi' }}
{{ messages[0].role in ['system', 'developer'] }}{{ messages[0].role not in ['user'] }}{{ 'system' in messages | map(attribute='role') }}{{ 'tool' in (messages | map(attribute='role') | list) }}
{{ loop is defined }}{% for m in messages %}{{ loop is defined }}{{ loop.index is odd }}{{ loop.index is divisibleby 2 }}{% endfor %}
{% if messages is defined and messages | length > 0 and messages[0].role == 'system' %}a{% endif %}{% if not (messages[0].role == 'user' or messages[0].role == 'tool') %}b{% endif %}{% if messages[0].role != 'user' and not messages[0].tool_calls %}c{% endif %}{% if messages[-1]['role'] == 'user' -%} d {%- endif %}
{{ [1,2,3,4] | select('divisibleby', 2) | list }}{{ ['a','b'] | reject('in', ['a']) | list }}{{ messages | selectattr('content', 'string') | list | length }}{{ messages | selectattr('role', 'ne', 'user') | map(attribute='role') | list }}{{ messages | rejectattr('content', 'none') | list | length }}{{ messages | map('attr', 'role') | list }}
{{ ['x', 'Y'] | map('lower') | list }}{{ ['x'] | map('default', 'y') | list }}{{ [[3, 1], [2]] | map('sort') | list }}{{ [' a', 'b '] | map('trim') | join('|') }}{{ ['a', 'b'] | map('string') | map('upper') | join }}{{ [{'a': 1}] | map(attribute='b', default=0) | list }}
{{ (messages | map(attribute='content') | join('')).strip() }}{{ messages | map(attribute='content') | select('equalto', 'Q?') | list }}{{ messages[0] == {'role': 'system', 'content': 'Be brief.'} }}
{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- if ns.is_tool %}{{'<｜tool▁outputs▁end｜>' + message['content'] + '<｜end▁of▁sentence｜>'}}{%- set ns.is_tool = false -%}{%- else %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- endif %}{%- endfor -%}{% if ns.is_tool %}{{'<｜tool▁outputs▁end｜>'}}{% endif %}{% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\n'}}{% endif %}
{% if true %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}{% for i in [1] %}{% if true %}{% set y = 5 %}{% endif %}{{ y }}{% endfor %}{{ y is defined }}
{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}
{% set x = 1 %}{% with x = 2 %}{{ x }}{% set x = 3 %}{{ x }}{% endwith %}{{ x }}
{% set x = 'a' %}{% set y %}{{ x }}b{% endset %}{{ y }}{% set y %}{{ y }}c{% endset %}{{ y }}{% set z = y ~ x %}{{ z }}
{% set a, b, c = 1, 'x', [1] %}{{ a }}{{ b }}{{ c }}{% set d = e = 1 %}
{% set messages = messages[1:] %}{{ messages[0].role }}
{% set none = 5 %}
{% set true = 5 %}
{% for none in [1] %}{% endfor %}
{% for loop in [1, 2] %}{{ loop }}{% endfor %}
{% for messages in [[1]] %}{{ messages }}{% endfor %}{{ messages | length }}
{{ {'a': [1, 2, {'b': 'c'}]}['a'][2]['b'] | upper }}{{ [[1, 2], [3]][0][1] }}{{ ({'a': 1} if true else {})['a'] }}{{ ('a', 'b')[1] }}{{ 'abc'[1] | upper }}{{ ['x'][0] ~ ['y'][0] }}
{{ 3 if 1 > 2 else 4 if 2 > 3 else 5 }}{{ (3 if none) is none }}{{ 'a' if 'b' in 'abc' and not 'z' in 'abc' else 'c' }}{{ 1 + (2 if false else 3) }}{{ not true if false else 'x' }}
{{ 7 // 2 * 2 + 7 % 2 }}{{ (7 / 2) | int }}{{ 7 / 7 }}{{ 2 ** 3 }}{{ -7 // 2 }}{{ 5 // -2 }}{{ -5 % 3 }}{{ 5.0 // 2 }}{{ 1 / 4 }}{{ 0.1 * 3 }}{{ 1e2 * 1 }}{{ 3 * 1.0 }}
{{ 1 < 2 }}{{ 1 <= 1 }}{{ 'a' > 'b' }}{{ [1] < [2] }}{{ 1 == 1.0 }}{{ 'a' == 'a' != 'b' }}{{ 1 < 2 == true }}{{ none == false }}{{ [] == false }}{{ 0 == false }}{{ '' == false }}
{{ xyz < 1 }}
{{ 'a' < 1 }}
{{ none < 1 }}
{{ {'a': 1}.items() }}
{{ {'a': 1}.keys() }}{{ {'a': 1}.values() }}
{{ 1e16 ~ '' }}
{{ none > 1 }}
{{ 1 >= none }}
{{ none <= none }}
{{ 1 < 'a' }}
{{ {} < {'a': 1} }}
{{ [1] < ['a'] }}
{{ [1] < (2,) }}
{{ [1] < 2 }}
{{ xyz > xyz }}
{{ messages[0].nothing > 0 }}
{% if messages | length > 1 and messages[0].content | length >= 9 %}a{% else %}b{% endif %}
{% for m in messages if m.content | length < 5 %}{{ m.role }}{% endfor %}
{{ [1, 2] < [1, 3] }}{{ [1, 2] < [1] }}{{ (1, 2) <= (1, 2) }}{{ [] < [0] }}{{ [1, 'a'] > [0, none] }}
{{ true < 2 }}{{ true >= 1.0 }}{{ 1.5 > 1 }}{{ 'B' < 'a' }}{{ 'é' > 'z' }}{{ '' < 'a' }}{{ -1 < -0.5 }}{{ 1e400 > 1 }}
{{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 3 > 2 == 2 }}{{ 1 < 0 < none }}{{ 1 == 1 < 2 != 3 }}
{{ 1 < 2 < none }}
{{ not 1 < 2 }}{{ 1 + 1 < 1 * 3 }}{{ 'a' ~ 'b' < 'b' }}{{ (1 < 2) < 2 }}{{ 1 if 2 < 1 else 3 > 2 }}{{ [1 < 2, 2 < 1] }}{{ {'a': 1 < 2} }}{{ 3 is divisibleby 3 > 2 }}{{ range(1 if 1 < 2 else 5) | list }}
{{ 'x' ~ 1e20 ~ 1e-5 ~ [1e16] ~ {'a': 1e22} ~ (1.0,) }}
{{ 'a' ~ xyz ~ none ~ true ~ messages[0].nothing ~ [] }}
{{ 'a' ~ messages | length ~ 2 * 3 ~ -1 ~ 7 // 2 ~ 2 ** 3 ~ 7 % 4 }}
{{ 'a' ~ (1 if true else 2) ~ {'a': 'b'}.a ~ ['c'][0] ~ 'd' | upper }}{{ ('a' ~ 'b') | upper ~ 'c' }}
{{ 'a' ~ 'b' + 'c' ~ 'd' }}{{ 'a' + 'b' ~ 1 }}
{{ 1 + 2 ~ 3 }}
{{ 'a' ~ 1 == 'a1' }}{{ 'a' ~ 1 in ['a1'] }}{{ 'x' if 'a' ~ 'b' else 'y' ~ 'z' }}
{% set x = 'a' ~ 1e16 %}{{ x }}{% set ns = namespace(x='') %}{% set ns.x = ns.x ~ 1.5e-7 %}{{ ns.x }}{% if x ~ 'b' == 'a1e+16b' %}y{% endif %}
{% macro f(a, b='x' ~ 1e16) %}{{ a ~ b }}{% endmacro %}{{ f(1 ~ 2) }}{% for c in 'a' ~ 'b' %}{{ c }}{% endfor %}{% with y = 1 ~ 2 %}{{ y }}{% endwith %}
{{ "a~b<c" ~ 'd~\'e' }}{{ '~' ~ '<' }}{{ {'~': '<'}['~'] ~ '>' }}
{{ messages[0].items() }}{{ messages[0].keys() }}{{ messages[0].values() }}{{ {}.items() }}
{{ {'a': 1}.items() ~ '' }}{{ [{'a': 1}.keys()] }}{{ {'a': 1}.values() | string }}{{ {'b': {'a': 1}.keys()} }}
{% set x = {'a': 1}.items() %}{{ x }}{{ x | length }}{% for k, v in x %}{{ k }}{{ v }}{% endfor %}{{ x | list }}{% set ns = namespace(x=x) %}{% set ns.x = x %}{{ ns.x }}
{{ {'a': 1, 'b': 2}.keys() | join(',') }}{{ 'a' in {'a': 1}.keys() }}{{ 1 in {'a': 1}.values() }}{{ ('a', 1) in {'a': 1}.items() }}{{ {'b': 1, 'a': 2}.keys() | sort }}{{ {'b': 1, 'a': 2}.values() | sum }}{{ {'a': 1}.keys() | first }}{{ {}.keys() | first is defined }}
{{ {}.keys() is sequence }}{{ {}.items() is iterable }}{{ {}.values() is mapping }}{{ {}.items() is string }}
{{ {'a': 1}.items() | tojson }}
{% if {}.items() %}a{% else %}b{% endif %}{% if {'a': 1}.keys() %}a{% endif %}
{{ dict({'a': 1}.items()) }}{{ {'a': 1}.items() | list }}{{ {'a': 1}.items() | map(attribute=0) | list }}
{% set ns = namespace(x=0) %}{% set ns.x = (1, 'a') %}{{ ns.x }}
{{ [1.0, 1e16, 1e-5] }}{{ {'a': 1e20} }}{{ 1e20 | string }}{{ 'x' ~ 1e20 }}{{ [1e20] | join(',') }}{{ 1e16 | int }}{{ 3.99 | int }}{{ -3.99 | int }}
"""

# The same with line breaks and with space at their ends.
LINES = [
    '  {% if true %}',
    '  {% endif %}',
    '    {{ m.role }}',
    "   {{ 'a' }}   ",
    '  {% if true %}\n  a\n  {% endif %}\n  b\n',
    '{% for m in messages %}\n    {{ m.role }}\n{% endfor %}\nx',
    'a\n{%- set x = 1 %}\nb',
    '{{ "line one\\\nline two" }}',
    '\n\n{% if true %}\n\nx\n\n{% endif %}\n\n',
    '{% set x = 1 %}  \ny\n',
    '\t{%- if true %}\t\n\tz\n\t{%- endif %}\n',
    '{{ 1 }}\n',
    '{{ 1 }}\n\n',
    '{%- macro m() %}\n  a\n{%- endmacro %}\n{{- m() }}\n',
    'a  {#- c -#}  b\n{# d #}\ne',
    '  {# c #}\nx',
    '{% for m in messages -%}\n  {{ m.role }}\n{%- endfor %}\n',
    '{{ "a\\nb" }}\n{% if false %}\n{% endif %}\nend',
    'a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc',
    '  a',
    '  b',
    '  [{{ x }}]',
    '   b',
    '   c',
    '  {{ x }}',
    '  {%- if true %}x{% endif %}',
    '  {%+ if true %}x{% endif %}',
    '\t{% if true %}tab{% endif %}',
    '  {# comment #}  ',
    "    {%- if m.role == 'assistant' %}",
    '        {%- generation %}',
    '            {{- m.content }}',
    '        {%- endgeneration %}',
    '    {%- endif %}',
    '{% for m in messages %}\n{% generation %}\n{{ m.role }}\n{% endgeneration %}\n{% endfor %}\nend',
    '{%- for m in messages -%}\n  {%- generation -%}\n  {{ m.role }}\n  {%- endgeneration -%}\n{%- endfor -%}\n',
    "{% macro f(\n  a,\n  b='x'\n) %}\n[{{ a }}{{ b }}]\n{% endmacro %}\n{{ f(1) }}\nz",
    "{% macro f(a, b='(') -%}\n  {{ a }}{{ b }}\n{%- endmacro -%}\n{{ f(1) }}",
    'a\n\n{% if true %}\n\nb\n\n{% endif %}\n\nc\n',
    "{{ 'x' }}\n{% if true %}\ny\n{% endif %}\n{{ 'z' }}\n",
    '   {% if true %}   \n   x\n   {% endif %}   \ny',
    '\t{% if true %}\n\tx\n\t{% endif %}\ny',
    'x {% if true %}\n y\n{% endif %} z',
    '{% if true %} {# c #}\nx\n{% endif %}',
    '{#- a -#}\n\nx\n\n{#- b -#}\n\ny',
    '{# a\nb\nc #}\nx',
    '   {# a #}\nx',
    'x\n   {#- a #}\ny',
    "{{- '\n' -}}\n\nx",
    "\n\n{{- 'a' -}}\n\n",
    '{%- if true -%}\n\na\n\n{%- else -%}\n\nb\n\n{%- endif -%}\n\n',
    '{%+ if true +%}\nx\n{%+ endif +%}\ny',
    '{%+ set x = 1 +%}\nx',
    '  {%+ set x = 1 %}\nx',
    "{{ '  a' }}  \n  {{ 'b' }}",
    '{% raw %}\n{{ x }}\n{% endraw %}\ny',
    '{%- raw -%}\n{{ x }}\n{%- endraw -%}\ny',
    'a\r\nb\r\n{% if true %}\r\nc\r\n{% endif %}\r\n',
    'a\rb\n',
    '{{ "a\\nb" }}\n{{ \'c\\\\nd\' }}\n',
    "{{ 'a\nb' }}",
    '{% set x %}\na\n{% endset %}\n[{{ x }}]',
    '{% set x -%}\na\n{%- endset %}\n[{{ x }}]',
    '{% for i in range(3) %}\n{{ i }}\n{% if not loop.last %}\n,\n{% endif %}\n{% endfor %}\n',
    '{% for i in range(3) -%}\n{{ i }}\n{%- if not loop.last -%}\n,\n{%- endif -%}\n{% endfor %}\n',
    '{% for i in range(2) %}\n    {% for j in range(2) %}\n    {{ i }}{{ j }}\n    {% endfor %}\n{% endfor %}',
    '{% filter upper %}\na\n{% endfilter %}\nb',
    '{% with x = 1 %}\n{{ x }}\n{% endwith %}\nb',
    '{% macro f() %}\n  a\n{% endmacro %}\n{{ f() }}|',
    '{% macro f() -%}\n  a\n{%- endmacro %}\n{{ f() }}|\n',
    '{% call f() %}\nb\n{% endcall %}{% macro f() %}[{{ caller() }}]{% endmacro %}',
    '{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}\nb\n{% endcall %}\nc',
    '{%- set x = 1 -%}\n\n\n{{ x }}\n\n',
    '{{ x }}{% set x = 1 %}\n{{ x }}\n{% set x = x + 1 %}\n{{ x }}',
    '{%- for m in messages -%}\n{{ m.role }}: {{ m.content | trim }}\n{% endfor -%}\nend',
    "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% elif m.role == 'assistant' %}{% break %}{% endif %}{{ m.role }}\n{% endfor %}done",
    '{%- for i in range(4) %}\n{%- if i % 2 %}{% continue %}{% endif %}\n{{ i }}\n{%- endfor %}',
    "{% for g, ms in messages | groupby('role') %}{{ g }}:{{ ms | map(attribute='content') | map('trim') | join(';') }}\n{% endfor %}",
    "{{ 'a\x0bb\x0cc\x1cd\x85e\u2028f'.splitlines() }}{{ '\n\n'.splitlines() }}{{ 'a\r\n\rb'.splitlines() }}{{ 'a\n'.splitlines(keepends=true) }}",
    '{{ \'Hello World\'.istitle() }}{{ \'Hello world\'.istitle() }}{{ \'HELLO\'.istitle() }}{{ \'\'.istitle() }}{{ "It\'S".istitle() }}{{ \'a_1\'.isidentifier() }}{{ \'1a\'.isidentifier() }}{{ \'\'.isidentifier() }}{{ \'a b\'.isprintable() }}{{ \'a\n\'.isprintable() }}{{ \'\'.isprintable() }}{{ \'\xa0\'.isprintable() }}{{ \'12\'.isdecimal() }}{{ \'\'.isdecimal() }}{{ \'1a\'.isdecimal() }}{{ \'ab\x1c\'.strip() | length }}{{ \'\x1f\'.isspace() }}',
    "{{ 'Stra\xdfe'.casefold() }}{{ 'aBc'.swapcase() }}{{ '\xc9COLE'.swapcase() }}{{ 'a\tbc\td'.expandtabs() }}|{{ '\t'.expandtabs(0) }}|{{ 'a\nb\tc'.expandtabs(4) }}",
    "{{ 5 | trim | length }}{{ [1] | trim }}{{ ' x\x1f' | trim | length }}{{ 'xyx' | trim('xy') }}|{{ 'abc' | trim(chars='c') }}{{ '\u200bx' | trim | length }}",
    "{{ 'a\n b\n' | indent }}|{{ '' | indent(2, true) }}|{{ 'a\n\nb' | indent(2, true, true) }}|{{ 'a\nb' | indent('--', first=true) }}|{{ 'a\r\nb' | indent(1) }}|{{ 'x\n' | indent(3) }}|",
    '{{ [\'\xa0\', \'\u200b\', \'tab\t\', \'\xe9\', \'\U0001f600\', \'q\\\'"\'] }}{{ {\'k\\\'\': \'v"\'} }}{{ (\'x\',) }}{{ [[\'a\'], {\'b\': (\'c\',)}] }}{{ [none, xyz] }}',
    "{{ 'x' | tojson }}{{ '\xe9\u2028\x00' | tojson }}",
    "{{ 'a\nb' | lines }}",
    "{% set first_user_prefix = '' %}{% if messages[0]['role'] == 'system' %}{% if messages[0]['content'] is string %}{% set first_user_prefix = messages[0]['content'] + '\n\n' %}{% else %}{% set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' %}{% endif %}{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else '') }}{% if message['content'] is string %}{{ message['content'] | trim }}{% elif message['content'] is iterable %}{% for item in message['content'] %}{% if item['type'] == 'text' %}{{ item['text'] | trim }}{% endif %}{% endfor %}{% else %}{{ raise_exception('Invalid content type') }}{% endif %}{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
    "{{ '<|start_header_id|>' ~ messages[0].role ~ '<|end_header_id|>\n\n' ~ (messages[0].content | trim) ~ '<|eot_id|>' }}{{ '' ~ 1 ~ 2.5 ~ 'x' }}",
    "{% set ns = namespace(content='') %}{% for m in messages %}{% set ns.content = ns.content + m.role + ':' + m.content.strip() + '\n' %}{% endfor %}{{ ns.content }}",
]

# What is refused here by name, since it would come out otherwise or since nobody seems to use it.
REFUSED = [
    "{% for m in messages %}{% if m.role == 'assistant' %}{% break %}{% endif %}{{ m.role }};{% else %}E{% endfor %}",
    "{% for i in [1, 2] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% else %}none{% endfor %}",
    "{% for m in messages %}{% if m.role == 'user' %}{% continue %}{% endif %}{{ m.role }}{% else %}none{% endfor %}",
    "{{ 1 < 2 in [true] }}",
    "{{ '%s-%s' % ('a', 'b') }}",
    "{% for m in messages recursive %}{{ m.role[0] }}{% endfor %}",
    "{% macro m(a) %}{{ a }}{{ caller is defined }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }}{{ m(1, 2, k=3) }}",
    "{{ 5.bit_length() }}",
    "{{ 'é'.encode('utf-8') | length }}",
    "{% for i in [] %}{% break %}{% else %}none{% endfor %}{% for i in [1] %}{% continue %}{% else %}none{% endfor %}",
    "{% for a, b in ['xy', 'zw'] %}{{ b }}{{ a }}{% endfor %}",
    "{% set a, b = 'xy' %}{{ b }}{{ a }}",
    "{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) f() %}{{ a }}{{ b }}{% endcall %}",
    "{{ {'a': 1}.copy() }}{{ {}.fromkeys(['a'], 1) }}",
    "{{ '{} {}'.format('a', 1) }}{{ '{0}{1}{0}'.format('a', 'b') }}{{ '{x}'.format(x=1) }}{{ '{:>5}'.format('a') }}{{ '{:05d}'.format(42) }}{{ '{:.2f}'.format(1.234) }}{{ '{{}}'.format() }}{{ '{:,}'.format(1234567) }}{{ '{!r}'.format('a') }}{{ '{:x}'.format(255) }}{{ '{:%}'.format(0.5) }}",
    "{{ '%s' % 'a' }}{{ '%d' % 3 }}{{ '%s %s' % ('a', 1) }}",
    "{{ 'abc'.encode() }}",
    "{{ 'abc'.translate({97: 'x'}) }}",
    "{{ '<a href=\"x\">' | escape }}{{ '<' | e }}{{ '<' | safe }}{{ '&lt;' | safe }}{{ '<b>x</b> y' | striptags }}{{ 'a b&c' | urlencode }}{{ '<' | forceescape }}",
    "{{ [1, 2, 3] | attr('x') is defined }}{{ 'abc' | attr('upper') is callable }}{{ ('abc' | attr('upper'))() }}",
    "{{ 10 | filesizeformat }}{{ 'x' | pprint }}{{ [1, 'a'] | pprint }}{{ {'b': 1, 'a': 2} | pprint }}{{ {'a': 1} | xmlattr }}",
    "{{ cycler('a', 'b').next() }}{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner(', ') %}{{ j() }}{{ j() }}",
    "{{ 1, 2 }}{{ (1, 2)[0] }}",
    "{{ lipsum() | length > 0 }}",
    "{{ 'a' | center(5) }}|{{ 'abc' | center(2) }}|{{ 'ab cd ef' | wordwrap(5) }}|{{ [1,2,3] | random is number }}",
    "{{ '%s|%5s|%-5s|%05d|%.2f|%x|%%|%r' | format('a', 'b', 'c', 42, 1.234, 255, 'q') }}",
    "{{ 1 | pprint }}",
    "{% set _ = namespace(a=1) %}{{ _.a }}{% set user_name = 'u' %}{{ user_name }}{% set x1 = 1 %}{{ x1 }}{% set é = 2 %}{{ é }}",
    "{% set loop = 5 %}{{ loop }}",
]

# Where the engine here is known to do otherwise: it takes some of what Jinja refuses, and writes what nobody writes out
# (what a filter gives before it is a list, groups, letters of two) in another way.
OTHER = [
    "{{ [1] + {'a': 1}.keys() }}",
    "{{ {'a': 1}.items()[0] is defined }}",
    "{{ range(3) }}{{ range(1, 5, 2) ~ '' }}",
    "{% set ns = namespace(a=1) %}{% set ns._x = 1 %}",
    "{{ loop is defined }}{{ self is defined }}{{ caller is defined }}",
    "{{ namespace(a=1) is mapping }}{{ lipsum is defined }}{{ cycler is defined }}{{ joiner is defined }}",
    "{{ xyz in 'abc' }}",
    "{% set ns = namespace(l=[1]) %}{% set ns2 = namespace(n=ns) %}{% set ns2.n.l = [2] %}{{ ns.l }}",
    "{{ [1] | map('string') | tojson }}",
    "{{ 'a' * 2.0 }}",
    "{{ (messages | map(attribute='role')) is iterable }}{{ (messages | map(attribute='role')) is sequence }}{{ (messages | list) is sequence }}{{ {}.items() is iterable }}{{ {}.keys() is sequence }}{{ {'a': 1}.items() is mapping }}",
    "{{ 'Hello World'.lower() }}{{ 'Hello'.upper() }}{{ 'hello world'.title() }}{{ \"they're bill's\".title() }}{{ 'hELLO'.capitalize() }}{{ 'Hello'.swapcase() }}{{ 'ß'.upper() }}{{ 'ß'.casefold() }}{{ 'İ'.lower() | length }}{{ 'ǆ'.title() }}",
    "{{ [1, 'a'] | sort }}",
    "{{ messages | groupby('role') }}",
    "{{ -5 | abs }}{{ -1.5 | abs }}{{ '5' | int }}{{ '5.7' | int }}{{ 'x' | int }}{{ 'x' | int(-1) }}{{ '0x1f' | int(base=16) }}{{ 'ff' | int(0, 16) }}{{ '1.5' | float }}{{ 'x' | float }}{{ 'x' | float(1.0) }}{{ true | int }}{{ none | int }}{{ [] | int }}{{ ' 7 ' | int }}{{ '1_000' | int }}{{ '1e3' | int }}{{ 'inf' | float }}{{ '１２' | int }}",
    "b' }}{{ \"\\u00e9\\x41\\101\\N{DEGREE SIGN}\" }}",
    "{{ range(0) | list }}{{ range(2, 2) | list }}{{ range(5, 1, -2) | list }}{{ range(3) }}{{ 2 in range(3) }}{{ range(3) == range(3) }}",
]
