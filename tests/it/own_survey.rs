//! Surveys of one's own: a definition from the file to the report, and that the built-in survey is what it was.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

use crate::run::{finish, run};

/// Six answers to 25 items of five traits, in the shape of psych::bfi, made by a formula; columns that are called as the
/// World Values Survey calls sex, household and religion; second answers; weights.
fn table(people: usize) -> String {
    let mut text = String::from("pid");
    for name in items() {
        write!(text, ",{name}").unwrap();
    }
    text.push_str(",Q260,Q270,Q289,w,education,wave\n");
    for wave in [1, 2] {
        for person in 0..people {
            write!(text, "p{person}").unwrap();
            for at in 0..25 {
                let answer = (person * 7 + at * (person % 5 + 1) + wave * usize::from(at % 6 == 0)) % 6 + 1;
                match (person + at) % 23 {
                    0 => text.push_str(",NA"),
                    _ => write!(text, ",{answer}").unwrap(),
                }
            }
            let (dog, rating) = (["yes", "no"][person % 2], person % 7 + 1);
            let education = ["school", "college"][person % 2];
            writeln!(text, ",{dog},{rating},2,{}.5,{education},{wave}", person % 3).unwrap();
        }
    }
    text
}

fn items() -> impl Iterator<Item = String> {
    ["A", "C", "E", "N", "O"]
        .into_iter()
        .flat_map(|trait_| (1..=5).map(move |n| format!("{trait_}{n}")))
}

fn definition() -> String {
    let mut text = String::from(
        "name = 'Traits'\nwords = 'a questionnaire about personality'\n[person]\nid = 'pid'\nweight = 'w'\ngroup = 'education'\n\
         [retest]\ncolumn = 'wave'\nvalues = [1, 2]\n[probes]\nper_category = 1\nwrap = false\n\
         [scale.accuracy]\nlabels = ['very inaccurate', 'moderately inaccurate', 'slightly inaccurate', 'slightly accurate', \
         'moderately accurate', 'very accurate']\npolar_labels = ['inaccurate', 'accurate']\ntemplate = 'It is {label} that I {text}'\n\
         [[published]]\nname = 'A model of 2025'\nsource = 'a paper'\noverall = 61.5\ncategories = { 'Trait A' = 70.5 }\n\
         [[demographic]]\ncolumn = 'education'\nname = 'Education'\ntemplate = 'I went to {label}'\nlabels = ['school', 'college']\n",
    );
    for item in items() {
        let reverse = if item.ends_with('1') { "reverse = true\n" } else { "" };
        writeln!(
            text,
            "[[question]]\nid = '{item}'\ncategory = 'Trait {}'\ntext = 'agree with {item}'\nscale = 'accuracy'\n{reverse}",
            &item[..1]
        )
        .unwrap();
    }
    text
}

struct Own {
    folder: tempfile::TempDir,
}

/// Writes 30 people and a definition into a folder, and says how to ask them: five probes a split, where real models have less
/// to compute than with the 39 of the World Values Survey.
pub fn small(folder: &Path) -> [String; 4] {
    let [people, survey] = ["people.csv", "survey.toml"].map(|name| folder.join(name));
    std::fs::write(&people, table(30)).unwrap();
    std::fs::write(&survey, definition()).unwrap();
    let [people, survey] = [people, survey].map(|path| path.display().to_string());
    ["--survey".to_owned(), people, "--definition".to_owned(), survey]
}

