//! Prompts, character for character.

use indieval::probe::{Case, Count, Demonstration, Probe, Split};
use indieval::prompt::{
    ChatFrame, ChatSpec, ChatTemplate, Edge, Frame, PaperPrompt, Pieces, ProbePrompt, PromptKind, PromptStyle,
};
use indieval::survey::{Catalogue, Form, ProbeRule, Question, QuestionId, Statement};

/// Two categories of one question each, and a third that is only shown.
fn catalogue() -> Catalogue {
    let statements = |texts: &[&str]| -> Vec<Statement> {
        (1..)
            .zip(texts)
            .map(|(code, text)| Statement {
                codes: vec![code],
                text: (*text).into(),
            })
            .collect()
    };
    let question = |id, category, texts: &[&str]| Question {
        id: QuestionId::number(id),
        category,
        refined: statements(texts),
        polar: statements(texts),
        polar_of_refined: (0..texts.len()).collect(),
        values: Vec::new(),
    };
    Catalogue {
        categories: vec!["Food".into(), "Weather".into()],
        questions: vec![
            question(1, 0, &["soup is good", "soup is \"bad\""]),
            question(2, 0, &["I like {{ bread }}", "I don't like <bread>"]),
            question(3, 1, &["rain is fine", "rain is tiresome", "it depends"]),
        ],
        hash: String::new(),
        rules: ProbeRule::default(),
        words: None,
    }
}

fn case() -> Case {
    let shown = |question, statement| Demonstration {
        question,
        statement,
        form: Form::Polar,
    };
    Case {
        respondent: "p".into(),
        split: Split::One,
        demographics: vec!["I am a cook".into()],
        demonstrations: vec![shown(1, 0), shown(0, 1)],
        asked: Count::Of(2),
        probes: vec![Probe { question: 2, label: 1 }, Probe { question: 0, label: 0 }],
    }
}

/// The template in `prompts/`.
fn built_in(kind: PromptKind) -> ProbePrompt {
    let text = match kind {
        PromptKind::Candidate => include_str!("../../prompts/likelihood.txt"),
        PromptKind::Letter => include_str!("../../prompts/label.txt"),
        PromptKind::Written => include_str!("../../prompts/single.txt"),
    };
    ProbePrompt::parse(kind, "built in", text).unwrap()
}

fn paper() -> PaperPrompt {
    PaperPrompt::parse("built in", include_str!("../../prompts/paper.txt")).unwrap()
}

fn pieces(kind: PromptKind, frame: &Frame) -> Pieces {
    let case = case();
    built_in(kind)
        .pieces(&catalogue(), &case, &case.probes[0], None, frame)
        .unwrap()
}

const HEAD: &str = "One person took part in a long survey about values, beliefs and daily life. These are some of the \
                    statements that this person made:";

#[test]
fn likelihood_in_plain_text() {
    let pieces = pieces(PromptKind::Candidate, &Frame::Plain);
    assert_eq!(pieces.shared, HEAD);
    assert_eq!(
        pieces.person,
        ["\n- I am a cook", "\n- I like {{ bread }}", "\n- Soup is \"bad\""]
    );
    assert_eq!(pieces.probe, "\n-");
    assert_eq!(
        pieces.continuations,
        [" Rain is fine", " Rain is tiresome", " It depends"]
    );
}

#[test]
fn label_in_plain_text() {
    let pieces = pieces(PromptKind::Letter, &Frame::Plain);
    let text = "\n- I am a cook\n- I like {{ bread }}\n- Soup is \"bad\"\n\nExactly one of the following statements was \
                made by the same person as well:\nA. Rain is fine\nB. Rain is tiresome\nC. It depends\n\nWhich one? \
                Answer with its letter.\nAnswer:";
    assert_eq!(pieces.context(), format!("{HEAD}{text}"));
    assert_eq!(pieces.continuations, [" A", " B", " C"]);
}

