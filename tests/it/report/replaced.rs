//! What a report replaces, and what it must not.

use std::path::Path;

use indieval::report::Report;
use indieval::scoring::Method;

use super::{FEW, indieval, path, plan, text};
use crate::invented;

#[test]
fn a_report_replaces_an_earlier_one_whole_and_nothing_else() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let [all, one, out, mine] = ["all", "one", "out", "mine"].map(|name| scratch.path().join(name));
    invented::write(&all, &plan("all", invented::every_section()));
    invented::write(&one, &plan("one", vec![invented::condition(Method::Generation, 50)]));
    let report = |run: &Path, out: &Path| {
        let output = indieval(&[&["report", path(run), "--out", path(out)], &FEW[..]].concat());
        (output.status.code(), text(&output.stderr))
    };
    let names = |folder: &Path| -> std::collections::BTreeSet<String> {
        let files = std::fs::read_dir(folder.join("tables")).expect("tables");
        let name = |file: std::fs::DirEntry| file.file_name().into_string().expect("UTF-8");
        files.map(|file| name(file.expect("a file"))).collect()
    };
    // Tables that the second report does not have go; what is one's own stays.
    assert_eq!(report(&all, &out).0, Some(0));
    // The built-in survey has no scales, no weights, nobody was asked twice, all were asked in the same words, and one run
    // ranks nothing.
    let elsewhere = ["asked-again", "differences", "ordered-answers", "wordings"];
    let expected = Report::TABLES.iter().filter(|name| !elsewhere.contains(name));
    let expected = expected.map(|name| format!("{name}.csv"));
    assert_eq!(names(&out), expected.collect());
    std::fs::write(out.join("tables/notes.csv"), "my,own\n").expect("written");
    assert_eq!(report(&one, &out).0, Some(0));
    let left = names(&out);
    assert!(left.contains("notes.csv") && left.contains("accuracy.csv"), "{left:?}");
    assert!(!left.contains("category-to-category.csv"), "{left:?}");
    let figures = |name: &str| out.join("figures").join(name).is_file();
    assert!(figures("headline.svg") && !figures("transfer-0.svg") && !figures("lift.svg"));
    // Neither another run's report is replaced nor a file that no report wrote.
    let (status, said) = report(&all, &one);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("is a run's folder") && said.contains("hint: "), "{said}");
    for name in [
        "report.html",
        "summary.json",
        "tables/accuracy.csv",
        "figures/curve.svg",
    ] {
        let file = mine.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, "{\"mine\": 1}\n").expect("written");
        let (status, said) = report(&one, &mine);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("not from a report") && said.contains("hint: "), "{said}");
        assert_eq!(std::fs::read_to_string(&file).expect("still there"), "{\"mine\": 1}\n");
        std::fs::remove_file(&file).expect("removed");
    }
}
