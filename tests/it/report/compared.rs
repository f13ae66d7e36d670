//! What `indieval compare` says of several pairs.

use indieval::report::{Comparisons, Factor};
use indieval::scoring::Method;

use super::{options, plan};
use crate::invented::{self, Plan};

/// Six people, and conditions of whom each is right where the one before it is, and in one more split.
fn compared(counts: &[usize]) -> Comparisons {
    let conditions = counts.iter().map(|n| invented::condition(Method::Generation, *n));
    let mut run = invented::run(&Plan {
        people: 6,
        ..plan("run", conditions.collect())
    });
    for outcome in &mut run.outcomes {
        let rank = counts.iter().position(|n| *n == outcome.condition.demonstrations);
        let right = usize::from(outcome.split) <= rank.expect("one of them");
        outcome.prediction = Some(match right {
            true => outcome.label,
            false => (outcome.label + 1) % outcome.candidates,
        });
    }
    Comparisons::new(&[run], Factor::Demonstrations, options()).expect("conditions that differ in that alone")
}

/// A column of the CSV table at the overall rows.
fn overall(compared: &Comparisons, column: &str) -> Vec<String> {
    let table = compared.csv_table().expect("rows have columns");
    let mut reader = csv::Reader::from_reader(table.text.as_bytes());
    let titles = reader.headers().expect("titles").clone();
    let at = |name: &str| titles.iter().position(|title| title == name).expect("a column");
    let rows = reader.records().map(|row| row.expect("a row"));
    let rows = rows.filter(|row| &row[at("scope")] == "overall");
    rows.map(|row| row[at(column)].to_owned()).collect()
}

#[test]
fn overall_differences_of_several_pairs_are_judged_by_p_adjusted_for_all_of_them() {
    // All six people differ in the same direction: p is 2 / 2^6 = 0.031 in every pair, three times that after Holm.
    let three = compared(&[0, 100, 200]);
    assert_eq!(three.pairs.len(), 3);
    assert_eq!(overall(&three, "p"), ["0.031250"; 3]);
    assert_eq!(overall(&three, "p_holm"), ["0.093750"; 3]);
    assert_eq!(overall(&three, "verdict"), ["open"; 3]);
    for table in three.tables() {
        let text = table.text();
        let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("The first is not significantly different from it: −"),
            "{said}"
        );
        assert!(
            said.contains(
                "(p = 0.031 by flipping whole people, p = 0.094 once adjusted for 3 pairs (Holm), McNemar's p"
            ),
            "{said}"
        );
        assert!(
            said.contains("adjusted for 3 differences between systems (Holm)"),
            "{said}"
        );
    }
    // One pair stands alone.
    let two = compared(&[0, 200]);
    assert_eq!(overall(&two, "verdict"), ["behind"]);
    assert_eq!(overall(&two, "p_holm"), [""]);
    let text = two.tables()[0].text();
    assert!(!text.contains("once adjusted"), "{text}");
}
