use super::super::file::{RepeatedIds, SurveyFile};
use super::super::synth::{SyntheticOptions, SyntheticProfile, write_synthetic};
use super::super::types::Catalogue;
use super::super::{IncomeGrouping, RespondentList, write_list};
use super::*;

const PROBES: [usize; 5] = [0, 50, 100, 150, 200];

fn conditions() -> Conditions {
    Conditions {
        probes: PROBES.to_vec(),
        least_answers: 239,
    }
}

fn people(respondents: usize) -> (Respondents, &'static Demographics) {
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let options = SyntheticOptions {
        respondents,
        seed: 21,
        profile: SyntheticProfile::Surveyed,
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    write_synthetic(&options, &file).unwrap();
    let catalogue = Catalogue::builtin().unwrap();
    let read = SurveyFile::read(file.path(), catalogue, demographics, RepeatedIds::KeepAll).unwrap();
    (read.respondents, demographics)
}

fn count(sample: &Sample, dimension: &str, group: &str) -> usize {
    let table = sample
        .balance
        .iter()
        .find(|table| table.dimension == dimension)
        .unwrap();
    table.groups.iter().find(|(name, _)| name == group).unwrap().1
}

#[test]
fn oceania_is_whole_and_the_other_continents_are_equal() {
    let (people, demographics) = people(1_200);
    let options = SampleOptions {
        respondents: 170,
        seed: 1,
    };
    let drawn = sample(&people, demographics, &conditions(), options).unwrap();
    assert_eq!(drawn.respondents.len(), 170);
    let oceania = count(&drawn, "Continent", "Oceania");
    let continent = demographics.index_of("B_COUNTRY_to_continent").unwrap();
    let eligible = (0..people.len())
        .filter(|&person| people.valid_answers(person) >= conditions().least_answers)
        .filter(|&person| {
            PROBES
                .iter()
                .all(|&probe| people.groups(person, Form::Polar)[probe] != MISSING)
        })
        .collect::<Vec<_>>();
    assert_eq!(drawn.eligible, eligible.len());
    let of_oceania = eligible.iter().filter(|&&person| {
        let value = people.demographic(person, continent).unwrap();
        demographics.dimensions[continent].group_name(&value) == Some("Oceania")
    });
    assert_eq!(oceania, of_oceania.count());
    for name in ["Africa", "Asia", "Europe", "North America", "South America"] {
        let found = count(&drawn, "Continent", name);
        let share = (170 - oceania) / 5;
        assert!(found == share || found == share + 1, "{name} {found}");
    }
    assert!(drawn.respondents.iter().all(|person| eligible.contains(person)));
}

#[test]
fn a_seed_names_a_sample() {
    let (people, demographics) = people(1_200);
    let draw = |seed| {
        sample(
            &people,
            demographics,
            &conditions(),
            SampleOptions { respondents: 150, seed },
        )
        .unwrap()
    };
    assert_eq!(draw(4).respondents, draw(4).respondents);
    assert_ne!(draw(4).respondents, draw(5).respondents);
}

#[test]
fn no_limited_religion_gives_a_continent_more_than_eighty_people() {
    let limited = |value| limited(&BuiltinSurvey::get().unwrap().sample, value);
    assert_eq!(limited(Some(DemographicValue::Code(5))), Some("5".to_owned()));
    assert_eq!(limited(Some(DemographicValue::Code(6))), None);
    assert_eq!(
        limited(Some(DemographicValue::Sentence(
            "I belong to the Hindu religion".into()
        ))),
        None
    );
    assert_eq!(limited(None), None);

    // Only Muslims of one Asian country: 80 of them can be drawn, not 81.
    let (_, demographics) = people(1);
    let catalogue = Catalogue::builtin().unwrap();
    let mut same = Respondents::new(catalogue, demographics, true);
    let mut values = vec![1; demographics.dimensions.len()];
    for (id, code) in [("B_COUNTRY", 364), ("B_COUNTRY_to_continent", 364), ("Q289", 5)] {
        values[demographics.index_of(id).unwrap()] = code;
    }
    let groups = vec![0; catalogue.questions.len()];
    for number in 0..300 {
        same.push(format!("synthetic-{number}"), &groups, &groups, &values);
    }
    // One person of each other continent, who answered nothing: the file is of the whole world.
    let nothing = vec![MISSING; catalogue.questions.len()];
    for country in [276, 231, 36, 840, 32] {
        for id in ["B_COUNTRY", "B_COUNTRY_to_continent"] {
            values[demographics.index_of(id).unwrap()] = country;
        }
        same.push(format!("synthetic-of-{country}"), &nothing, &nothing, &values);
    }
    let error = sample(
        &same,
        demographics,
        &conditions(),
        SampleOptions {
            respondents: 500,
            seed: 1,
        },
    )
    .unwrap_err();
    assert!(error.to_string().contains("Asia has 80 of 100"), "{error}");
    assert!(error.to_string().contains("Africa has 0 of 100"), "{error}");
    assert!(error.hint().is_some());
}

/// The same people, as if all of them lived in one country; some questions are not asked there.
fn in_one_country(people: &Respondents, demographics: &Demographics, unasked: &[usize]) -> Respondents {
    let mut national = Respondents::new(Catalogue::builtin().unwrap(), demographics, true);
    for person in 0..people.len() {
        let [refined, polar] = [Form::Refined, Form::Polar].map(|form| {
            let mut groups = people.groups(person, form).to_vec();
            unasked.iter().for_each(|&question| groups[question] = MISSING);
            groups
        });
        let values: Vec<i32> = (0..demographics.dimensions.len())
            .map(|dimension| match demographics.dimensions[dimension].column.as_str() {
                "B_COUNTRY" => 356,
                _ => people
                    .demographic(person, dimension)
                    .map_or(0, |value| value.code().unwrap()),
            })
            .collect();
        national.push(people.id(person).to_owned(), &refined, &polar, &values);
    }
    national
}

#[test]
fn a_country_file_gives_everybody_eligible_up_to_the_number_asked_for() {
    let (people, demographics) = people(300);
    let national = in_one_country(&people, demographics, &[PROBES[1], 7]);
    let draw = |respondents| {
        let options = SampleOptions { respondents, seed: 1 };
        sample(&national, demographics, &conditions(), options).unwrap()
    };
    let all = draw(800);
    assert_eq!(all.rule, SampleRule::Plain);
    assert_eq!(
        all.unasked,
        [PROBES[1]],
        "nobody was asked it, so nobody had to answer it"
    );
    assert_eq!(all.respondents, conditions().eligible(&national));
    assert!(all.eligible > 100, "{}", all.eligible);
    let some = draw(20);
    assert_eq!((some.respondents.len(), some.eligible), (20, all.eligible));
    assert!(some.respondents.iter().all(|person| all.respondents.contains(person)));
}

#[test]
fn where_nobody_meets_the_conditions_it_is_said_which() {
    let (people, demographics) = people(40);
    let most_questions: Vec<usize> = (0..60).collect();
    let national = in_one_country(&people, demographics, &most_questions);
    let options = SampleOptions {
        respondents: 10,
        seed: 1,
    };
    let error = sample(&national, demographics, &conditions(), options)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("nobody answered all 3 probes and 239 questions"),
        "{error}"
    );
}

