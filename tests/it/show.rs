//! `indieval show`: prompts of synthetic respondents, on standard output and nothing else there.

use std::path::PathBuf;
use std::process::Output;
use std::sync::LazyLock;

use assert_cmd::Command;
use indieval::survey::{
    Catalogue, Demographics, IncomeGrouping, RepeatedIds, SurveyFile, SyntheticOptions, SyntheticProfile,
    write_synthetic,
};
use serde_json::Value;
use tempfile::TempDir;

static FILE: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synthetic.csv");
    let options = SyntheticOptions {
        respondents: 3,
        seed: 5,
        profile: SyntheticProfile::Surveyed,
    };
    write_synthetic(&options, std::fs::File::create(&path).unwrap()).unwrap();
    (folder, path)
});

/// The first respondent's id.
static ID: LazyLock<String> = LazyLock::new(|| {
    let demographics = Demographics::builtin(IncomeGrouping::Halves).unwrap();
    let rule = RepeatedIds::KeepAll;
    let file = SurveyFile::read(&FILE.1, Catalogue::builtin().unwrap(), demographics, rule).unwrap();
    file.respondents.id(0).to_owned()
});

fn show(options: &str) -> Output {
    let file = FILE.1.to_str().unwrap();
    let options = options.split_whitespace();
    let mut command = Command::cargo_bin("indieval").unwrap();
    command
        .args(["show", file, "--respondent", ID.as_str()])
        .args(options)
        .output()
        .unwrap()
}

fn text(options: &str) -> String {
    let output = show(options);
    assert!(
        output.status.success(),
        "{options}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn json(options: &str) -> Value {
    serde_json::from_str(&text(&format!("{options} --format json"))).unwrap()
}

fn person(shown: &Value) -> Vec<String> {
    serde_json::from_value(shown["person"].clone()).unwrap()
}

#[test]
fn text_is_the_context_and_nothing_else() {
    for method in ["likelihood", "label", "generation", "generation-paper"] {
        let options = format!("--split 2 --demonstrations 20 --method {method}");
        let shown = json(&options);
        assert_eq!(shown["context"], text(&options));
        let pieces = [&[shown["shared"].as_str().unwrap().to_owned()][..], &person(&shown)]
            .concat()
            .concat();
        assert_eq!(format!("{pieces}{}", shown["probe"].as_str().unwrap()), text(&options));
        assert_eq!(person(&shown).len(), 20);
        assert_eq!(shown["demonstrations"], 20);
        assert_eq!(shown["synthetic"], true);
        let asked = if method == "generation-paper" { 30..=39 } else { 1..=1 };
        assert!(asked.contains(&shown["questions"].as_array().unwrap().len()));
    }
}

#[test]
fn fewer_demonstrations_are_the_front_of_more() {
    let few = person(&json("--demonstrations 10"));
    let many = person(&json("--demonstrations 30"));
    assert_eq!(few, many[..10]);
    assert_ne!(few, person(&json("--demonstrations 10 --independent")));
    assert_ne!(few, person(&json("--demonstrations 10 --seed 7")));
    assert_ne!(few, person(&json("--demonstrations 10 --split 2")));
}

#[test]
fn demographics_come_first_and_categories_alone() {
    let plain = person(&json("--demonstrations 5"));
    let with = person(&json("--demonstrations 5 --demographics"));
    assert!(with.ends_with(&plain) && with.len() > 5 + 20, "{with:?}");
    assert!(with[0].starts_with("\n- I am currently in "), "{}", with[0]);
    let migration = json("--category migration");
    assert!((1..=7).contains(&person(&migration).len()));
    assert_eq!(migration["missing"], 0);
    let all = json("--demonstrations 1000");
    assert_eq!(all["missing"].as_u64().unwrap(), 1000 - person(&all).len() as u64);
}

#[test]
fn a_probe_is_asked_with_its_polar_candidates() {
    let probe = json("--question Q121 --split 1 --refined --method label");
    let question = Catalogue::builtin()
        .unwrap()
        .questions
        .iter()
        .find(|q| q.id.as_str() == "Q121")
        .unwrap();
    assert_eq!(probe["questions"], serde_json::json!(["Q121"]));
    assert_eq!(probe["continuations"].as_array().unwrap().len(), question.polar.len());
    assert!(probe["labels"][0].as_u64().unwrap() < question.polar.len() as u64);
    let last = &question.polar.last().unwrap().text[1..];
    assert!(probe["probe"].as_str().unwrap().contains(last));
}

#[test]
fn what_is_not_there_is_named_with_a_remedy() {
    for (options, says, hint) in [
        (
            "--respondent nobody",
            "nobody in the file has the id `nobody`",
            "the file has 3 respondents, the first being",
        ),
        (
            "--category hobbies",
            "`hobbies` is not the name of one category",
            "the categories are: Social Values",
        ),
        (
            "--category political",
            "`political` is not the name of one category",
            "Political Culture",
        ),
        (
            "--question Q4 --split 1",
            "Q4 is not a probe of",
            "the probes that this person answered are Q",
        ),
        ("--style chat", "no model is given", "give --model a checkpoint"),
        (
            "--prompt /nowhere/prompt.txt",
            "/nowhere/prompt.txt cannot be read",
            "give --prompt the path",
        ),
    ] {
        // A second --respondent would be a usage error, so the unknown one takes the known one's place.
        let output = match options.strip_prefix("--respondent ") {
            None => show(options),
            Some(id) => {
                let file = FILE.1.to_str().unwrap();
                let mut command = Command::cargo_bin("indieval").unwrap();
                command.args(["show", file, "--respondent", id]).output().unwrap()
            }
        };
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{options}: {errors}");
        assert!(output.stdout.is_empty());
        assert!(errors.contains(says) && errors.contains(hint), "{options}: {errors}");
    }
    assert_eq!(show("--split 4").status.code(), Some(2));
}

#[test]
fn a_template_of_ones_own_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.txt");
    std::fs::write(&path, "They say:\n* {{ statements }}.\nand: {{ candidate }}.\n").unwrap();
    let shown = json(&format!("--demonstrations 2 --prompt {}", path.display()));
    assert_eq!(shown["shared"], "They say:");
    assert!(
        person(&shown)
            .iter()
            .all(|line| line.starts_with("\n* ") && line.ends_with('.'))
    );
    assert_eq!(shown["probe"], "\nand:");
    let first = shown["continuations"][0].as_str().unwrap();
    assert!(first.starts_with(' ') && first.ends_with('.'));
}