impl Own {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        small(folder.path());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn indieval(&self, args: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
            .args(args)
            .args(["--definition", "survey.toml"])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn said(&self, args: &[&str]) -> String {
        String::from_utf8(self.indieval(args).stdout).unwrap()
    }

    fn run(&self, out: &str) -> PathBuf {
        let args = own_run(&["--limit", "6", "--demonstrations", "0,10"]);
        let more = [
            "--control",
            "same-country",
            "--demographics",
            "both",
            "--out",
            out,
            "--quiet",
        ];
        self.indieval(&[&args[..], &more[..]].concat());
        self.path(out)
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fake model on the people of an [`Own`], and more.
fn own_run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--model", "fake:3", "--survey", "people.csv"], more].concat()
}

#[test]
fn a_survey_of_ones_own_runs_from_its_definition_to_a_report() {
    let own = Own::new();
    let checked = own.said(&["survey", "check", "people.csv"]);
    assert!(checked.contains("at most 20 demonstrations can be shown"), "{checked}");
    for other_survey in ["survey sample", "by code", "-5"] {
        assert!(!checked.contains(other_survey), "{other_survey}: {checked}");
    }
    let missing = table(30).matches("NA").count();
    let answers = format!(
        "answers to 25 questions: {} given, {missing} missing",
        commas(2 * 30 * 25 - missing)
    );
    assert!(checked.contains(&answers), "{answers}: {checked}");
    assert!(
        !checked.contains("Q288") && !checked.contains("demographic columns"),
        "{checked}"
    );
    let show = [
        "show",
        "people.csv",
        "--respondent",
        "p3",
        "--split",
        "1",
        "--demographics",
        "--demonstrations",
        "3",
    ];
    let shown = own.said(&show);
    assert!(
        shown.contains("took part in a questionnaire about personality."),
        "{shown}"
    );
    assert!(shown.contains("I went to college"), "{shown}");
    // Columns that are called as the World Values Survey calls sex, household and religion say nothing here.
    assert!(
        !shown.contains("male") && !shown.contains("household") && !shown.contains("religio"),
        "{shown}"
    );
    let out = own.run("run");
    let page = read(&out.join("report.html"));
    assert!(!page.contains("GPT-4o"));
    for text in ["A model of 2025", "of others: A model of 2025: a paper", "61.5", "70.5"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("Ordered answers") && page.contains("Second answers and survey weights"));
    let again = read(&out.join("tables/asked-again.csv"));
    assert!(again.lines().count() > 1, "{again}");
    let people: serde_json::Value = serde_json::from_str(&read(&out.join("people.json"))).unwrap();
    assert_eq!(people["catalogue"], "Traits");
    assert_eq!(people["questions"][0]["values"], serde_json::json!([5.0, 2.0]));
    assert_eq!(people["people"][1]["weight"], 1.5);
    let verified = Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(["verify", "run", "-n", "5"])
        .current_dir(own.folder.path())
        .output()
        .unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
}

#[test]
fn compatriots_want_groups_that_stand_for_countries() {
    let own = Own::new();
    std::fs::write(
        own.path("survey.toml"),
        definition().replace("group = 'education'\n", ""),
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(own_run(&["--definition", "survey.toml", "--demonstrations", "5"]))
        .args(["--control", "own,same-country", "--out", "runs/alone"])
        .current_dir(own.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("`same-country` draws within the groups of a survey's `person.group`"),
        "{said}"
    );
    assert!(said.contains("hint: name a [[demographic]] by `group`"), "{said}");
    assert!(!own.path("runs/alone").exists(), "nothing was begun");
}

#[test]
fn other_words_on_the_same_people_are_compared() {
    let own = Own::new();
    own.run("sentences");
    let other = definition().replace("It is {label} that I {text}", "I {text}: {label}.");
    std::fs::write(own.path("survey.toml"), other).unwrap();
    own.run("labels");
    let compared = Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(["compare", "sentences", "labels", "--resamples", "100"])
        .current_dir(own.folder.path())
        .output()
        .unwrap();
    assert!(
        compared.status.success(),
        "{}",
        String::from_utf8_lossy(&compared.stderr)
    );
}

#[test]
fn another_surveys_file_is_answered_with_the_way_to_a_definition() {
    let own = Own::new();
    let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(["survey", "check", "people.csv"])
        .current_dir(own.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("indieval survey define FILE"), "{said}");
    assert!(said.len() < 1000, "{said}");
}

#[test]
fn a_catalogue_of_another_survey_brings_no_demographics_and_no_countries() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalogue = String::new();
    for n in 1..=4 {
        let line = serde_json::json!({
            "question_id": format!("Q{n}"), "question_category": "Food", "is_refined": false,
            "answer_ids": [[-1], [0], [1]], "converted_statements": [format!("less {n}"), format!("same {n}"), format!("more {n}")],
        });
        writeln!(catalogue, "{line}").unwrap();
    }
    std::fs::write(folder.path().join("polar.jsonl"), catalogue).unwrap();
    let mut table = String::from("D_INTERVIEW,Q1,Q2,Q3,Q4,Q260,Q289\n");
    for person in 0..5 {
        writeln!(table, "{person},-1,0,1,-1,2,3").unwrap();
    }
    std::fs::write(folder.path().join("people.csv"), table).unwrap();
    let said = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
            .args(args)
            .args(["--catalogue", "polar.jsonl"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr)
    };
    let shown = said(&[
        "show",
        "people.csv",
        "--respondent",
        "1",
        "--split",
        "1",
        "--demographics",
        "--demonstrations",
        "1",
    ]);
    assert!(!shown.contains("male") && !shown.contains("Q288"), "{shown}");
    // Every -1 is an answer here.
    let stats = said(&["survey", "stats", "people.csv"]);
    assert!(stats.contains("20 valid answers"), "{stats}");
}

/// What version 0.2.0 wrote before surveys had definitions. The run id covers every hash, the model and the spec; records
/// end in checks that cover the name of the program's version, which are left out.
#[test]
fn a_run_on_the_built_in_survey_is_what_it_was_before_definitions() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let more = [
        "--methods",
        "likelihood,label",
        "--demographics",
        "both",
        "--control",
        "same-country",
    ];
    finish(run("fake:7", &out, &more));
    let header: serde_json::Value = serde_json::from_str(&read(&out.join("run.json"))).unwrap();
    assert_eq!(header["run"], "c125e444191b5aa2");
    let hash = |bytes: &[u8]| -> String { Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect() };
    let people = read(&out.join("people.json"));
    assert_eq!(header["people"], hash(people.as_bytes()));
    // Naive Bayes came later.
    let mut people: serde_json::Value = serde_json::from_str(&people).unwrap();
    for row in people["baselines"].as_array_mut().unwrap() {
        assert!(row.as_object_mut().unwrap().shift_remove("naive_bayes").is_some());
    }
    assert_eq!(
        hash(people.to_string().as_bytes()),
        "dc5b189e9fad5d24384e9b32428999973fb2f490a5f31239a7901a1550823c23"
    );
    let mut digest = Sha256::new();
    for line in read(&out.join("records.jsonl")).lines() {
        let end = line.rfind(",\"check\"").expect("a check");
        digest.update(&line[..end]);
        digest.update("\n");
    }
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        found,
        "57b792a1cc630143ebbcf14c3f5d3bd4b4afe4439a4270b7c8427bcfb6a938d8"
    );
}