#[test]
fn single_in_plain_text() {
    let pieces = pieces(PromptKind::Written, &Frame::Plain);
    let end = "\nC. It depends\n\nWhich one? Reply with its letter and nothing else.\n";
    assert!(pieces.context().ends_with(end), "{}", pieces.context());
    assert!(pieces.continuations.is_empty());
}

/// Without demonstrations: a control, a category without statements, 0 asked for.
#[test]
fn where_nothing_is_known_no_prompt_speaks_of_statements_that_are_not_there() {
    let survey = "One person took part in a long survey about values, beliefs and daily life.";
    let options = "\nA. Rain is fine\nB. Rain is tiresome\nC. It depends\n\nWhich one?";
    let one_of = format!("{survey}\n\nExactly one of the following statements was made by this person:{options}");
    for frame in [Frame::Plain, Frame::Chat(chatml().frame().unwrap())] {
        for (kind, expected) in [
            (
                PromptKind::Candidate,
                format!("{survey} This is one of the statements that this person made:"),
            ),
            (PromptKind::Letter, format!("{one_of} Answer with its letter.")),
            (
                PromptKind::Written,
                format!("{one_of} Reply with its letter and nothing else."),
            ),
        ] {
            let nobody = Case {
                demographics: Vec::new(),
                demonstrations: Vec::new(),
                ..case()
            };
            let pieces = built_in(kind)
                .pieces(&catalogue(), &nobody, &nobody.probes[0], None, &frame)
                .unwrap();
            assert!(pieces.person.is_empty());
            assert!(pieces.context().contains(&expected), "{}", pieces.context());
        }
    }
}

/// Demographic statements are statements that are known.
#[test]
fn demographics_alone_are_listed_as_statements() {
    let case = Case {
        demonstrations: Vec::new(),
        ..case()
    };
    let pieces = built_in(PromptKind::Letter).pieces(&catalogue(), &case, &case.probes[0], None, &Frame::Plain);
    assert!(
        pieces
            .unwrap()
            .context()
            .starts_with(&format!("{HEAD}\n- I am a cook\n\n"))
    );
}

#[test]
fn all_kinds_share_everything_up_to_the_last_demonstration() {
    for frame in [Frame::Plain, Frame::Chat(chatml().frame().unwrap())] {
        let all = PromptKind::ALL.map(|kind| pieces(kind, &frame));
        assert!(
            all.iter()
                .all(|p| p.shared == all[0].shared && p.person == all[0].person)
        );
    }
}

#[test]
fn options_come_in_the_order_asked_for() {
    let case = case();
    let shown = |kind, order: &[usize]| {
        let prompt = built_in(kind);
        prompt.pieces(&catalogue(), &case, &case.probes[0], Some(order), &Frame::Plain)
    };
    let label = shown(PromptKind::Letter, &[2, 0, 1]).unwrap();
    assert!(
        label
            .probe
            .contains("\nA. It depends\nB. Rain is fine\nC. Rain is tiresome\n")
    );
    assert_eq!(label.continuations, [" A", " B", " C"]);
    let likelihood = shown(PromptKind::Candidate, &[2, 0, 1]).unwrap();
    assert_eq!(
        likelihood.continuations,
        [" It depends", " Rain is fine", " Rain is tiresome"]
    );
    for wrong in [&[0, 1][..], &[0, 1, 1], &[0, 1, 3], &[0, 1, 2, 2]] {
        let refusal = shown(PromptKind::Letter, wrong).unwrap_err().to_string();
        assert!(refusal.contains("not an order of the 3 candidates of Q3"), "{refusal}");
    }
}

#[test]
fn a_case_of_another_catalogue_is_refused() {
    let prompt = built_in(PromptKind::Letter);
    let mut case = case();
    case.demonstrations[0].statement = 5;
    let refusal = prompt
        .pieces(&catalogue(), &case, &case.probes[0], None, &Frame::Plain)
        .unwrap_err();
    assert_eq!(refusal.to_string(), "Q2 has no statement number 5 in this catalogue");
    let stray = Probe { question: 9, label: 0 };
    assert!(
        prompt
            .pieces(&catalogue(), &self::case(), &stray, None, &Frame::Plain)
            .is_err()
    );
}

