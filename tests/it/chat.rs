//! Chat templates do what transformers' Jinja does, and end whatever they are.

use std::collections::BTreeMap;
use std::path::Path;

use indieval::model::{Inspection, Markup};
use indieval::prompt::{ChatSpec, ChatTemplate, ThoughtBlock, Turn};
use serde::Deserialize;

#[path = "../../examples/render_chat/asked.rs"]
mod asked;
use asked::Asked;

/// What transformers' Jinja makes of templates; scripts/make_chat_goldens.py.
#[derive(Deserialize)]
struct Golden {
    messages: Vec<Turn>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    template: String,
    /// Absent where it fails.
    output: Option<String>,
    here: Here,
}

/// What becomes of a template here.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Here {
    /// The same as in transformers, where it may fail.
    Same,
    /// It is refused by name.
    Refused,
    /// It is known to come out otherwise.
    Otherwise,
}

fn rendered(template: &str, turns: &[Turn]) -> Result<String, String> {
    ChatTemplate::new(template, "<s>", "</s>", ChatSpec::default())
        .and_then(|template| template.render_turns(turns))
        .map_err(|error| error.to_string())
}

fn of_one_message(template: &str) -> Result<String, String> {
    let turn = Turn {
        role: "user".into(),
        content: "Hi".into(),
    };
    rendered(template, &[turn])
}

/// In the manner of the templates of Qwen3 (a switch), of Qwen3's and DeepSeek's models that always think, of GLM-4.5, and of
/// gpt-oss (channels).
#[test]
fn answers_begin_behind_thoughts_that_are_empty() {
    const MESSAGE: &str = "{% for message in messages %}[{{ message.content }}]{% endfor %}";
    for (opening, expected) in [
        ("<|im_start|>assistant\n", "<|im_start|>assistant\n"),
        (
            "<|im_start|>assistant\n{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}",
            "<|im_start|>assistant\n<think>\n\n</think>\n\n",
        ),
        (
            "<|im_start|>assistant\n<think>\n",
            "<|im_start|>assistant\n<think>\n\n</think>\n\n",
        ),
        ("<|Assistant|><think>", "<|Assistant|><think>\n\n</think>\n\n"),
        (
            "<|assistant|>{{- '\\n<think></think>' if enable_thinking is false else '' }}",
            "<|assistant|>\n<think></think>",
        ),
        (
            "{% if false %}<|channel|>{% endif %}<|start|>assistant",
            "<|start|>assistant<|channel|>final<|message|>",
        ),
        ("<|start|>assistant", "<|start|>assistant"),
    ] {
        let template = format!("{MESSAGE}{{% if add_generation_prompt %}}{opening}{{% endif %}}");
        let template = ChatTemplate::new(&template, "<s>", "</s>", ChatSpec::default()).unwrap();
        let frame = template.frame().unwrap_or_else(|error| panic!("{opening}: {error}"));
        assert_eq!(frame.after, format!("]{expected}"));
    }
}

/// A prompt for a model that thinks, as transformers renders and encodes it; scripts/make_thinking_goldens.py.
#[derive(Deserialize)]
struct ThinkingGolden {
    template: String,
    system: Option<String>,
    #[serde(default)]
    kwargs: serde_json::Value,
    date: Option<String>,
    thinking_tokens: Option<usize>,
    /// Up to where the model goes on.
    prompt: String,
    ids: Vec<u32>,
    /// With its thoughts, where it has any, and its answer.
    whole: String,
}

