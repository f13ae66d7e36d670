//! The paper's Tables 4 to 6, and what later releases of the survey file added.

/// Every closed dimension of the paper's Tables 4 to 6: its template and what fills it, in the order of codes. Answers
/// that the paper's file did not have stand apart, in `OURS`.
pub(super) const TABLES_4_TO_6: [(&str, &str, &[&str]); 25] = [
    ("Q260", "I am a {}", &["male", "female"]),
    (
        "X003R",
        "I am {} years old",
        &["16-24", "25-34", "35-44", "45-54", "55-64", "65+"],
    ),
    (
        "Q263",
        "{}",
        &["I was born in this country", "I am an immigrant to this country"],
    ),
    (
        "Q264",
        "My mother is {} to this country",
        &["not an immigrant", "an immigrant"],
    ),
    (
        "Q265",
        "My father is {} to this country",
        &["not an immigrant", "an immigrant"],
    ),
    ("Q269", "I am {} of this country", &["a citizen", "not a citizen"]),
    (
        "Q270",
        "There {} in my household",
        &[
            "is 1 person",
            "are 2 people",
            "are 3 people",
            "are 4 people",
            "are 5 people",
            "are 6 people",
            "are 7 or more people",
        ],
    ),
    (
        "Q271",
        "I {} with my parents or parents-in-law",
        &["do not live", "live"],
    ),
    (
        "Q273",
        "I am {}",
        &[
            "married",
            "living together as married",
            "divorced",
            "separated",
            "widowed",
            "single",
        ],
    ),
    (
        "Q274",
        "I have {}",
        &[
            "no child",
            "1 child",
            "2 children",
            "3 children",
            "4 children",
            "5 children",
            "6 children",
            "7 or more children",
        ],
    ),
    (
        "Q275",
        "The highest educational level that I have attained is {}",
        &LEVELS,
    ),
    (
        "Q276",
        "The highest educational level that my spouse or partner has attained is {}",
        &LEVELS,
    ),
    (
        "Q277",
        "The highest educational level that my mother has attained is {}",
        &LEVELS,
    ),
    (
        "Q278",
        "The highest educational level that my father has attained is {}",
        &LEVELS,
    ),
    ("Q279", "I am {}", &EMPLOYMENT),
    ("Q280", "My spouse or partner is {}", &EMPLOYMENT),
    ("Q281", "I have {}", &OCCUPATIONS),
    ("Q282", "My spouse or partner has {}", &OCCUPATIONS),
    (
        "Q284",
        "I am working for or have worked for {}",
        &[
            "government or public institution",
            "private business or industry",
            "private non-profit organization",
        ],
    ),
    (
        "Q285",
        "I am {} in my household",
        &["the chief wage earner", "not the chief wage earner"],
    ),
    (
        "Q286",
        "during the past year, my family {} to save money",
        &["was able", "was not able"],
    ),
    (
        "Q287",
        "I would describe myself as belonging to the {}",
        &[
            "upper class",
            "upper middle class",
            "lower middle class",
            "working class",
            "lower class",
        ],
    ),
    (
        "Q288",
        "My household is {} in my country",
        &[
            "among the low 50% income households",
            "among the high 50% income households",
        ],
    ),
    (
        "Q288R",
        "My household is among the {} income households in my country",
        &["low", "middle", "high"],
    ),
    ("Q289", "I belong to {}", &RELIGIONS),
];

pub(super) const LEVELS: [&str; 9] = [
    "early childhood education or no education",
    "primary education",
    "lower secondary education",
    "upper secondary education",
    "post-secondary non-tertiary education",
    "short-cycle tertiary education",
    "bachelor or equivalent",
    "master or equivalent",
    "doctoral or equivalent",
];

pub(super) const EMPLOYMENT: [&str; 7] = [
    "employed full time",
    "employed part time",
    "self employed",
    "retired or pensioned",
    "a housewife and not otherwise employed",
    "a student",
    "unemployed",
];

pub(super) const OCCUPATIONS: [&str; 11] = [
    "never had a job",
    "a professional and technical job, e.g., doctor, teacher, engineer, artist, accountant, nurse",
    "a higher administrative job, e.g., banker, executive in big business, high government official, union official",
    "a clerical job, e.g., secretary, clerk, office manager, civil servant, bookkeeper",
    "a sales job, e.g., sales manager, shop owner, shop assistant, insurance agent, buyer",
    "a service job, e.g., restaurant owner, police officer, waitress, barber, caretaker",
    "a skilled worker job, e.g., foreman, motor mechanic, printer, seamstress, tool and die maker, electrician",
    "a semi-skilled worker job, e.g., bricklayer, bus driver, cannery worker, carpenter, sheet metal worker, baker",
    "an unskilled worker job, e.g., labourer, porter, unskilled factory worker, cleaner",
    "a farm worker job, e.g., farm labourer, tractor driver",
    "a farm owner or farm manager job",
];

pub(super) const RELIGIONS: [&str; 10] = [
    "no religion or religious denomination",
    "the Roman Catholic religion",
    "the Protestant religion",
    "the Orthodox (Russian/Greek/etc.) religion",
    "the Jew religion",
    "the Muslim religion",
    "the Hindu religion",
    "the Buddhist religion",
    "some other Christian (Evangelical/Pentecostal/Fee church/etc.) religion",
    "some other religion or religious denomination",
];

/// Answers that came with version 6 of the survey file, in words of our own.
pub(super) const OURS: [(&str, i32, &str); 5] = [
    ("Q269", 3, "I have another citizenship status in this country"),
    ("Q279", 8, "I am in another employment situation"),
    ("Q280", 8, "My spouse or partner is in another employment situation"),
    ("Q281", 11, "I have a job of another kind"),
    ("Q282", 11, "My spouse or partner has a job of another kind"),
];