#[test]
fn the_papers_prompt_around_a_small_case() {
    let template = include_str!("../../prompts/paper.txt");
    let prompt = paper();
    let pieces = prompt.pieces(&catalogue(), &case(), &Frame::Plain).unwrap();
    let statements = "# I am a cook\n# I like {{ bread }}\n# Soup is \"bad\"";
    let groups = r#"{
    "new statement group 1 (NSG1)": [
        {
            "NSG1_s1": "rain is fine"
        },
        {
            "NSG1_s2": "rain is tiresome"
        },
        {
            "NSG1_s3": "it depends"
        }
    ],
    "new statement group 2 (NSG2)": [
        {
            "NSG2_s1": "soup is good"
        },
        {
            "NSG2_s2": "soup is \"bad\""
        }
    ]
}"#;
    let whole = template
        .replace("{known_statements}", statements)
        .replace("{new_statement_groups}", groups);
    assert_eq!(pieces.context(), whole);
    assert!(pieces.shared.ends_with("[Known Statements of Person A]: "));
    assert_eq!(pieces.person.concat(), statements);

    let nobody = Case {
        demographics: Vec::new(),
        demonstrations: Vec::new(),
        ..case()
    };
    let pieces = prompt.pieces(&catalogue(), &nobody, &Frame::Plain).unwrap();
    assert!(
        pieces
            .context()
            .contains("[Known Statements of Person A]: (none)\n\n[New Groups of Statements]: {\n")
    );
}

/// A template of the kind that ChatML models have, with a default system prompt.
fn chatml() -> ChatTemplate {
    let source = "{% for message in messages %}{% if loop.first and message.role != 'system' %}\
                  <|im_start|>system\nBe brief.<|im_end|>\n{% endif %}\
                  {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}\
                  {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    ChatTemplate::new(source, "", "<|im_end|>", ChatSpec::default()).unwrap()
}

/// A template that writes its own BOS and the date, trims messages and goes through a macro, as Llama 3 models' do.
fn trimming() -> ChatTemplate {
    let source = r#"{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- endif %}
{%- endif %}
{%- macro turn(role, text) %}
    {{- "<|start|>" + role + "<|end|>\n\n" + text | trim + "<|eot|>" }}
{%- endmacro %}
{%- set ns = namespace(system="") %}
{%- if messages[0]['role'] == 'system' %}
    {%- set ns.system = messages[0]['content'].strip() %}
    {%- set messages = messages[1:] %}
{%- endif %}
{{- turn("system", "Today: " ~ date_string ~ "\n" ~ ns.system) }}
{%- for message in messages %}
    {%- if message.role not in ['user', 'assistant'] %}{{ raise_exception('no such role') }}{%- endif %}
    {% generation %}{{- turn(message.role, message.content) }}{% endgeneration %}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|start|>assistant<|end|>\n\n" }}{%- endif %}
"#;
    ChatTemplate::new(source, "<|bos|>", "<|eot|>", ChatSpec::default()).unwrap()
}

