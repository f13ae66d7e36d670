//! An invented run, so that reports can be looked at and tested without a model or a survey. Everything in it is
//! synthetic and says so.

use std::collections::BTreeMap;
use std::path::Path;

use indieval::metrics::{
    BaselineRow, BaselineTable, DimensionOrder, ModelInfo, Person, QuestionInfo, RunData, RunHeader,
};
use indieval::model::{Backend, DeviceId, Dtype, Family, Finish, ModelIdentity, QuantizedWeights, Speaker};
use indieval::run::{Header, Journal, Note, PeopleFile, SessionEvent, Spec};
use indieval::scoring::parser::read_paper;
use indieval::scoring::{
    CandidateScore, Condition, Control, Evidence, EvidenceKind, Method, Outcome, Permutation, Reading, Try,
};
use indieval::survey::{Form, QuestionId};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Category name, first question, number of questions that are ever probed, candidates of each of them, accuracy that
/// a good model would reach.
const CATEGORIES: [(&str, u16, usize, [usize; 3], f64); 13] = [
    ("Social Values, Attitudes & Stereotypes", 1, 9, [2, 2, 2], 0.62),
    ("Happiness and Well-Being", 46, 9, [2, 2, 2], 0.78),
    (
        "Social Capital, Trust & Organizational Membership",
        57,
        9,
        [2, 2, 2],
        0.68,
    ),
    ("Economic Values", 106, 6, [2, 2, 2], 0.56),
    ("Corruption", 112, 9, [2, 2, 3], 0.57),
    ("Migration", 121, 9, [3, 3, 3], 0.46),
    ("Security", 131, 9, [2, 2, 2], 0.72),
    ("Postmaterialist Index", 152, 6, [4, 4, 4], 0.34),
    ("Science & Technology", 158, 6, [2, 2, 2], 0.63),
    ("Religious Values", 164, 9, [2, 2, 3], 0.66),
    ("Ethical Values and Norms", 176, 9, [2, 2, 2], 0.76),
    ("Political Interest & Political Participation", 199, 9, [3, 3, 2], 0.50),
    ("Political Culture & Political Regimes", 235, 9, [2, 2, 2], 0.64),
];

/// Dimensions with their groups.
const DIMENSIONS: [(&str, &[&str]); 16] = [
    ("Sex", &["male", "female"]),
    (
        "Age",
        &["16 to 24", "25 to 34", "35 to 44", "45 to 54", "55 to 64", "65 or more"],
    ),
    (
        "Continent",
        &["Africa", "Asia", "Europe", "North America", "Oceania", "South America"],
    ),
    (
        "Country",
        &[
            "Andorra",
            "Brazil",
            "Canada",
            "Egypt",
            "Germany",
            "India",
            "Japan",
            "Kenya",
            "New Zealand",
            "Peru",
        ],
    ),
    ("Education", &["lower", "middle", "higher"]),
    (
        "Employment",
        &[
            "full time",
            "part time",
            "self-employed",
            "retired",
            "at home",
            "student",
            "unemployed",
        ],
    ),
    ("Sector", &["public", "private business", "private non-profit"]),
    (
        "Occupation",
        &[
            "never had a job",
            "professional",
            "clerical",
            "sales",
            "service",
            "skilled worker",
            "farm worker",
        ],
    ),
    (
        "Social class",
        &["upper", "upper middle", "lower middle", "working", "lower"],
    ),
    ("Income", &["lower half", "upper half"]),
    ("Savings", &["saved money", "just got by", "spent savings", "borrowed"]),
    (
        "Religion",
        &[
            "none",
            "Buddhist",
            "Hindu",
            "Jew",
            "Muslim",
            "Orthodox",
            "Protestant",
            "Roman Catholic",
        ],
    ),
    (
        "Marital status",
        &[
            "married",
            "living together",
            "divorced",
            "separated",
            "widowed",
            "single",
        ],
    ),
    ("Immigration status", &["born here", "immigrant"]),
    ("Citizenship", &["citizen", "not a citizen"]),
    ("Household language", &["survey language", "another"]),
];