#[test]
fn prompts_of_models_that_think_have_the_ids_of_transformers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/thinking");
    let golden: Vec<ThinkingGolden> =
        serde_json::from_slice(&std::fs::read(folder.join("golden.json")).unwrap()).unwrap();
    assert!(golden.len() >= 42, "{}", golden.len());
    let tokenizer = Inspection::of(&folder).tokenizer.expect("a tokenizer");
    let message = "Which one?\nA. I trust people.\nB. I don't.\n\nAnswer with its letter.";
    for case in golden {
        let mut told = serde_json::json!({ "system": case.system, "date": case.date });
        if !case.kwargs.is_null() {
            told["kwargs"] = case.kwargs;
        }
        let told: ChatSpec = serde_json::from_value(told).unwrap();
        let source = std::fs::read_to_string(folder.join(&case.template)).unwrap();
        let template = ChatTemplate::new(&source, "", "", told).unwrap();
        let frame = match case.thinking_tokens {
            None => template.frame(),
            Some(tokens) => template.thinking_frame(tokens),
        };
        let frame = frame.unwrap_or_else(|error| panic!("{}: {error}", case.template));
        let prompt = format!("{}{message}{}", frame.before, frame.after);
        assert_eq!(prompt, case.prompt, "{}", case.template);
        assert_eq!(
            tokenizer.encode_whole(&prompt, Markup::Chat).unwrap(),
            case.ids,
            "{}",
            case.template
        );
        let thoughts = frame.thoughts.map(|block| {
            let ThoughtBlock { cut, end, behind } = block;
            format!("so{cut}{end}{behind}")
        });
        assert_eq!(
            format!("{prompt}{}B", thoughts.unwrap_or_default()),
            case.whole,
            "{}",
            case.template
        );
    }
}

/// Published templates as transformers renders them; scripts/make_template_goldens.py.
#[derive(Deserialize)]
struct PublishedGolden {
    settings: BTreeMap<String, Asked>,
    /// Texts by template and setting, absent where transformers refuses it.
    templates: BTreeMap<String, BTreeMap<String, Option<String>>>,
}

#[test]
fn published_templates_come_out_as_in_transformers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/templates");
    let golden: PublishedGolden = serde_json::from_slice(&std::fs::read(folder.join("golden.json")).unwrap()).unwrap();
    assert!(golden.templates.len() >= 38 && golden.settings.len() >= 8);
    let (mut texts, mut left_out) = (0, Vec::new());
    for (name, expected) in &golden.templates {
        let source = std::fs::read_to_string(folder.join(format!("{name}.jinja"))).unwrap();
        for (asked, setting) in &golden.settings {
            let template = setting.template(&source).unwrap();
            let expected = &expected[asked];
            assert_eq!(&setting.rendered(&template).ok(), expected, "{name}, {asked}");
            let (Some(text), Some(message)) = (expected, &setting.message) else {
                continue;
            };
            texts += 1;
            match template.frame() {
                Ok(frame) => {
                    let prompt = format!("{}{message}{}", frame.before, frame.after);
                    assert!(prompt.starts_with(text.trim_end()), "{name}, {asked}: {prompt:?}");
                }
                Err(error) => left_out.push(format!("{name}, {asked}: {error}")),
            }
        }
    }
    assert!(texts > 180, "{texts}");
    // These have no place for a system message, and a survey must not lose one.
    let expected: Vec<String> = ["phi-3-medium", "phi-4-reasoning"]
        .iter()
        .flat_map(|name| ["no tokens", "system"].map(|asked| format!("{name}, {asked}")))
        .map(|place| format!("{place}: the model's chat template leaves out the system message"))
        .collect();
    assert_eq!(left_out, expected);
}

