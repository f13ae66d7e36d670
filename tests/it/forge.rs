//! Runs that are changed behind the program's back, clumsily or with every check made anew.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The files of lines: records first.
pub const FILES: [&str; 4] = [
    "records.jsonl",
    "evidence-likelihood.jsonl",
    "evidence-label.jsonl",
    "evidence-generation.jsonl",
];

/// A run's files, to be changed and written back.
pub struct Forged {
    folder: PathBuf,
    /// The bytes as they were, to be put back.
    before: Vec<(PathBuf, Vec<u8>)>,
}

impl Forged {
    /// The run in this folder.
    pub fn new(folder: &Path) -> Self {
        let before = std::fs::read_dir(folder).expect("a folder").filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let kept = path.is_file().then(|| std::fs::read(&path).expect("a file"));
            kept.map(|bytes| (path, bytes))
        });
        Self {
            folder: folder.to_owned(),
            before: before.collect(),
        }
    }

    /// Puts everything back.
    pub fn restore(&self) {
        for (path, bytes) in &self.before {
            std::fs::write(path, bytes).expect("writes");
        }
    }

    /// Replaces the first `from` of run.json and makes every check anew.
    pub fn run(&self, from: &str, to: &str) {
        let path = self.folder.join("run.json");
        let text = std::fs::read_to_string(&path).expect("a run");
        assert!(text.contains(from), "{from} is not in {text}");
        let changed = text.replacen(from, to, 1);
        let (object, _) = changed.split_once(",\n  \"check\"").expect("a check");
        let check = check_of(object.as_bytes());
        std::fs::write(&path, format!("{object},\n  \"check\": \"{check}\"\n}}\n")).expect("writes");
        self.seal();
    }

    /// Changes people.json, and what run.json says of it.
    pub fn people(&self, change: impl Fn(&mut Value)) {
        let path = self.folder.join("people.json");
        let before = std::fs::read(&path).expect("people");
        let mut people: Value = serde_json::from_slice(&before).expect("JSON");
        change(&mut people);
        std::fs::write(&path, people.to_string()).expect("writes");
        self.run(&sha256(&before), &sha256(people.to_string().as_bytes()));
    }

    /// The lines of a file.
    pub fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes lines as they are.
    pub fn write(&self, file: &str, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(self.folder.join(file), text).expect("writes");
    }

    /// Changes the first record that `change` takes, makes every check anew, and returns its line from 1. `change` is
    /// given the record and its evidence.
    pub fn record(&self, change: impl Fn(&mut Value, &mut Value) -> bool) -> usize {
        let mut records = self.values("records.jsonl");
        let mut evidence = FILES[1..].iter().map(|file| self.values(file)).collect::<Vec<_>>();
        let mut next = [0; 3];
        for (at, record) in records.iter_mut().enumerate() {
            let due = evidence.iter().zip(next).map(|(values, next)| values.get(next));
            let kind = kind_of(record, due);
            let proof = &mut evidence[kind][next[kind]];
            next[kind] += 1;
            if change(record, proof) {
                self.write(
                    "records.jsonl",
                    &records.iter().map(Value::to_string).collect::<Vec<_>>(),
                );
                for (file, values) in FILES[1..].iter().zip(&evidence) {
                    self.write(file, &values.iter().map(Value::to_string).collect::<Vec<_>>());
                }
                self.seal();
                return at + 1;
            }
        }
        panic!("no record to change");
    }

    fn values(&self, file: &str) -> Vec<Value> {
        let value = |line: &String| serde_json::from_str(line).expect("JSON");
        self.lines(file).iter().map(value).collect()
    }

    /// Makes the checks of all lines anew, as docs/formats.md says how.
    pub fn seal(&self) {
        let run: Value =
            serde_json::from_slice(&std::fs::read(self.folder.join("run.json")).expect("a run")).expect("JSON");
        let start = run["check"].as_str().expect("a check").to_owned();
        let mut evidence = Vec::new();
        for file in &FILES[1..] {
            let mut last = start.clone();
            let mut sealed = Vec::new();
            for value in self.values(file) {
                let value = seal(value, &[&last]);
                value["check"].as_str().expect("a check").clone_into(&mut last);
                sealed.push(value);
            }
            self.write(file, &sealed.iter().map(Value::to_string).collect::<Vec<_>>());
            evidence.push(sealed.into_iter().peekable());
        }
        let mut last = start;
        let mut records = Vec::new();
        for record in self.values("records.jsonl") {
            let kind = kind_of(&record, evidence.iter_mut().map(|values| values.peek()));
            let proof = evidence[kind].next().expect("evidence");
            let record = seal(record, &[&last, proof["check"].as_str().expect("a check")]);
            record["check"].as_str().expect("a check").clone_into(&mut last);
            records.push(record.to_string());
        }
        self.write("records.jsonl", &records);
    }
}

/// Which of the files of evidence has a record's: of what is next in each of them, the one with its id.
fn kind_of<'a>(record: &Value, mut due: impl Iterator<Item = Option<&'a Value>>) -> usize {
    let found = due.position(|value| value.is_some_and(|value| value["id"] == record["id"]));
    found.expect("evidence")
}

fn seal(mut value: Value, before: &[&str]) -> Value {
    let fields = value.as_object_mut().expect("an object");
    fields.shift_remove("check");
    let text = value.to_string();
    let mut digest = Sha256::new();
    before.iter().for_each(|check| digest.update(check));
    digest.update(text.strip_suffix('}').expect("an object"));
    let check = first_digits(digest);
    value["check"] = check.into();
    value
}

fn check_of(text: &[u8]) -> String {
    let mut digest = Sha256::new();
    digest.update(text);
    first_digits(digest)
}

fn first_digits(digest: Sha256) -> String {
    digest.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn sha256(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
