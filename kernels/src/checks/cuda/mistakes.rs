//! That each check of our own kernels for GPUs would see a kernel that is wrong.

use super::{CHECKS, device};
use crate::cuda::host::{HostKernels, INSTEAD, SOURCES, can_run};
use std::panic::catch_unwind;

/// One a line: the check that must see it, what stands in the source, what is put in its place.
const MISTAKES: &str = include_str!("mistakes.txt");

/// Something wrong in a kernel.
#[derive(Debug, Clone, PartialEq)]
struct KernelMistake {
    /// The check that must see it.
    about: &'static str,
    right: String,
    wrong: String,
}

impl KernelMistake {
    fn all() -> Vec<Self> {
        let lines = MISTAKES.lines().filter(|line| !line.starts_with('#'));
        let of = |line: &'static str| {
            let (about, change) = line.split_once(": ").unwrap();
            let (right, wrong) = change.split_once(" =>").unwrap();
            let text = |text: &str| text.trim_start().replace("\\n", "\n");
            Self {
                about,
                right: text(right),
                wrong: text(wrong),
            }
        };
        lines.map(of).collect()
    }

    /// The file that it is in.
    fn file(&self) -> &'static str {
        if self.about == "attention" {
            "tree.cu"
        } else {
            "rows.cu"
        }
    }
}

/// The sources with each of the mistakes, in a namespace of its own.
fn mistaken_sources(mistakes: &[KernelMistake]) -> String {
    let mut all = String::new();
    for (at, mistake) in mistakes.iter().enumerate() {
        let text = SOURCES.iter().find(|source| source.0 == mistake.file()).unwrap().1;
        assert_eq!(text.matches(&mistake.right).count(), 1, "{mistake:?}");
        let kernels = if mistake.file() == "tree.cu" {
            "TREE"
        } else {
            "ROWS_OF_ALL"
        };
        let text = text.replace(&mistake.right, &mistake.wrong);
        all += &format!("namespace mistake_{at} {{\n{text}\nstatic const host::Entry ALL[] = {{{kernels}}};\n}}\n");
    }
    let lists: Vec<String> = (0..mistakes.len()).map(|at| format!("mistake_{at}::ALL")).collect();
    all + &format!(
        "static const host::Entry* const MISTAKEN[] = {{{}}};\n",
        lists.join(", ")
    )
}

/// Whether a check fails with these kernels, whichever way.
fn fails(about: &str, kernels: HostKernels) -> bool {
    INSTEAD.set(Some(kernels));
    let mut checks = CHECKS.iter().filter(|check| check.0 == about);
    let failed = checks.any(|(_, check)| catch_unwind(check).is_err());
    INSTEAD.set(None);
    failed
}

/// Asserts that checks see the mistakes of a file, and pass without one.
fn see_mistakes_in(file: &str) {
    if !device().is_cpu() || !can_run() {
        return;
    }
    let mistakes: Vec<_> = KernelMistake::all()
        .into_iter()
        .filter(|mistake| mistake.file() == file)
        .collect();
    let sources = mistaken_sources(&mistakes);
    let options = ["-O0", "-DMISTAKES", "-DHEAD_DIMS(each,T)=each(T,64)"];
    let right = HostKernels::build(&[("mistakes.hpp", sources.as_str())], &options).unwrap();
    for (about, _) in CHECKS {
        let here = mistakes.iter().any(|mistake| mistake.about == about);
        assert!(!here || !fails(about, right), "{about} without a mistake");
    }
    let is_missed = |(number, mistake): &(u32, &KernelMistake)| !fails(mistake.about, right.mistaken(*number));
    let missed: Vec<_> = (1..).zip(&mistakes).filter(is_missed).collect();
    assert!(missed.is_empty() && !mistakes.is_empty(), "{missed:#?}");
}

#[test]
fn every_mistake_in_attention_is_seen() {
    see_mistakes_in("tree.cu");
}

#[test]
fn every_mistake_in_what_is_done_by_the_row_is_seen() {
    see_mistakes_in("rows.cu");
}