/// What the invented run contains.
pub struct Plan {
    pub name: &'static str,
    pub model: &'static str,
    pub people: usize,
    pub seed: u64,
    /// Added to every accuracy.
    pub skill: f64,
    pub conditions: Vec<Condition>,
    pub synthetic: bool,
}

/// One condition of the person's own demonstrations.
pub fn condition(method: Method, demonstrations: usize) -> Condition {
    Condition {
        method,
        demonstrations,
        form: Form::Polar,
        demographics: false,
        category: None,
        control: Control::Own,
    }
}

/// Conditions that fill every section of a report.
pub fn every_section() -> Vec<Condition> {
    let mut conditions: Vec<Condition> = [0, 50, 100, 200].map(|n| condition(Method::Likelihood, n)).to_vec();
    conditions.extend([0, 50, 100, 200].map(|n| Condition {
        demographics: true,
        ..condition(Method::Likelihood, n)
    }));
    conditions.extend([Method::Label, Method::Generation, Method::GenerationPaper].map(|m| condition(m, 200)));
    conditions.extend([Control::Random, Control::SameCountry].map(|c| Condition {
        control: c,
        ..condition(Method::Likelihood, 200)
    }));
    let restricted = |c: &(&str, u16, usize, [usize; 3], f64)| Condition {
        category: Some(c.0.to_owned()),
        ..condition(Method::Likelihood, 200)
    };
    conditions.extend(CATEGORIES.iter().map(restricted));
    conditions
}

