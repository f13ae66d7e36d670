use super::*;

mod tables;

use tables::*;

/// The released structure in short: id, number of codes, number of groups; with the codes that version 6 of the survey
/// file added (Q266 to Q268: 120, 462, 9999; Q269: 3; Q279, Q280: 8; Q281, Q282: 11).
const STRUCTURE: [(&str, usize, usize); 31] = [
    ("B_COUNTRY", 92, 92),
    ("B_COUNTRY_to_continent", 92, 6),
    ("Q260", 2, 2),
    ("X003R", 6, 6),
    ("Q263", 2, 2),
    ("Q264", 2, 2),
    ("Q265", 2, 2),
    ("Q266", 163, 163),
    ("Q267", 163, 163),
    ("Q268", 163, 163),
    ("Q269", 3, 3),
    ("Q270", 7, 7),
    ("Q271", 4, 2),
    ("Q272", 162, 162),
    ("Q273", 6, 6),
    ("Q274", 8, 8),
    ("Q275", 9, 9),
    ("Q276", 9, 9),
    ("Q277", 9, 9),
    ("Q278", 9, 9),
    ("Q279", 8, 8),
    ("Q280", 8, 8),
    ("Q281", 12, 12),
    ("Q282", 12, 12),
    ("Q284", 3, 3),
    ("Q285", 2, 2),
    ("Q286", 4, 2),
    ("Q287", 5, 5),
    ("Q288R", 3, 3),
    ("Q289", 10, 10),
    ("Q290", 418, 0),
];

#[test]
fn the_built_in_dimensions_are_those_of_the_paper() {
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    assert_eq!(demographics.dimensions.len(), STRUCTURE.len());
    for (dimension, (id, codes, groups)) in demographics.dimensions.iter().zip(STRUCTURE) {
        assert_eq!(dimension.id, id);
        assert_eq!(dimension.codes().len(), codes, "{id}");
        if groups > 0 {
            assert_eq!(dimension.groups().len(), groups, "{id}");
        }
    }
    assert_eq!(demographics.dimensions.iter().filter(|d| d.report_group).count(), 16);
}

#[test]
fn halves_replace_thirds() {
    let halves = Demographics::builtin(IncomeGrouping::Halves).unwrap();
    let thirds = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    assert_eq!(halves.dimensions.len(), thirds.dimensions.len());
    assert_eq!(halves.index_of("Q288"), thirds.index_of("Q288R"));
    assert_eq!(halves.index_of("Q288R"), None);
    assert_eq!(halves.dimensions.iter().filter(|d| d.report_group).count(), 16);
    assert_ne!(halves.hash, thirds.hash);
}

#[test]
fn sentences_read_as_a_person_speaking() {
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let mut values = vec![None; demographics.dimensions.len()];
    for (id, code) in [
        ("B_COUNTRY", 36),
        ("B_COUNTRY_to_continent", 36),
        ("Q289", 0),
        ("Q274", 1),
        ("Q260", -2),
    ] {
        values[demographics.index_of(id).unwrap()] = Some(DemographicValue::Code(code));
    }
    assert_eq!(
        demographics.sentences(&values),
        [
            "I am currently in Australia",
            "I am currently in Oceania",
            "I have 1 child",
            "I belong to no religion or religious denomination"
        ]
    );
}

#[test]
fn a_ready_sentence_is_kept_and_finds_its_group() {
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let continent = &demographics.dimensions[1];
    let ours = DemographicValue::Sentence("I am currently in Asia".into());
    assert_eq!(continent.group_name(&ours), Some("Asia"));
    let theirs = DemographicValue::Sentence("I live on the Moon".into());
    assert_eq!(continent.sentence(&theirs), Some("I live on the Moon"));
    assert_eq!(continent.group_name(&theirs), Some("I live on the Moon"));
    let worded = DemographicValue::Worded(392, "I live in the Far East".into());
    assert_eq!(continent.sentence(&worded), Some("I live in the Far East"));
    assert_eq!(continent.group_name(&worded), Some("Asia"));
}

#[test]
fn broken_data_is_refused_with_its_place() {
    let one = "[[dimension]]\nid='Q260'\ncolumn='Q260'\nname='Sex'\ntemplate='I am {answer}'\n";
    for (text, expected) in [
        (one.to_owned(), "either `labels` or `answers`"),
        (format!("{one}labels='NONE'\n"), "no table [NONE]"),
        (
            format!("{one}answers=[{{codes=[1],answer='a'}},{{codes=[1],answer='b'}}]\n"),
            "code 1 is in two answers",
        ),
        (format!("{one}answers=[{{codes=[1]}}]\n"), "not a finished sentence"),
    ] {
        let error = parse(&text, LABELS, IncomeGrouping::Thirds).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// A dimension, whichever grouping of incomes has it.
fn dimension(id: &str) -> &'static Dimension {
    IncomeGrouping::ALL
        .into_iter()
        .find_map(|income| {
            let demographics = Demographics::builtin(income).unwrap();
            demographics.index_of(id).map(|at| &demographics.dimensions[at])
        })
        .unwrap()
}

fn sentence(id: &str, code: i32) -> Option<&'static str> {
    let dimension = dimension(id);
    dimension
        .group_of_code(code)
        .map(|at| dimension.groups()[at].sentence.as_str())
}