#[test]
fn too_small_a_sample_for_oceania_is_refused() {
    let (people, demographics) = people(1_200);
    let error = sample(
        &people,
        demographics,
        &conditions(),
        SampleOptions {
            respondents: 3,
            seed: 1,
        },
    )
    .unwrap_err();
    assert!(error.to_string().contains("Oceania"), "{error}");
}

#[test]
fn a_written_list_finds_the_same_people_again() {
    let (people, demographics) = people(30);
    let file = tempfile::NamedTempFile::new().unwrap();
    write_list(&people, demographics, &[4, 2, 9], &file).unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!(
        text.starts_with("SYNTHETIC,D_INTERVIEW,country,continent\nsynthetic,"),
        "{text}"
    );
    let list = RespondentList::read(file.path(), None).unwrap();
    assert_eq!(list.positions(&people).unwrap(), [4, 2, 9]);

    for (text, expected) in [
        (
            "D_INTERVIEW\nsynthetic-00001\nnobody\n",
            "line 3, column D_INTERVIEW: `nobody` is not the id",
        ),
        ("D_INTERVIEW\nsynthetic-00001\nsynthetic-00001\n", "line 3"),
        ("id\n1\n", "missing: D_INTERVIEW"),
        ("D_INTERVIEW\n", "no respondents"),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let read = RespondentList::read(file.path(), None);
        let error = read.and_then(|list| list.positions(&people)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