fn unit(generator: &mut ChaCha8Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

fn pick(generator: &mut ChaCha8Rng, bound: usize) -> usize {
    ((unit(generator) * bound as f64) as usize).min(bound - 1)
}

/// The run of a plan.
pub fn run(plan: &Plan) -> RunData {
    // People, their groups and their answers depend on this seed alone, so that two plans are on the same probes.
    let mut world = ChaCha8Rng::seed_from_u64(7);
    let mut models = ChaCha8Rng::seed_from_u64(plan.seed);
    let mut people = Vec::new();
    let mut ease = Vec::new();
    for number in 0..plan.people {
        let groups: BTreeMap<String, String> = DIMENSIONS
            .iter()
            .filter(|(name, _)| *name != "Savings" || number % 5 > 0)
            .map(|(name, groups)| ((*name).to_owned(), groups[pick(&mut world, groups.len())].to_owned()))
            .collect();
        ease.push(0.12 * (unit(&mut world) - 0.5) + if groups["Continent"] == "Europe" { 0.06 } else { 0.0 });
        people.push(Person {
            id: format!("S{number:05}"),
            groups,
            weight: None,
        });
    }
    let mut outcomes = Vec::new();
    let mut baselines = BaselineTable::default();
    for (person, ease) in people.iter().zip(&ease) {
        for split in 0..3usize {
            for (name, first, questions, candidates, reach) in &CATEGORIES {
                for i in 0..3 {
                    let at = (3 * split + i) % questions;
                    let question = QuestionId::number(first + at as u16);
                    let candidates = candidates[at % 3];
                    let chance = 1.0 / candidates as f64;
                    let label = pick(&mut world, candidates);
                    // Methods are alike in what is hard for them: half of their luck is the probe's own.
                    let shared = unit(&mut world);
                    let draw = |generator: &mut ChaCha8Rng, p: f64| {
                        let luck = if unit(generator) < 0.5 { shared } else { unit(generator) };
                        if luck < p {
                            label
                        } else {
                            (label + 1 + pick(generator, candidates - 1)) % candidates
                        }
                    };
                    let near = draw(&mut world, chance + 0.85 * (reach - chance) + ease);
                    baselines.push(&BaselineRow {
                        respondent: person.id.clone(),
                        split: split as u8 + 1,
                        question,
                        majority: Some(draw(&mut world, chance + 0.6 * (reach - chance))),
                        near_tie: false,
                        resemblance: BTreeMap::from([
                            (1, draw(&mut world, chance + 0.4 * (reach - chance))),
                            (9, near),
                        ]),
                        naive_bayes: None,
                    });
                    for condition in &plan.conditions {
                        if condition.category.is_some() && split > 0 {
                            continue;
                        }
                        let knows = knowledge(condition, name);
                        let p = (chance + (reach + plan.skill - chance) * knows + ease).clamp(0.02, 0.98);
                        let choice = draw(&mut models, p);
                        outcomes.push(outcome(
                            person,
                            split,
                            question,
                            condition,
                            candidates,
                            label,
                            choice,
                            &mut models,
                        ));
                    }
                }
            }
        }
    }
    as_recorded(&mut outcomes, &people, &plan.conditions);
    let header = RunHeader {
        run_id: String::new(),
        model: ModelInfo {
            name: plan.model.to_owned(),
            family: "llama".into(),
            parameters: 134_515_008,
            dtype: "bf16".into(),
            device: "cpu".into(),
            kernels: "AVX-512 bf16".into(),
        },
        spec: spec(plan).to_toml().expect("a spec is TOML"),
        hashes: ["weights", "tokenizer", "catalogue", "survey", "prompt_likelihood"]
            .map(|name| {
                (
                    name.to_owned(),
                    format!("{:064x}", (name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                )
            })
            .into(),
        version: "0.1.0".into(),
        machine: "an invented processor, 2 threads, Linux".into(),
        started: "2026-01-01T08:00:00Z".into(),
        finished: Some("2026-01-01T08:12:34Z".into()),
        planned: Some(outcomes.len()),
        tokens: 1_234_567,
        tokens_unshared: 70_765_432,
        seconds: 754.0,
        sessions: 1,
        killed: 0,
        uncounted: 0,
        mixed: Vec::new(),
        synthetic: plan.synthetic,
        survey: "synthetic-respondents.csv".into(),
        catalogue: "indieval".into(),
        published: Vec::new(),
    };
    RunData {
        name: plan.name.to_owned(),
        header,
        outcomes,
        people,
        dimensions: DIMENSIONS
            .iter()
            .map(|(name, groups)| DimensionOrder {
                name: (*name).to_owned(),
                groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            })
            .collect(),
        questions: CATEGORIES
            .iter()
            .enumerate()
            .flat_map(|(category, (_, first, questions, candidates, _))| {
                (0..*questions).map(move |at| QuestionInfo {
                    id: QuestionId::number(first + at as u16),
                    category,
                    candidates: (0..candidates[at % 3])
                        .map(|c| statement(first + at as u16, c))
                        .collect(),
                    values: Vec::new(),
                })
            })
            .collect(),
        categories: CATEGORIES.iter().map(|c| c.0.to_owned()).collect(),
        baselines,
        second_answers: Vec::new(),
    }
}

/// The share of what can be known that a condition knows.
fn knowledge(condition: &Condition, category: &str) -> f64 {
    let definition = condition.method.definition();
    let method = match definition.evidence() {
        EvidenceKind::Likelihood => 0.9,
        EvidenceKind::Label => 0.75,
        EvidenceKind::Generation if definition.asks_all_at_once() => 0.7,
        EvidenceKind::Generation => 0.8,
    };
    let shown = 1.0 - (-(condition.demonstrations as f64) / 60.0).exp();
    let who = match condition.control {
        Control::Own => 1.0,
        Control::SameCountry => 0.55,
        Control::Random => 0.35,
        Control::None => 0.0,
    };
    let restricted = match &condition.category {
        None => 1.0,
        Some(only) if only == category => 0.95,
        Some(only) => 0.2 + 0.5 * ((only.len() * 7 + category.len() * 13) % 10) as f64 / 10.0,
    };
    method * (0.25 + if condition.demographics { 0.25 } else { 0.0 } + 0.6 * shown * who * restricted).min(1.05)
}

#[allow(clippy::too_many_arguments)]
fn outcome(
    person: &Person,
    split: usize,
    question: QuestionId,
    condition: &Condition,
    candidates: usize,
    label: usize,
    choice: usize,
    generator: &mut ChaCha8Rng,
) -> Outcome {
    let mut prediction = Some(choice);
    let definition = condition.method.definition();
    let alone = !definition.asks_all_at_once();
    let evidence = match definition.evidence() {
        EvidenceKind::Likelihood => Evidence::Likelihood {
            scores: scores(question, candidates, choice, generator),
        },
        EvidenceKind::Label => {
            let lead = 0.2 + 2.0 * unit(generator);
            let raw: Vec<f64> = (0..candidates).map(|c| if c == choice { lead } else { 0.0 }).collect();
            let sum = raw.iter().map(|r| r.exp()).sum::<f64>().ln();
            let logprobs: Vec<f64> = raw.iter().map(|r| r - sum - 0.05).collect();
            let permutations = vec![Permutation {
                order: (0..candidates).collect(),
                logprobs: logprobs.clone(),
            }];
            Evidence::Label {
                invalid_mass: 1.0 - logprobs.iter().map(|logprob| logprob.exp()).sum::<f64>(),
                logprobs,
                permutations,
            }
        }
        EvidenceKind::Generation => {
            let reading = match unit(generator) {
                x if x < 0.01 => Reading::Unparsed,
                x if x < 0.02 => Reading::OutOfRange,
                x if x < 0.03 && !alone => Reading::Missing,
                _ => Reading::Choice,
            };
            prediction = prediction.filter(|_| reading == Reading::Choice);
            let text = match prediction {
                Some(chosen) => char::from(b'A' + chosen as u8).to_string(),
                None if reading == Reading::OutOfRange => "H".to_owned(),
                None => "no answer at all".to_owned(),
            };
            let one = Try {
                order: (0..candidates).filter(|_| alone).collect(),
                choice: prediction.filter(|_| alone),
                thoughts: None,
                text,
                tokens: vec![33],
                logprobs: vec![-0.4],
                invalid_mass: None,
                finish: Finish::Stop,
                temperature: 0.0,
                seed: 0,
            };
            let tries = if reading == Reading::Choice { 1 } else { 3 };
            Evidence::Generation {
                reading,
                tries: vec![one; tries],
            }
        }
    };
    Outcome {
        respondent: person.id.clone(),
        split: split as u8 + 1,
        question,
        condition: condition.clone(),
        candidates,
        label,
        prediction,
        context_tokens: 150 + 16 * condition.demonstrations,
        shown: condition
            .category
            .as_ref()
            .map_or(condition.demonstrations, |c| c.len() % 40 + 3),
        evidence,
    }
}

/// Number of a question of the World Values Survey.
pub fn number(question: QuestionId) -> u16 {
    question.as_str()[1..].parse().expect("Q and a number")
}

/// An invented statement.
fn statement(question: u16, candidate: usize) -> String {
    let ending = ["it is", "it is not", "it may well be", "it never was"][candidate % 4];
    format!("What question {question} asks: I would say that {ending}")
}

/// Brings outcomes into the order in which a run records them, and gives the paper's prompt its one answer to all probes
/// of a person and split.
fn as_recorded(outcomes: &mut [Outcome], people: &[Person], conditions: &[Condition]) {
    let place = |outcome: &Outcome| {
        let person = people.iter().position(|person| person.id == outcome.respondent);
        let condition = conditions.iter().position(|condition| *condition == outcome.condition);
        (person, outcome.split, condition)
    };
    outcomes.sort_by_cached_key(place);
    for asked in outcomes.chunk_by_mut(|a, b| place(a) == place(b)) {
        if !asked[0].condition.method.definition().asks_all_at_once() {
            continue;
        }
        let mut all = Vec::new();
        for (number, outcome) in asked.iter_mut().enumerate() {
            let Evidence::Generation { reading, tries } = &mut outcome.evidence else {
                continue;
            };
            let group = number + 1;
            let chosen = outcome.prediction.map_or(9, |chosen| chosen + 1);
            match reading {
                Reading::Choice | Reading::OutOfRange => all.push(format!("\"NSG{group}\": \"NSG{group}_s{chosen}\"")),
                Reading::Unparsed => all.push(format!("\"NSG{group}\": \"?\"")),
                Reading::Missing | Reading::Failed => {}
            }
            if number > 0 {
                tries.clear();
            }
        }
        let text = format!("{{{}}}", all.join(", "));
        if let Evidence::Generation { tries, .. } = &mut asked[0].evidence {
            tries.iter_mut().for_each(|told| told.text.clone_from(&text));
        }
        // How the answer is read is for the reader to say.
        let texts = asked.iter().map(|outcome| {
            let candidates = 0..outcome.candidates;
            candidates.map(|at| statement(number(outcome.question), at)).collect()
        });
        let texts: Vec<Vec<String>> = texts.collect();
        let groups: Vec<Vec<&str>> = texts
            .iter()
            .map(|group| group.iter().map(String::as_str).collect())
            .collect();
        let groups: Vec<&[&str]> = groups.iter().map(Vec::as_slice).collect();
        for (outcome, read) in asked.iter_mut().zip(read_paper(&text, &groups)) {
            outcome.prediction = read.prediction();
            if let Evidence::Generation { reading, .. } = &mut outcome.evidence {
                *reading = read.reading();
            }
        }
    }
}

/// Token logprobs whose sums are highest for the choice.
fn scores(question: QuestionId, candidates: usize, choice: usize, generator: &mut ChaCha8Rng) -> Vec<CandidateScore> {
    let best = -8.0 - 10.0 * unit(generator);
    (0..candidates)
        .map(|candidate| {
            let behind = if candidate == choice {
                0.0
            } else {
                0.05 + 1.6 * unit(generator)
            };
            let tokens = 8 + pick(generator, 5);
            let each = ((best - behind) / tokens as f64) as f32;
            CandidateScore {
                tokens: (0..tokens as u32).collect(),
                logprobs: vec![each; tokens],
                unconditional: Some(vec![each - 0.3 - 0.15 * unit(generator) as f32; tokens]),
                chars: statement(number(question), candidate).len(),
                bytes: statement(number(question), candidate).len(),
            }
        })
        .collect()
}

fn spec(plan: &Plan) -> Spec {
    let mut spec = Spec {
        title: "An invented run for tests of the report".into(),
        ..Spec::default()
    };
    spec.model.id = plan.model.to_owned();
    spec
}

/// Writes a run as the program keeps it, so that commands can be tested on it.
pub fn write(folder: &Path, plan: &Plan) -> RunData {
    let data = run(plan);
    let model = ModelIdentity {
        name: plan.model.to_owned(),
        family: Speaker::Decoder(Family::Llama),
        parameters: 134_515_008,
        dtype: Dtype::Bf16,
        weights: QuantizedWeights::Dequantize,
        device: DeviceId::Cpu,
        backend: Some(Backend::Avx512),
        context: 8192,
    };
    let spec = spec(plan);
    let context = PeopleFile {
        synthetic: plan.synthetic,
        survey: data.header.survey.clone(),
        catalogue: data.header.catalogue.clone(),
        categories: data.categories.clone(),
        questions: data.questions.clone(),
        dimensions: data.dimensions.clone(),
        people: data.people.clone(),
        baselines: data.baselines.clone(),
        second_answers: Vec::new(),
        published: Vec::new(),
    };
    let hashes = data.header.hashes.clone();
    let counts = (plan.people, data.outcomes.len());
    let header = Header::new(&spec, &model, hashes, &plan.conditions, counts, plan.synthetic).expect("a header");
    let (mut journal, _) = Journal::open(folder, &header, || context, &mut |_| {}).expect("a new journal");
    for outcome in &data.outcomes {
        journal.append(outcome).expect("room on the disk");
    }
    let started = Note {
        session: 1,
        event: SessionEvent::Started,
        time: data.header.started.clone(),
        program: data.header.version.clone(),
        machine: data.header.machine.clone(),
        device: "cpu".into(),
        batch_tokens: 20_000,
        batch_seconds: 0.0,
        recorded: 0,
        seconds: 0.0,
        tokens: 0,
        tokens_unshared: 0,
    };
    let complete = Note {
        event: SessionEvent::Complete,
        time: data.header.finished.clone().unwrap_or_default(),
        recorded: data.outcomes.len(),
        seconds: data.header.seconds,
        tokens: data.header.tokens,
        tokens_unshared: data.header.tokens_unshared,
        ..started.clone()
    };
    for note in [started, complete] {
        indieval::run::append_note(folder, &note).expect("room on the disk");
    }
    data
}
