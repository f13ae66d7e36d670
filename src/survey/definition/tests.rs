use std::path::PathBuf;

use super::super::file::{RepeatedIds, SurveyFile};
use super::super::questionnaire::{Questionnaire, QuestionnaireSource};
use super::super::respondents::Respondents;
use super::super::types::Form;
use super::super::{ProbesOf, QuestionId};

/// A definition and a file of answers in a folder of their own.
struct Survey {
    folder: tempfile::TempDir,
    questionnaire: Questionnaire,
}

impl Survey {
    fn new(definition: &str) -> Self {
        Self::try_new(definition).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_new(definition: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("survey.toml");
        std::fs::write(&path, definition).unwrap();
        let source = QuestionnaireSource {
            definition: Some(&path),
            ..QuestionnaireSource::default()
        };
        let questionnaire = Questionnaire::load(&source).map_err(|error| error.to_string())?;
        Ok(Self { folder, questionnaire })
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, text: &str) -> SurveyFile {
        self.try_read(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_read(&self, text: &str) -> Result<SurveyFile, String> {
        let path = self.file("people.csv", text);
        self.questionnaire
            .read(&path, RepeatedIds::KeepAll)
            .map_err(|error| error.to_string())
    }

    /// Positions of a person's polar answers, -1 where there is none.
    fn polar(&self, file: &SurveyFile, person: usize) -> Vec<i32> {
        let groups = file.respondents.groups(person, Form::Polar);
        groups
            .iter()
            .map(|&group| if group == u8::MAX { -1 } else { group.into() })
            .collect()
    }

    /// Ids of all questions.
    fn ids(&self) -> Vec<&str> {
        let questions = self.questionnaire.catalogue.questions.iter();
        questions.map(|question| question.id.as_str()).collect()
    }

    fn texts(&self, id: &str) -> Vec<String> {
        let id: QuestionId = id.parse().unwrap();
        let at = self.questionnaire.catalogue.index_of(id).unwrap();
        let polar = &self.questionnaire.catalogue.questions[at].polar;
        polar.iter().map(|statement| statement.text.clone()).collect()
    }
}

#[test]
fn one_block_asks_many_questions_and_open_answers_are_named_only() {
    let survey = Survey::new(
        "name = 'Form'\n[scale.agree]\nlabels = ['Disagree', 'Neutral', 'Agree']\npolar = 'each'\n\
         [[questions]]\ncolumns = ['1. I like my work', '2. I am paid well', 'C1 .. C3']\nreverse = ['C2']\n\
         category = 'Work'\nscale = 'agree'\ntext = { C1 = 'Coffee is free' }\n\
         [[question]]\nid = 'Anything else?'\ntype = 'text'\n",
    );
    assert_eq!(
        survey.ids(),
        ["1. I like my work", "2. I am paid well", "C1", "C2", "C3"]
    );
    assert_eq!(survey.texts("1. I like my work")[0], "I like my work: Disagree");
    assert_eq!(survey.texts("C1")[2], "Coffee is free: Agree");
    let values = |id: &str| {
        let at = survey.questionnaire.catalogue.index_of(id.parse().unwrap()).unwrap();
        survey.questionnaire.catalogue.questions[at].values.clone()
    };
    assert_eq!(values("C1"), values("C3"));
    assert_ne!(values("C1"), values("C2"), "C2 counts the other way");
    let file = survey.read(
        "1. I like my work,2. I am paid well,C1,C2,C3,Anything else?\nAgree,Neutral,Disagree,3,1,\"No, thanks\"\n",
    );
    assert_eq!(survey.polar(&file, 0), [2, 1, 0, 2, 0]);

    let refused = |block: &str| Survey::try_new(&format!("name = 'n'\n{block}")).err().unwrap();
    let error = refused("[[questions]]\ncolumns = ['A1 .. B2']\nlabels = ['No', 'Yes']\n");
    assert!(
        error.contains("[[questions]] A1 .. B2") && error.contains("no range"),
        "{error}"
    );
    let error = refused("[[questions]]\ncolumns = ['A1']\nreverse = ['A2']\nlabels = ['No', 'Yes']\n");
    assert!(error.contains("`reverse` speaks of `A2`"), "{error}");
    let error = refused("[[question]]\nid = 'a'\ntype = 'text'\nlabels = ['No', 'Yes']\n");
    assert!(error.contains("has no scale"), "{error}");
}

const ONE: &str = "name = 'n'\n[[question]]\nid = 'a'\nlabels = ['No', 'Yes']\n";

#[test]
fn a_person_has_one_row_and_what_is_never_an_answer_needs_no_word() {
    let survey = Survey::new(
        "name = 'n'\n[person]\nid = ['wave', 'who']\n[missing]\ntexts = ['Refused']\n[[question]]\nid = 'a'\nlabels = ['No', 'Yes']\n",
    );
    let file = survey.read("wave,who,a\n1,7,Yes\n2,7,Refused\n2,8,NA\n3,8,\n");
    assert_eq!(
        (0..4).map(|person| survey.polar(&file, person)[0]).collect::<Vec<_>>(),
        [1, -1, -1, -1]
    );
    let error = survey.try_read("wave,who,a\n1,7,Yes\n2,7,No\n1,7,No\n").err().unwrap();
    assert!(
        error.contains("line 4") && error.contains("`1-7`") && error.contains("line 2 has the same id"),
        "{error}"
    );

    let error = Survey::try_new(
        "name = 'n'\n[scale.s]\nlabels = ['No', 'Yes']\npolar = [['no'], ['Yes']]\n[[question]]\nid = 'a'\nscale = 's'\n",
    );
    let error = error.err().unwrap();
    assert!(
        error.contains("`polar` names `no`; the answers are `No`, `Yes`"),
        "{error}"
    );
}

#[test]
fn a_filter_that_keeps_nobody_is_named() {
    let survey = Survey::new(&format!("{ONE}[file]\nwhere = {{ year = [2022] }}\n"));
    let error = survey.try_read("year,a\n2021,Yes\n").err().unwrap();
    assert!(
        error.contains("no row has year as `where` of [file] wants it"),
        "{error}"
    );
}

#[test]
fn answers_may_be_any_numbers_or_texts_and_not_asked_is_told_apart() {
    let survey = Survey::new(
        "name = 'GSS'\n[person]\nid = ['year', 'id_']\n[missing]\ncodes = ['-99..-2']\nnot_asked = [-100]\n\
         [scale.spend]\nanswers = [{ code = -1, label = 'too much' }, { code = 0, label = 'about right' }, { code = 1, label = 'too little' }]\n\
         [[question]]\nid = 'natspac'\nscale = 'spend'\ntemplate = 'On {text} we spend {label}'\ntext = 'space'\n\
         [[question]]\nid = 'GUNSAFE'\nlabels = ['Safer', 'Less safe']\n",
    );
    let file =
        survey.read("year,id_,natspac,GUNSAFE\n2022,1,-1,Safer\n2022,2.0,-100,Less safe\n2022,3,1,\n2022,4,-98,1\n");
    let answers: Vec<_> = (0..4).map(|person| survey.polar(&file, person)).collect();
    // Ids in order: GUNSAFE before natspac.
    assert_eq!(answers, [[0, 0], [1, -1], [-1, 2], [0, -1]]);
    assert_eq!(file.respondents.id(1), "2022-2");
    assert_eq!(file.report.missing["not asked"], 1);
    assert_eq!(file.report.missing["missing"], 2);
    assert_eq!(survey.texts("natspac")[0], "On space we spend too much");
    let error = survey
        .try_read("year,id_,natspac,GUNSAFE\n2022,1,7,Safer\n")
        .err()
        .unwrap();
    assert!(
        error.contains("line 2, column natspac: `7` is not an answer that"),
        "{error}"
    );
}

#[test]
fn rows_of_names_ids_by_import_and_rows_to_keep() {
    let survey = Survey::new(
        "name = 'q'\n[file]\nheader_rows = 3\nnames_row = 3\nnames = 'ImportId'\nwhere = { done = [1] }\n\
         [person]\nid = 'pid'\n[[question]]\nid = 'talk'\ncolumn = 'QID25_1'\nlabels = ['No', 'Yes']\n",
    );
    let file = survey.read(
        "Q1,Q1,P,D\n\"How, then\",b,c,d\n\"{\"\"ImportId\"\":\"\"QID25_1\"\"}\",\"{\"\"ImportId\"\":\"\"x\"\"}\",\"{\"\"ImportId\"\":\"\"pid\"\"}\",\"{\"\"ImportId\"\":\"\"done\"\"}\"\n\
         Yes,,r1,1\nNo,,r2,0\nNo,,r3,1\n",
    );
    assert_eq!((file.respondents.len(), file.report.rows), (2, 2));
    assert_eq!((survey.polar(&file, 0), survey.polar(&file, 1)), (vec![1], vec![0]));
    assert_eq!(file.respondents.id(1), "r3");
}

#[test]
fn several_options_rankings_and_numbers() {
    let survey = Survey::new(
        "name = 'form'\n[[question]]\nid = 'b'\ntype = 'multi'\nseparator = ';'\noptions = ['Gym', 'Bus; pass']\nyes = 'I use {option}'\nno = 'I do not use {option}'\n\
         [[question]]\nid = 'r'\ntype = 'rank'\ncolumns = ['r1', 'r2']\nlabels = ['Work', 'Rest', 'Play']\n\
         [[question]]\nid = 't'\ntype = 'number'\nbands = [[0, 49], [50, 50], [51, 100]]\ntext = 'Parties, 0 to 100'\n",
    );
    let file = survey.read("b,r1,r2,t\nGym; Bus; pass,Rest,1,50\nBus; pass,,,0.5\n,,,NA\n");
    assert_eq!(survey.ids(), ["b [Bus; pass]", "b [Gym]", "r [1]", "r [2]", "t"]);
    assert_eq!(survey.polar(&file, 0), [0, 0, 1, 0, 1]);
    assert_eq!(survey.polar(&file, 1), [0, 1, -1, -1, 0]);
    assert_eq!(survey.polar(&file, 2), [-1; 5]);
    assert_eq!(survey.texts("b [Gym]"), ["I use Gym", "I do not use Gym"]);
    // What says much of a probe is not shown beside it.
    assert_eq!(survey.questionnaire.catalogue.rules.apart, [vec![0, 1], vec![2, 3]]);
}

#[test]
fn second_answers_stand_in_columns_rows_or_a_file_of_their_own() {
    let plain = "[person]\nid = 'id'\n[[question]]\nid = 'a'\nlabels = ['No', 'Yes']\n";
    let second = |retest: &str, text: &str| {
        let survey = Survey::new(&format!("name = 'n'\n{retest}\n{plain}"));
        survey.file("wave4.csv", "id,a\n2,Yes\n9,No\n1,No\n");
        let file = survey.read(text);
        (0..file.respondents.len())
            .map(|person| file.respondents.second_answer(person, 0))
            .collect::<Vec<_>>()
    };
    let expected = [Some(0), Some(1), None];
    assert_eq!(
        second("[retest]\nfile = 'wave4.csv'", "id,a\n1,Yes\n2,Yes\n3,No\n"),
        expected
    );
    let columns = "id,a_1,a_2\n1,Yes,No\n2,Yes,Yes\n3,No,\n";
    assert_eq!(second("[retest]\nsuffix = ['_1', '_2']", columns), expected);
    let rows = "id,a,wave\n1,Yes,1\n2,Yes,2\n2,Yes,1\n1,No,2\n3,No,1\n4,No,3\n";
    let found = second("[retest]\ncolumn = 'wave'\nvalues = [1, 2]", rows);
    assert_eq!(found, expected);
}

#[test]
fn a_row_an_answer_reads_as_a_row_a_person() {
    let about = "[[question]]\nid = 'a'\nlabels = ['No', 'Yes']\n[[question]]\nid = 'b'\nlabels = ['No', 'Yes']\n\
                 [[demographic]]\ncolumn = 'city'\ntemplate = 'I live in {label}'\nlabels = ['Rome', 'Oslo']\n";
    let define = |file: &str| format!("name = 'n'\n[file]\n{file}\n[person]\nid = 'who'\n{about}");
    let wide = Survey::new(&define(""));
    let expected = wide.read("who,city,a,b\nx,Rome,Yes,No\ny,Oslo,,Yes\n").respondents;
    let long = "layout = 'long'\nquestion = 'item'\nanswer = 'said'\nwhere = { year = [2022] }";
    let long = Survey::new(&define(long));
    let header = "who,city,year,said,item\n";
    let rows =
        "x,Rome,2022,Yes,a\ny,Oslo,2022,Yes,b\nx,Rome,2021,No,a\nx,Rome,2022,No,b\nx,Rome,2022,No,b\ny,Oslo,2022,9,c\n";
    let read = long.read(&format!("{header}{rows}")).respondents;
    assert_eq!(read.len(), 2);
    for person in 0..2 {
        assert_eq!(read.id(person), expected.id(person));
        assert_eq!(read.groups(person, Form::Polar), expected.groups(person, Form::Polar));
        let all = |of: &Respondents| format!("{:?}", of.respondent(person));
        assert_eq!(all(&read), all(&expected));
    }
    // Cells are named by the lines in which they stand.
    for (more, said) in [
        ("y,Oslo,2022,Perhaps,a\n", "line 8, column a"),
        (
            "y,Oslo,2022,No,b\n",
            "line 8: b is `No` for person y, for whom it is `Yes` in line 3",
        ),
        (
            "y,Rome,2022,No,a\n",
            "line 8: city is `Rome` for person y, for whom it is `Oslo` in line 3",
        ),
    ] {
        let error = long.try_read(&format!("{header}{rows}{more}")).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let error = long.try_read("who,city,year,said\nx,Rome,2022,Yes\n").unwrap_err();
    assert!(error.contains("no column `item`"), "{error}");
    for (file, said) in [
        ("question = 'item'", "add `layout = \"long\"`"),
        ("layout = 'tall'", "line 3"),
    ] {
        let error = Survey::try_new(&define(file)).err().expect("a fault");
        assert!(error.contains(said), "{error}");
    }
    let error = Survey::try_new(&format!("name = 'n'\n[file]\nlayout = 'long'\n{about}"))
        .err()
        .expect("a fault");
    assert!(error.contains("name it by `id` of [person]"), "{error}");
}

#[test]
fn demographics_weights_and_the_group_that_stands_for_a_country() {
    let survey = Survey::new(&format!(
        "{ONE}[person]\nweight = 'w'\ngroup = 'dept'\n\
         [[demographic]]\ncolumn = 'dept'\nname = 'Department'\ntemplate = 'I work in {{label}}'\nlabels = ['Sales', 'IT']\n\
         [[demographic]]\ncolumn = 'age'\nbands = [[16, 29], [30, inf]]\n"
    ));
    let file = survey.read("a,w,dept,age,Q260\nYes,1.5,IT,44,1\nNo,0.5,Sales,16,2\n");
    let demographics = &survey.questionnaire.demographics;
    let sentences = |person| {
        let person = file.respondents.respondent(person);
        demographics.sentences(&person.demographics).join("; ")
    };
    // A column that happens to be called as the World Values Survey calls sex says nothing.
    assert_eq!(sentences(0), "I work in IT; age: 30 or more");
    assert_eq!(sentences(1), "I work in Sales; age: 16 to 29");
    assert_eq!(file.respondents.weight(0), Some(1.5));
    assert_eq!(demographics.country, Some(0));
}

#[test]
fn probes_by_rule_by_set_and_among_what_was_answered() {
    let questions: String = (1..=4)
        .map(|n| format!("[[question]]\nid = 'q{n}x'\nlabels = ['No', 'Yes']\ntext = 'q{n}'\n"))
        .collect();
    let rules = |probes: &str| {
        Survey::new(&format!("name = 'n'\n[probes]\n{probes}\n{questions}"))
            .questionnaire
            .catalogue
            .rules
    };
    let answered = rules("of = 'answered'\nper_category = 1\nwrap = false");
    assert_eq!(
        (answered.of, answered.per_category, answered.wrap),
        (ProbesOf::Answered, 1, false)
    );
    let sets = rules("sets = [['q2x', 'q1x'], ['q3x']]\napart = [['q1x', 'q4x']]");
    assert_eq!((sets.sets, sets.apart), (vec![vec![0, 1], vec![2]], vec![vec![0, 3]]));
}

#[test]
fn a_definition_that_cannot_be_used_says_where_and_why() {
    for (text, said) in [
        ("name = 'n'\nnames = 'x'", "line 2: unknown field `names`"),
        ("name = 'n'", "[[question]]: a survey has questions"),
        (
            "name = 'n'\n[[question]]\nid = 'a'\nscale = 'agre'\n[scale.agree]\nlabels = ['a', 'b']",
            "is [scale.agree] meant?",
        ),
        (
            "name = 'n'\n[[question]]\nid = 'a'\nlabels = ['Yes', 'Yes']",
            "stands for two refined answers; give them labels or statements of their own",
        ),
        (
            "name = 'n'\n[[question]]\nid = 'a'\n[[question]]\nid = 'a'",
            "needs two answers or more",
        ),
        (
            "name = 'n'\n[probes]\nsets = [['z']]\n[[question]]\nid = 'a'\nlabels = ['x', 'y']",
            "there is no question `z`",
        ),
        (
            "name = 'n'\n[person]\ngroup = 'dept'\n[[question]]\nid = 'a'\nlabels = ['x', 'y']",
            "`dept` is no [[demographic]]",
        ),
        (
            "name = 'n'\n[[published]]\nname = 'm'\nsource = 's'\ncategories = { Wrk = 50 }\n[[question]]\nid = 'a'\n\
             category = 'Work'\nlabels = ['x', 'y']",
            "[[published]] m: there is no category `Wrk`; is `Work` meant?",
        ),
        (
            "name = 'n'\n[[published]]\nname = 'm'\nsource = 's'\noverall = 140\n[[question]]\nid = 'a'\nlabels = ['x', 'y']",
            "140 is no percentage",
        ),
        (
            "name = 'n'\n[[published]]\nname = 'm'\nsource = 's'\n[[question]]\nid = 'a'\nlabels = ['x', 'y']",
            "it has figures",
        ),
        (
            "name = 'n'\n[missing]\ncodes = ['x']\n[[question]]\nid = 'a'\nlabels = ['x', 'y']",
            "[missing]: `x` is neither",
        ),
        (
            "name = 'n'\n[file]\nnames_row = 2\n[[question]]\nid = 'a'\nlabels = ['x', 'y']",
            "names_row",
        ),
        (
            "name = 'n'\n[retest]\ncolumn = 'w'\n[[question]]\nid = 'a'\nlabels = ['x', 'y']",
            "[retest]: give",
        ),
    ] {
        let error = Survey::try_new(text).err().unwrap();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_file_without_the_columns_of_its_definition_says_which_it_has() {
    let survey = Survey::new(&format!("{ONE}[[question]]\nid = 'b'\nlabels = ['No', 'Yes']\n"));
    let error = survey.try_read("a,c\nYes,No\n").err().unwrap();
    assert!(
        error.contains("line 1: no column `b`") && error.contains("the file has `a`, `c`"),
        "{error}"
    );
    let error = survey.try_read("a,b,a\nYes,No,Yes\n").err().unwrap();
    assert!(error.contains("column a appears twice"), "{error}");
}

#[test]
fn what_define_writes_is_a_definition_that_reads_its_file() {
    let mut table = String::from("id,A1,A2,A3,mood,uses,gender,note\n");
    for person in 0..40 {
        let answer = |k: usize| (person * k) % 6 + 1;
        let mood = ["Never", "Sometimes", "Always"][person % 3];
        let uses = ["Gym", "Gym;Bus", "Bus"][person % 3];
        let gender = ["f", "m"][person % 2];
        let first = if person == 7 { 99 } else { answer(1) };
        table += &format!(
            "p{person},{first},{},{},{mood},{uses},{gender},text {person}\n",
            answer(5),
            answer(7)
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("form.csv");
    std::fs::write(&path, &table).unwrap();
    let written = super::super::define(&path).unwrap();
    let survey = Survey::new(&written);
    let file = survey.read(&table);
    assert_eq!(file.respondents.len(), 40);
    assert_eq!(file.respondents.id(3), "p3");
    assert_eq!(file.report.missing["missing"], 1);
    assert_eq!(survey.ids(), ["A1", "A2", "A3", "mood", "uses [Bus]", "uses [Gym]"]);
    assert_eq!(survey.texts("mood"), ["mood: Never", "mood: Sometimes", "mood: Always"]);
    assert_eq!(survey.questionnaire.demographics.dimensions[0].name, "gender");
    assert!(written.contains("# not used: column \"note\""), "{written}");
}

#[test]
fn define_gathers_questions_of_one_scale_and_keeps_their_wordings() {
    let names = ["A1", "A2", "Is it so?", "B1", "C", "C"];
    let mut table = names.join(",") + "\nHow,A2,Is it so?,Why,c,c\n";
    table += &[r#""{""ImportId"":""Q""}""#; 6].join(",");
    for person in 0..30 {
        let code = |shift: usize| (person + shift) % 5 + 1;
        let vote = person % 2;
        table += &format!("\n{},{},{},{vote},{},{}", code(0), code(1), code(2), code(3), code(4));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("form.csv");
    std::fs::write(&path, &table).unwrap();
    let written = super::super::define(&path).unwrap();
    assert_eq!(written.matches("[[questions]]").count(), 1, "{written}");
    assert_eq!(written.matches("[[question]]").count(), 3, "{written}");
    assert!(written.contains("\n    \"A1\", \"A2\", \"Is it so?\",\n]"), "{written}");
    assert!(written.contains("category = \"All\"        # CHECK"), "{written}");
    let survey = Survey::new(&written);
    assert_eq!(survey.texts("A1")[0], "How: 1");
    assert_eq!(survey.texts("A2")[4], "A2: 5");
    assert_eq!(survey.texts("B1"), ["Why: 0", "Why: 1"]);
    let file = survey.read(&table);
    assert_eq!(survey.ids(), ["A1", "A2", "B1", "C (5)", "C (6)", "Is it so?"]);
    assert_eq!(survey.polar(&file, 0), [0, 1, 0, 3, 4, 2]);
}

const ITEMS: [&str; 4] = ["bus.curse", "bus.scold", "train.curse", "train.scold"];

/// The answers of 20 people to four items, one a row; person 3 skipped one.
fn long_table() -> String {
    let mut table = String::from(",person,sex,item,kind,response,binary\n");
    for person in 0..20 {
        for (at, item) in ITEMS.iter().enumerate().filter(|(at, _)| person != 3 || *at != 1) {
            let answer = ["no", "yes", "perhaps"][(person + at) % 3];
            let (sex, binary) = (["F", "M"][person % 2], u8::from(answer != "no"));
            let (row, kind) = (person * 4 + at, &item[..item.len() - 6]);
            table += &format!("{row},{person},{sex},{item},{kind},{answer},{binary}\n");
        }
    }
    table
}

#[test]
fn define_tells_a_table_with_a_row_an_answer() {
    let table = long_table();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.csv");
    let defined = |table: &str| {
        std::fs::write(&path, table).unwrap();
        super::super::define(&path).unwrap()
    };
    let written = defined(&table);
    let survey = Survey::new(&written);
    let file = survey.read(&table);
    assert_eq!(file.respondents.len(), 20);
    assert_eq!(survey.ids(), ITEMS, "{written}");
    assert_eq!(survey.polar(&file, 1), [2, 1, 0, 2]);
    assert_eq!(survey.polar(&file, 3), [0, -1, 1, 0]);
    assert_eq!(survey.questionnaire.demographics.dimensions[0].name, "sex");
    assert!(
        written.contains("answer = \"response\"        # CHECK: or \"binary\""),
        "{written}"
    );
    assert_eq!(written.matches("[[question").count(), 1, "{written}");

    // Neither of two columns is called an answer; what a row is stays open.
    let open = defined(&table.replacen("response", "x", 1));
    let note = "# CHECK: 79 rows have 20 different values of person: if a row is an answer, add layout = \"long\"";
    assert!(open.contains(note) && !open.contains("\nlayout"), "{open}");
    // The same person twice at one question: waves, not answers alone.
    let twice = defined(&(table.clone() + "99,1,M,bus.curse,bus,no,0\n"));
    assert!(
        twice.contains("# CHECK: 80 rows have 20") && !twice.contains("\nlayout"),
        "{twice}"
    );
    // Without the person who skipped one, `unit` is known by its even rows; years and countries are neither.
    for (person, item, long) in [
        ("unit", "town", true),
        ("year", "town", false),
        ("unit", "country", false),
    ] {
        let named = table.replacen("person", person, 1).replacen("item", item, 1);
        let kept = named.lines().filter(|line| !line.contains(",3,M,"));
        let written = defined(&kept.map(|line| format!("{line}\n")).collect::<String>());
        assert_eq!(written.contains("\nlayout = \"long\""), long, "{written}");
    }
    // A row a person.
    let people: String = table
        .lines()
        .take(1)
        .chain(table.lines().skip(1).step_by(4))
        .map(|line| format!("{line}\n"))
        .collect();
    let wide = defined(&people);
    assert!(!wide.contains("layout") && wide.contains("id = \"#1\""), "{wide}");
}

#[test]
fn every_definition_that_ships_can_be_used() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("surveys");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            let source = QuestionnaireSource {
                definition: Some(&path),
                ..QuestionnaireSource::default()
            };
            let questionnaire = Questionnaire::load(&source).unwrap_or_else(|error| panic!("{error}"));
            let definition = questionnaire.definition.unwrap();
            assert!(
                !definition.licence.is_empty() && !definition.citation.is_empty(),
                "{}",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 0);
}
