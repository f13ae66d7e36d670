//! What cannot be compared is left out and said, and the rest is compared.

use indieval::metrics::Norm;
use indieval::report::{Comparisons, Factor, ReportOptions};
use indieval::scoring::Method;

use super::{FEW, indieval, options, path, plan, text};
use crate::invented;

#[test]
fn a_norm_that_predicts_nothing_somewhere_is_left_out_of_a_comparison_and_said_to_be() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("run");
    let conditions = [0, 50].map(|demonstrations| invented::condition(Method::Likelihood, demonstrations));
    let mut run = invented::run(&plan("run", conditions.to_vec()));
    for outcome in run.outcomes.iter_mut().filter(|o| o.condition.demonstrations == 0) {
        if let indieval::scoring::Evidence::Likelihood { scores } = &mut outcome.evidence {
            let alike = scores.iter_mut();
            alike.for_each(|score| score.unconditional = Some(score.logprobs.clone()));
        }
    }
    let by_norm = Comparisons::new(std::slice::from_ref(&run), Factor::Norm, options()).expect("other norms");
    assert!(by_norm.pairs.len() > 6, "{}", by_norm.pairs.len());
    let [said] = by_norm.left_out.as_slice() else {
        panic!("{:?}", by_norm.left_out);
    };
    assert!(said.contains("pmi norm") && said.contains("predicts nothing"), "{said}");
    let pmi = ReportOptions {
        norm: Some(Norm::Pmi),
        ..options()
    };
    let error = Comparisons::new(&[run], Factor::Demonstrations, pmi).expect_err("one side is empty");
    assert!(error.to_string().contains("predicts nothing"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--norm")));
    // A run as the program writes it is compared without an error, too.
    invented::write(&folder, &plan("run", conditions.to_vec()));
    let output = indieval(&[&["compare", path(&folder), "--by", "norm"], &FEW[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}