/// A number below a million as texts have it.
fn commas(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}

#[test]
fn without_a_number_there_are_as_many_demonstrations_as_can_be_shown_and_a_higher_one_is_called_what_it_is() {
    let own = Own::new();
    let planned = |more: &[&str]| {
        let args = own_run(&["--dry-run", "--quiet"]);
        own.said(&[&args[..], more].concat())
    };
    assert!(planned(&[]).contains("likelihood · 20 demonstrations · polar"));
    let asked = planned(&["--demonstrations", "5,200", "--control", "same-country"]);
    for words in [
        "likelihood · 5 demonstrations · polar · no demographics · a same-group stranger's",
        "likelihood · 200 demonstrations (at most 20 shown) · polar",
    ] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    let args = own_run(&["--limit", "4", "--quiet", "--out", "run"]);
    own.indieval(&args);
    assert!(read(&own.path("run/spec.toml")).contains("demonstrations = [20]"));
    let more = [
        "--demonstrations",
        "200",
        "--control",
        "own,same-country",
        "--out",
        "more",
    ];
    own.indieval(&[&args[..args.len() - 2], &more[..]].concat());
    let page = read(&own.path("more/report.html"));
    assert!(
        !page.contains("compatriot") && page.contains("a same-group stranger"),
        "{page}"
    );
    let summary = read(&own.path("more/summary.json"));
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let most = summary["naming"]["most_shown"]["200"].as_u64().unwrap();
    assert!((15..=20).contains(&most));
    let report = Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(["report", "more", "--out", "again"])
        .current_dir(own.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(report.stdout).unwrap();
    assert!(
        said.contains(&format!("200 demonstrations (at most {most} shown)")),
        "{said}"
    );
    let shown = own.indieval(&["show", "people.csv", "--respondent", "p3", "--demonstrations", "200"]);
    let note = String::from_utf8(shown.stderr).unwrap();
    assert!(
        note.contains("p3 has only ") && note.contains(" demonstrations to show, not 200"),
        "{note}"
    );
}

#[test]
fn a_misspelt_name_says_where_it_was_sought_and_what_is_there_the_nearest_first() {
    let own = Own::new();
    let long = "who,item,said,sex\n1,Dogs,yes,f\n1,cats,no,f\n1,cats and dogs,no,f\n2,Dogs,no,m\n2,cats,yes,m\n";
    std::fs::write(own.path("long.csv"), long).unwrap();
    let definition = |question: &str, column: &str| {
        format!(
            "name = 'n'\n[file]\nlayout = 'long'\nquestion = '{column}'\nanswer = 'said'\n[person]\nid = 'who'\n\
             [[question]]\nid = 'cats'\nlabels = ['no', 'yes']\n[[question]]\nid = '{question}'\nlabels = ['no', 'yes']\n"
        )
    };
    let refused = |file: &str, definition: &str| {
        std::fs::write(own.path("survey.toml"), definition).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
            .args(["survey", "check", file, "--definition", "survey.toml"])
            .current_dir(own.folder.path())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused("long.csv", &definition("dogs", "item"));
    for words in [
        "column item: no question `dogs`",
        "the column has `Dogs`, `cats and dogs`, `cats`",
        "is `dogs` meant to be `Dogs`?",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = refused("long.csv", &definition("Dogs", "Item"));
    assert!(
        said.contains("line 1: no column `Item`") && said.contains("the file has `item`, `who`"),
        "{said}"
    );
    let wide = "name = 'n'\n[person]\nid = 'who'\n[[question]]\nid = 'said'\nlabels = ['no', 'yes']\n";
    let said = refused("long.csv", wide);
    assert!(
        said.contains("line 3, column who: `1` is not a new person: line 2 has the same id"),
        "{said}"
    );
    assert!(said.contains("layout = \"long\""), "{said}");
}

#[test]
fn a_list_of_respondents_has_the_columns_that_tell_people_apart() {
    let own = Own::new();
    std::fs::write(own.path("some.csv"), "pid,why\np2,first\np7,second\n").unwrap();
    let args = own_run(&["--dry-run", "--respondents"]);
    let said = String::from_utf8(own.indieval(&[&args[..], &["some.csv"]].concat()).stderr).unwrap();
    assert!(said.contains("2 of 30 respondents"), "{said}");
    std::fs::write(own.path("other.csv"), "person\np2\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(args)
        .args(["other.csv", "--definition", "survey.toml"])
        .current_dir(own.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("no column `pid`") && said.contains("a list of respondents is a CSV file"),
        "{said}"
    );
}

/// The definitions that GUIDE shows whole, in its order.
fn shown_in_the_guide() -> Vec<String> {
    let guide = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("GUIDE.md"));
    let blocks = guide
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    blocks
        .filter(|block| block.contains("[person]"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_the_guide_defines_can_be_asked_with_something_shown() {
    let shown = shown_in_the_guide();
    let [form, long] = &shown[..] else {
        panic!("{} definitions", shown.len());
    };
    let own = Own::new();
    let mut answers = String::from(
        "Timestamp,Department,1. I like my work,2. I am paid fairly,3. I would rather work elsewhere,Which benefits do you \
         use?,Anything else?\n",
    );
    let mut rows = String::from("person,sex,item,response\n");
    for person in 0..12 {
        let agreed =
            |at: usize| ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"][(person + at) % 5];
        let [department, benefits] = [["Sales", "IT", "Production"], ["Gym", "Gym;Lunch", ""]].map(|of| of[person % 3]);
        let [one, two, three] = [0, 1, 3].map(agreed);
        writeln!(answers, "t{person},{department},{one},{two},{three},{benefits},Nothing").unwrap();
        for (at, item) in ["bus.curse", "bus.scold", "train.curse", "train.scold"]
            .iter()
            .enumerate()
        {
            let would = ["no", "perhaps", "yes"][(person + at) % 3];
            writeln!(rows, "{person},{},{item},{would}", ["F", "M"][person % 2]).unwrap();
        }
    }
    for (definition, people, demonstrations) in [(form, answers, 2), (long, rows, 3)] {
        std::fs::write(own.path("survey.toml"), definition).unwrap();
        std::fs::write(own.path("people.csv"), people).unwrap();
        let said = own.said(&["survey", "check", "people.csv"]);
        let most = format!("at most {demonstrations} demonstrations can be shown");
        assert!(said.contains(&most), "{said}");
    }
}
