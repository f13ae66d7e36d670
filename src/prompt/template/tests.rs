use super::*;

const LETTER: PromptKind = PromptKind::Letter;

fn refused(kind: PromptKind, source: &str) -> String {
    ProbePrompt::parse(kind, "mine", source).unwrap_err().to_string()
}

/// The template in `prompts/`.
fn built_in(kind: PromptKind) -> ProbePrompt {
    let text = match kind {
        PromptKind::Candidate => include_str!("../../../prompts/likelihood.txt"),
        PromptKind::Letter => include_str!("../../../prompts/label.txt"),
        PromptKind::Written => include_str!("../../../prompts/single.txt"),
    };
    ProbePrompt::parse(kind, "built in", text).unwrap()
}

#[test]
fn the_built_in_templates_share_their_heads() {
    let prompts = PromptKind::ALL.map(built_in);
    assert!(
        prompts
            .iter()
            .all(|p| p.known.head == prompts[0].known.head && p.line == prompts[0].line)
    );
    assert!(!prompts[0].known.head.is_empty());
}

#[test]
fn a_template_is_cut_at_its_placeholders() {
    let cut = ProbePrompt::parse(
        PromptKind::Candidate,
        "mine",
        "Head\nmore\n* {{ statements }};\nSo:\n\"{{ candidate }}\"\n",
    )
    .unwrap();
    assert_eq!(cut.known.head, "Head\nmore");
    assert_eq!(cut.line, ["* ", ";"]);
    assert_eq!(cut.known.message, Message::Plain("\nSo:".into()));
    assert_eq!(cut.known.lead_in, "\"");
    assert_eq!(cut.known.around_answer, ["", "\""]);
}

#[test]
fn unknown_and_unused_placeholders_are_refused_by_name() {
    let unknown = refused(
        LETTER,
        "x\n{{ statements }}\n{{ options }}{{ person }}{{ mood }}\n{{ answer }}",
    );
    assert!(unknown.contains("{{ mood }}, {{ person }}"), "{unknown}");
    let unused = refused(LETTER, "x\n{{ statements }}\n");
    assert!(unused.contains("{{ options }}, {{ answer }}"), "{unused}");
    let twice = refused(
        PromptKind::Candidate,
        "x\n{{ statements }}\n{{ candidate }} {{ candidate }}",
    );
    assert!(twice.contains("{{ candidate }} 2 times"), "{twice}");
    let filtered = refused(PromptKind::Candidate, "x\n{{ statements }}\n{{ candidate | upper }}");
    assert!(filtered.contains("{{ candidate }} 0 times"), "{filtered}");
}

#[test]
fn errors_name_the_line() {
    let broken = refused(LETTER, "x\ny\n{{ statements \n");
    assert!(broken.contains("mine is not valid in line 3"), "{broken}");
    let endless = refused(
        PromptKind::Candidate,
        &format!(
            "x\n{{{{ statements }}}}\n{}{}{{{{ candidate }}}}",
            "{% for i in '0123456789' %}".repeat(5),
            "{% endfor %}".repeat(5)
        ),
    );
    assert!(endless.contains("line 3"), "{endless}");
}

#[test]
fn misplaced_placeholders_are_refused() {
    for (source, says) in [
        ("{{ statements }}\n{{ options }}\n{{ answer }}", "first line"),
        ("x\n{{ options }}{{ answer }}{{ statements }}", "last line"),
        (
            "x {{ answer }}\n{{ statements }}\n{{ options }}",
            "above the statements",
        ),
        ("x\n{{ statements }} {{ answer }}\n{{ options }}", "in their line"),
        (
            "x\n{{ statements }}\n{{ answer }}\n{{ options }}",
            "follows on the answer",
        ),
        (
            "x {{ options }}\n{{ statements }}\n{{ answer }}",
            "between the statements and the answer",
        ),
    ] {
        let refusal = refused(LETTER, source);
        assert!(refusal.contains(says), "{source}: {refusal}");
    }
}

#[test]
fn a_part_for_nothing_known_has_a_head_of_its_own() {
    let source = "{% if statements %}Known:\n- {{ statements }}\nAlso:{% else %}Nobody knows.\n\nOne of:{% endif %}\n\
                  {{ options }}\nWhich? {{ answer }}";
    let cut = ProbePrompt::parse(LETTER, "mine", source).unwrap();
    assert_eq!(cut.known.head, "Known:");
    let nothing = cut.nothing.unwrap();
    assert_eq!(nothing.head, "Nobody knows.\n\nOne of:");
    assert_eq!(nothing.message, Message::AroundOptions("\n".into(), String::new()));
    assert_eq!(
        (nothing.lead_in.as_str(), nothing.around_answer),
        ("Which?", [" ".into(), String::new()])
    );
}

#[test]
fn a_template_without_a_part_for_nothing_known_is_as_good_as_before() {
    let cut = ProbePrompt::parse(LETTER, "mine", "x\n- {{ statements }}\ny\n{{ options }}\n{{ answer }}").unwrap();
    assert_eq!(cut.nothing, None);
}

#[test]
fn a_part_for_nothing_known_is_held_to_the_same_rules() {
    let with = |part: &str| {
        let source = format!(
            "{{% if statements %}}x\n- {{{{ statements }}}}\n{{{{ options }}}}\n{{{{ answer }}}}{{% else %}}{part}{{% endif %}}"
        );
        refused(LETTER, &source)
    };
    assert!(with("y\n{{ options }}").contains("{{ answer }} 0 times"));
    assert!(with("{{ options }}\n{{ answer }}").contains("there must be a line above"));
    assert!(with("y\n{{ answer }}\n{{ options }}").contains("its answer above its options"));
}