#[test]
fn an_answer_is_gone_on_with_as_in_transformers_or_refused() {
    let template = |source: &str| ChatTemplate::new(source, "", "", ChatSpec::default()).unwrap();
    let turn = |role: &str, content: &str| Turn {
        role: role.into(),
        content: content.into(),
    };
    let said = |source: &str, content: &str| {
        template(source).render_conversation(&[turn("user", "so"), turn("assistant", content)])
    };
    // Each expectation was printed by transformers 5.24 (`continue_final_message`).
    const KEPT: &str = "{% for m in messages %}<{{ m.role }}>\n{{ m.content }}</>{% endfor %}";
    const TRIMMED: &str = "{% for m in messages %}<{{ m.role }}>\n{{ m.content | trim }}</>{% endfor %}";
    for (source, content, expected) in [
        (KEPT, "so ", "<user>\nso</><assistant>\nso "),
        (KEPT, "", "<user>\nso</><assistant>\n"),
        (TRIMMED, "so ", "<user>\nso</><assistant>\nso"),
        (TRIMMED, "", "<user>\nso</><assistant>"),
    ] {
        assert_eq!(said(source, content).unwrap(), expected, "{source}");
    }
    for source in [
        "{% for m in messages %}{{ m.content.split('</think>')[-1] }}{% endfor %}",
        "{{ messages[0].content }}",
    ] {
        let error = said(source, "a</think>b").unwrap_err();
        assert!(
            error.to_string().contains("does not write what the assistant has said"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("last message of the assistant's"));
    }
}

#[test]
fn a_template_that_fails_with_what_it_is_told_says_so() {
    let source = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}\
        {% if effort is defined and effort != 'low' %}{{ raise_exception('no effort') }}{% endif %}{{ messages[-1].content }}";
    for (told, says) in [
        (
            r#"{"system": "Be brief."}"#,
            "`system` of [chat], in line 1: invalid operation: the template itself says: no system",
        ),
        (r#"{"kwargs": {"effort": "high"}}"#, "`kwargs` of [chat]"),
    ] {
        let told: ChatSpec = serde_json::from_str(told).unwrap();
        let error = ChatTemplate::new(source, "", "", told).unwrap().frame().unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.hint().unwrap().starts_with("leave out `"));
    }
    let low: ChatSpec = serde_json::from_str(r#"{"kwargs": {"effort": "low"}}"#).unwrap();
    assert!(ChatTemplate::new(source, "", "", low).unwrap().frame().is_ok());
}

#[test]
fn what_a_template_does_not_pass_on_is_refused() {
    const PLAIN: &str = "{% for m in messages if m.role == 'user' %}<user>{{ m.content }}{% endfor %}<model>";
    let told = |text: &str| serde_json::from_str::<ChatSpec>(text).unwrap();
    let template = ChatTemplate::new(PLAIN, "", "", ChatSpec::default()).unwrap();
    assert_eq!(template.frame().unwrap().after, "<model>");
    let error = template.thinking_frame(9).unwrap_err();
    assert!(error.to_string().contains("knows no thoughts"), "{error}");
    assert!(error.hint().unwrap().contains("thinking_tokens"));
    let with_system = ChatTemplate::new(PLAIN, "", "", told(r#"{"system": "Be brief."}"#)).unwrap();
    let error = with_system.frame().unwrap_err();
    assert!(error.to_string().contains("leaves out the system message"), "{error}");
    assert!(error.hint().unwrap().contains("`system` of [chat]"));
    // Variables count more than the switches.
    let switched = "{{ messages[0].content }}{{ enable_thinking }}{{ list[1] }}{{ today }}";
    let kwargs = r#"{"kwargs": {"enable_thinking": true, "list": [1, 2.5], "today": {"a": null}}}"#;
    let template = ChatTemplate::new(switched, "", "", told(kwargs)).unwrap();
    assert_eq!(template.frame().unwrap().after, "True2.5{'a': None}");
}

#[test]
fn templates_come_out_as_in_transformers_or_are_refused() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/chat.json");
    let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(golden.cases.len() > 650);
    let differs = golden.cases.iter().filter_map(|case| {
        let ours = rendered(&case.template, &golden.messages);
        let as_told = match case.here {
            Here::Same => ours.as_ref().ok() == case.output.as_ref(),
            Here::Refused => ours.is_err(),
            // Where it has become the same it belongs among those that stay so.
            Here::Otherwise => ours.as_ref().ok() != case.output.as_ref(),
        };
        (!as_told).then(|| format!("{:?}: {ours:?}, expected {:?}", case.template, case.output))
    });
    let differs: Vec<String> = differs.collect();
    assert!(differs.is_empty(), "{}", differs.join("\n"));
}

/// Values that are small in memory and endless on paper, and all ways to write them out.
#[test]
fn values_that_grow_without_end_are_refused() {
    let twice = |first: &str, step: &str, out: &str| {
        format!(
            "{{% set ns = namespace(x={first}) %}}{{% for i in range(60) %}}{{% set ns.x = {step} %}}{{% endfor %}}{out}"
        )
    };
    for out in [
        "{{ ns.x }}",
        "{{ ns.x | tojson }}",
        "{{ ns.x | string | length }}",
        "{{ [ns.x] | join }}",
        "{{ (ns.x ~ '') | length }}",
        "{{ {ns.x: 1} | length }}",
        "{{ [ns.x, [ns.x]] | sort | length }}",
        "{{ raise_exception(ns.x) }}",
    ] {
        let error = of_one_message(&twice("[1]", "[ns.x, ns.x]", out)).unwrap_err();
        assert!(error.contains("too large once it is written out"), "{out}: {error}");
    }
    for source in [
        twice("[1]", "ns.x + ns.x", "{{ ns.x | length }}"),
        twice("{}", "dict(a=ns.x, b=ns.x)", "{{ ns.x | tojson }}"),
        twice("'ab'", "ns.x ~ ns.x", ""),
        twice("'ab'", "ns.x.replace('a', 'aa')", ""),
        twice("'ab'", "ns.x.join(['a', 'b', 'c'])", ""),
        twice("'\"'", "ns.x | tojson", ""),
        format!("{}{{{{ x }}}}", "{% set x = [x, x] %}".repeat(60)),
        format!("{}{}", "{% with x = [x, x] %}".repeat(60), "{% endwith %}".repeat(60)),
        format!("{}{}", "{% for x in [[x, x]] %}".repeat(60), "{% endfor %}".repeat(60)),
        "{% macro m(x, n) %}{% if n %}{{ m([x, x], n - 1) }}{% else %}{{ x }}{% endif %}{% endmacro %}{{ m(1, 60) }}"
            .into(),
        "{% set x = [1] * 10 ** 8 %}".into(),
        "{{ 'a' * 10 ** 10 }}".into(),
        "{{ range(10 ** 12) | max }}".into(),
        "{{ 'a'.center(10 ** 9) }}".into(),
        "{{ '{:1000000000}'.format(1) }}".into(),
        "{{ ([[1] * 1000] * 3000) | sum }}".into(),
        "{{ strftime_now('%Y' * 100000) }}".into(),
        "{{ ([[1]] * 10000) | map('list') | sum(start=[[1]] * 10000) | length }}".into(),
        "{% macro m(x, y=[x, x], z=[y, y]) %}{{ m(z) }}{% endmacro %}{{ m([1]) }}".into(),
        "{{ ('a\\n' * 10000) | indent(1000) }}".into(),
        "{{ 'a' | indent(10 ** 9) }}".into(),
        "{{ 'a' | center(10 ** 9) }}".into(),
        "{{ ('\\t' * 10000).expandtabs(10 ** 9) }}".into(),
        "{{ (['a' * 10000] * 1000) | join('b' * 10000) }}".into(),
    ] {
        assert!(of_one_message(&source).is_err(), "{source}");
    }
}

/// What nests deeply would overflow the stack, which ends the program.
#[test]
fn templates_that_nest_deeply_are_refused() {
    let chain = |link: &str, times: usize| format!("{{{{ x{} }}}}", link.repeat(times));
    for source in [
        chain(" + 1", 20_000),
        chain(" ~ 1", 20_000),
        chain(" and x", 20_000),
        chain(" is defined", 15_000),
        chain("|abs", 30_000),
        chain(".b", 60_000),
        chain("[0]", 60_000),
        chain("()", 60_000),
        format!("{{{{ {}1 }}}}", "-".repeat(100_000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(20_000)),
        format!("{{{{ {}1{} }}}}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(18_000)),
        format!("{}{}", "{% if 1 %}".repeat(10_000), "{% endif %}".repeat(10_000)),
        "{% set ns = namespace(x=[]) %}{% for i in range(7000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}".into(),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".into(),
        "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}".into(),
    ] {
        assert!(of_one_message(&source).is_err(), "{}", &source[..60]);
    }
    // A namespace inside itself has an end.
    let own = "{% set ns = namespace(a=1) %}{% set ns.x = [ns] %}{{ ns.x | tojson }}";
    assert_eq!(of_one_message(own).unwrap(), r#"[{"a": 1}]"#);
}

#[test]
fn long_conversations_have_room() {
    let turn = |number: usize| Turn {
        role: if number.is_multiple_of(2) { "user" } else { "assistant" }.into(),
        content: "word ".repeat(2_000),
    };
    let turns: Vec<Turn> = (0..400).map(turn).collect();
    let template =
        "{% set messages = messages[0:] %}{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}{% endfor %}";
    let text = rendered(template, &turns).unwrap();
    assert!(text.len() > 400 * 9_990 && text.starts_with("<user>word"));
}
