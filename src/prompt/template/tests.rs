use super::*;

const LABEL: PromptKind = PromptKind::Letter;

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
            .all(|p| p.head == prompts[0].head && p.line == prompts[0].line)
    );
    assert!(!prompts[0].head.is_empty());
}

#[test]
fn a_template_is_cut_at_its_placeholders() {
    let cut = ProbePrompt::parse(
        PromptKind::Candidate,
        "mine",
        "Head\nmore\n* {{ statements }};\nSo:\n\"{{ candidate }}\"\n",
    )
    .unwrap();
    assert_eq!(cut.head, "Head\nmore");
    assert_eq!(cut.line, ["* ", ";"]);
    assert_eq!(cut.message, Message::Plain("\nSo:".into()));
    assert_eq!(cut.lead_in, "\"");
    assert_eq!(cut.around_answer, ["", "\""]);
}

#[test]
fn unknown_and_unused_placeholders_are_refused_by_name() {
    let unknown = refused(
        LABEL,
        "x\n{{ statements }}\n{{ options }}{{ person }}{{ mood }}\n{{ answer }}",
    );
    assert!(unknown.contains("{{ mood }}, {{ person }}"), "{unknown}");
    let unused = refused(LABEL, "x\n{{ statements }}\n");
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
    let broken = refused(LABEL, "x\ny\n{{ statements \n");
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
        let refusal = refused(LABEL, source);
        assert!(refusal.contains(says), "{source}: {refusal}");
    }
}