#[test]
fn a_model_with_a_chat_template_is_shown_its_own_turns() {
    let golden = "tests/golden/qwen3-tied-f32";
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let template = "{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}[/]{% endfor %}[assistant]";
    std::fs::write(folder.path().join("chat_template.jinja"), template).unwrap();
    let model = folder.path().to_str().unwrap();

    let plain = text("--demonstrations 3 --method label");
    let message = plain.strip_suffix("\nAnswer:").unwrap();
    let chat = text(&format!("--demonstrations 3 --method label --model {model}"));
    assert_eq!(chat, format!("[user]{message}[/][assistant]Answer:"));
    let styled = |options: &str| text(&format!("--demonstrations 3 {options} --model {model}"));
    assert_eq!(styled("--method label --style plain"), plain);
    assert_eq!(styled("--style plain"), text("--demonstrations 3"));
    assert_eq!(
        styled(""),
        styled("--style chat"),
        "every method's prompt is a turn, as in a run"
    );
    assert!(styled("").ends_with("[/][assistant]-"));

    let without = show(&format!("--style chat --model {golden}"));
    let errors = String::from_utf8(without.stderr).unwrap();
    assert!(errors.contains("qwen3-tied-f32 has no chat template"), "{errors}");
}

#[test]
fn no_candidate_begins_another_of_its_question() {
    // So nothing needs to be scored behind a candidate (prompts/README.md).
    for question in &Catalogue::builtin().unwrap().questions {
        for (i, a) in question.polar.iter().enumerate() {
            for (j, b) in question.polar.iter().enumerate() {
                assert!(
                    i == j || !b.text.starts_with(&a.text),
                    "{}: `{}`, `{}`",
                    question.id,
                    a.text,
                    b.text
                );
            }
        }
    }
}