#[test]
fn the_sentences_of_the_papers_dimensions_are_those_of_its_tables() {
    for (id, template, answers) in TABLES_4_TO_6 {
        let mut expected: Vec<String> = answers.iter().map(|answer| template.replace("{}", answer)).collect();
        expected.extend(OURS.iter().filter(|ours| ours.0 == id).map(|ours| ours.2.to_owned()));
        let found: Vec<&str> = dimension(id)
            .groups()
            .iter()
            .map(|group| group.sentence.as_str())
            .collect();
        assert_eq!(found, expected, "{id}");
    }
    for (id, code, expected) in OURS {
        assert_eq!(sentence(id, code), Some(expected));
    }
    // The others name codes: a template of the paper and a name, but for ethnic groups.
    let open: Vec<&str> = [
        "B_COUNTRY",
        "B_COUNTRY_to_continent",
        "Q266",
        "Q267",
        "Q268",
        "Q272",
        "Q290",
    ]
    .to_vec();
    assert_eq!(
        TABLES_4_TO_6.len() + open.len(),
        STRUCTURE.len() + 1,
        "both groupings of incomes"
    );
    for (id, code, expected) in [
        ("B_COUNTRY", 276, "I am currently in Germany"),
        ("B_COUNTRY_to_continent", 276, "I am currently in Europe"),
        ("Q266", 276, "I was born in Germany"),
        ("Q267", 276, "My mother was born in Germany"),
        ("Q268", 276, "My father was born in Germany"),
        ("Q272", 1530, "I normally speak German at home"),
        ("Q290", 398024, "My ethnic group is German"),
    ] {
        assert_eq!(sentence(id, code), Some(expected));
    }
}

/// Marks of a code list that no sentence may show.
const MARKS: [&str; 14] = [
    ";",
    "/",
    "..",
    ",,",
    "etc",
    " SAR",
    " ROC",
    "Rep.",
    "Other",
    "please",
    "Negro",
    "half-breed",
    "(a)",
    "  ",
];

/// Names that need their article.
const PLURAL: [&str; 12] = [
    "United ",
    "Netherlands",
    "Philippines",
    "Maldives",
    "Bahamas",
    "Gambia",
    "Islands",
    "Czech Republic",
    "Dominican Republic",
    "Falkland",
    "Faroe",
    "German Democratic",
];

/// What a phrase that is no name may begin with.
const PLAIN: [&str; 11] = [
    "the", "a", "another", "one", "that", "not", "more", "mixed", "light", "dark", "brown",
];

/// Dimensions whose codes are names, and what stands before and behind a name.
const NAMED: [(&str, &str, &str); 7] = [
    ("B_COUNTRY", "I am currently in ", ""),
    ("B_COUNTRY_to_continent", "I am currently in ", ""),
    ("Q266", "I was born in ", ""),
    ("Q267", "My mother was born in ", ""),
    ("Q268", "My father was born in ", ""),
    ("Q272", "I normally speak ", " at home"),
    ("Q290", "My ethnic group is ", ""),
];

#[test]
fn every_label_of_every_table_reads_as_a_person_would_say_it() {
    let mut read = 0;
    for (id, front, back) in NAMED {
        for Group { sentence, .. } in dimension(id).groups() {
            let name = sentence.strip_prefix(front).and_then(|rest| rest.strip_suffix(back));
            let name = name.unwrap_or_else(|| panic!("{sentence}"));
            read += 1;
            for mark in MARKS {
                assert!(!name.contains(mark), "`{mark}` in: {sentence}");
            }
            let needed = PLURAL.iter().any(|plural| name.contains(plural));
            assert_eq!(name.starts_with("the "), needed, "{sentence}");
            assert_eq!(name.matches('(').count(), name.matches(')').count(), "{sentence}");
            assert_eq!(name.trim(), name, "{sentence}");
            // A name begins with a capital; what is no name begins with an article or the like.
            let first = name.split([' ', '-']).next().unwrap();
            assert!(
                first.starts_with(char::is_uppercase) || PLAIN.contains(&first),
                "{sentence}"
            );
        }
    }
    assert!(read > 900, "{read} sentences");
}

#[test]
fn names_of_the_code_lists_are_put_into_words() {
    for (id, code, expected) in [
        ("B_COUNTRY", 528, "I am currently in the Netherlands"),
        ("B_COUNTRY", 840, "I am currently in the United States"),
        ("Q272", 1880, "I normally speak Ilocano at home"),
        ("Q272", 9000, "I normally speak another language at home"),
        ("Q290", 20002, "My ethnic group is Black"),
        ("Q290", 434005, "My ethnic group is Arab"),
        ("Q272", 170, "I normally speak Arabic at home"),
        ("Q266", 120, "I was born in Cameroon"),
        ("Q267", 462, "My mother was born in the Maldives"),
        ("Q268", 9999, "My father was born in another country"),
        ("Q290", 826999, "My ethnic group is one that the survey does not list"),
    ] {
        assert_eq!(sentence(id, code), Some(expected));
    }
    // Reports name countries as the survey does.
    let country = dimension("B_COUNTRY");
    assert_eq!(
        country.groups()[country.group_of_code(528).unwrap()].name,
        "Netherlands"
    );
}

#[test]
fn households_and_children_beyond_seven_are_seven_or_more() {
    for code in [7, 8, 12, 40] {
        assert_eq!(
            sentence("Q270", code),
            Some("There are 7 or more people in my household")
        );
        assert_eq!(sentence("Q274", code), Some("I have 7 or more children"));
    }
    for (id, code) in [("Q270", 0), ("Q270", -1), ("Q274", -5), ("Q273", 7), ("Q289", 10)] {
        assert_eq!(sentence(id, code), None, "{id} {code}");
    }
}