/// A template whose turns are in brackets, as Mistral's are.
fn bracketed() -> ChatTemplate {
    let source = "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
                  {{ raise_exception('turns must alternate') }}{% endif %}{% if message['role'] == 'user' %}\
                  {{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}\
                  {% endfor %}";
    ChatTemplate::new(source, "<s>", "</s>", ChatSpec::default()).unwrap()
}

#[test]
fn frames_of_common_kinds_of_chat_templates() {
    let kept = |before: &str, after: &str| ChatFrame {
        before: before.into(),
        after: after.into(),
        start: Edge::Kept,
        end: Edge::Kept,
        thoughts: None,
    };
    assert_eq!(
        chatml().frame().unwrap(),
        kept(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n",
            "<|im_end|>\n<|im_start|>assistant\n"
        )
    );
    assert_eq!(bracketed().frame().unwrap(), kept("<s>[INST] ", " [/INST]"));
    assert_eq!(
        trimming().frame().unwrap(),
        ChatFrame {
            start: Edge::Trimmed,
            end: Edge::Trimmed,
            ..kept(
                "<|bos|><|start|>system<|end|>\n\nToday: 26 Jul 2024<|eot|><|start|>user<|end|>\n\n",
                "<|eot|><|start|>assistant<|end|>\n\n"
            )
        }
    );
}

#[test]
fn a_framed_prompt_is_what_the_chat_template_makes_of_the_message() {
    for template in [chatml(), trimming(), bracketed()] {
        let frame = Frame::Chat(template.frame().unwrap());
        assert_eq!(frame.style(), PromptStyle::Chat);
        for (kind, lead_in) in [
            (PromptKind::Candidate, "-"),
            (PromptKind::Letter, "Answer:"),
            (PromptKind::Written, ""),
        ] {
            let plain = pieces(kind, &Frame::Plain).context();
            let message = plain.strip_suffix(lead_in).unwrap().strip_suffix('\n').unwrap();
            let whole = template.render(message).unwrap() + lead_in;
            assert_eq!(pieces(kind, &frame).context(), whole);
        }
        // The paper's prompt ends with a line break, which some templates cut off.
        let prompt = paper();
        let framed = |frame: &Frame| prompt.pieces(&catalogue(), &case(), frame).unwrap().context();
        assert_eq!(framed(&frame), template.render(&framed(&Frame::Plain)).unwrap());
    }
}

#[test]
fn chat_templates_that_change_messages_are_refused() {
    for (source, says) in [
        (
            "{{ messages[0].content | upper }}",
            "does not come out as it was put in",
        ),
        ("{{ messages[0].content | e }}", "does not come out as it was put in"),
        (
            "{{ messages[0].content | tojson }}",
            "does not come out as it was put in",
        ),
        ("nothing", "does not come out as it was put in"),
        ("{{ messages[0].content }}{{ messages[0].content }}", "more than once"),
        (
            "{{ messages[0].content.lstrip('\\n') }}",
            "white space at the message's beginning",
        ),
        (
            "{{ messages[0].content.rstrip('\\n') }}",
            "white space at the message's end",
        ),
        (
            "{% if '?' in messages[0].content %}Q: {% endif %}{{ messages[0].content }}",
            "depends on the message",
        ),
    ] {
        let error = ChatTemplate::new(source, "", "", ChatSpec::default())
            .unwrap()
            .frame()
            .unwrap_err();
        assert!(error.to_string().contains(says), "{source}: {error}");
    }
}

#[test]
fn chat_templates_fail_with_their_line_and_within_limits() {
    for (source, says) in [
        ("a\nb\n{% if %}", "line 3"),
        (
            "a\n{{ raise_exception('only images') }}",
            "line 2: invalid operation: the template itself says: only images",
        ),
        (
            "a\n\n{{ strftime_now('%Q') }}",
            "line 3: invalid operation: strftime_now does not know the field %Q",
        ),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "line 1",
        ),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "line 1"),
        ("{{ 'x' * 90000000 }}", "out of fuel"),
        (
            "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "out of fuel",
        ),
        ("{% include 'other' %}", "line 1"),
    ] {
        let error = ChatTemplate::new(source, "", "", ChatSpec::default())
            .unwrap()
            .frame()
            .unwrap_err();
        assert!(error.to_string().contains(says), "{source}: {error}");
    }
    let long = format!("{{% for i in range(6000) %}}{}{{% endfor %}}", "x".repeat(200));
    let error = ChatTemplate::new(&long, "", "", ChatSpec::default())
        .unwrap()
        .frame()
        .unwrap_err();
    assert!(error.to_string().contains("bytes around a short message"), "{error}");
    let huge = "x".repeat(300_000);
    assert!(
        ChatTemplate::new(&huge, "", "", ChatSpec::default())
            .unwrap_err()
            .to_string()
            .contains("300000 bytes")
    );
}
