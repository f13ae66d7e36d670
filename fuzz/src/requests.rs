//! Lines of `score` and `generate`.

use std::sync::Arc;

use indieval::model::{self, OpenModel, OpenOptions, source::Silent};
use indieval::prompt::{ChatSpec, ChatTemplate};
use indieval::requests::{
    Files, Generate, GenerateOptions, Identity, OnError, RequestEvent, RequestObserver, Score, ScoreOptions, Task,
    Truncate, serve,
};
use serde_json::Value;

use crate::Run;
use crate::scratch::{Scratch, choose};

/// Memory of the fake model: some thousand tokens.
const ROOM: u64 = 1 << 18;

/// A template as many models have it.
const TEMPLATE: &str = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}<|assistant|>";

struct Deaf;

impl RequestObserver for Deaf {
    fn event(&mut self, _: RequestEvent<'_>) {}
}

fn fake() -> OpenModel {
    let options = OpenOptions {
        memory: Some(ROOM),
        ..OpenOptions::default()
    };
    model::open("fake:1", &options, &mut Silent).expect("the fake model")
}

/// Lines of pairs and texts to score.
pub fn score() -> Run {
    let scratch = Scratch::empty("score");
    let mut opened = fake();
    Box::new(move |input| {
        choose(input, 2, |which, lines| {
            let truncate = [Truncate::Never, Truncate::Left][which];
            let options = ScoreOptions {
                truncate,
                ..ScoreOptions::default()
            };
            let identity = Identity::new("score", &opened, options.settings());
            let mut task = Score::new(opened.model.as_mut(), &opened.tokenizer, options);
            answer(&scratch, lines, &identity, &mut task);
        });
    })
}

/// Lines of prompts and conversations to go on with.
pub fn generate() -> Run {
    let scratch = Scratch::empty("generate");
    let mut opened = fake();
    let tokenizer = Arc::new(model::Tokenizer::bytes());
    let template = ChatTemplate::new(TEMPLATE, "", "", ChatSpec::default()).expect("a template");
    Box::new(move |input| {
        choose(input, 2, |which, lines| {
            let mut options = GenerateOptions {
                truncate: [Truncate::Never, Truncate::Left][which],
                ..GenerateOptions::default()
            };
            options.sampling.max_tokens = 4;
            let identity = Identity::new("generate", &opened, options.settings());
            let template = Some(template.clone());
            let mut task = Generate::new(opened.model.as_mut(), Arc::clone(&tokenizer), template, options);
            answer(&scratch, lines, &identity, &mut task);
        });
    })
}

/// Answers all lines; every line that is not blank comes out again, as an object.
fn answer(scratch: &Scratch, lines: &[u8], identity: &Identity, task: &mut impl Task) {
    scratch.write("in.jsonl", lines);
    scratch.remove("out.jsonl");
    let files = Files {
        input: scratch.path("in.jsonl"),
        out: scratch.path("out.jsonl"),
    };
    match serve(&files, OnError::Record, identity, task, &mut Deaf) {
        Ok(standing) => {
            let answers = scratch.read("out.jsonl");
            let mut count = 0;
            for line in answers.split_inclusive(|&byte| byte == b'\n') {
                let answer: Value = serde_json::from_slice(line).expect("an answer is JSON");
                assert!(answer.is_object());
                count += 1;
            }
            assert_eq!(count, standing.answered + standing.failed);
        }
        Err(error) => drop(error.to_string()),
    }
}
