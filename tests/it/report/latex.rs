//! The tables for papers, put through LaTeX where the machine has it.

use std::path::Path;
use std::process::Command;

use indieval::metrics::RunData;
use indieval::report::Report;
use indieval::scoring::Method;

use super::{many, options, plan};
use crate::invented::{self, Plan};

/// What LaTeX says of a document with the tables of these runs; absent where there is no LaTeX.
fn compiled(runs: &[RunData], folder: &Path) -> Option<String> {
    let report = Report::new(runs, options()).expect("a report");
    let tables: Vec<String> = report.tables().iter().map(|table| table.latex()).collect();
    let packages = "\\usepackage{booktabs,graphicx}\n\\usepackage[T1]{fontenc}";
    let document = format!(
        "\\documentclass{{article}}\n{packages}\n\\begin{{document}}\n{}\n\\end{{document}}\n",
        tables.join("\n")
    );
    std::fs::write(folder.join("tables.tex"), document).expect("a document");
    let latex = Command::new("pdflatex")
        .args([
            "-no-shell-escape",
            "-interaction=nonstopmode",
            "-halt-on-error",
            "tables.tex",
        ])
        .current_dir(folder)
        .env("max_print_line", "1000")
        .output();
    let Ok(latex) = latex else {
        println!("skipped: there is no pdflatex here");
        return None;
    };
    let said = String::from_utf8_lossy(&latex.stdout).into_owned();
    assert!(latex.status.success(), "{said}");
    Some(said)
}

/// A table that is wider than the page, longer than the page, or has a command in it, is said in the log.
fn assert_fits(said: &str) {
    for fault in ["Overfull", "too large", "undefined control", "Missing character"] {
        assert!(!said.contains(fault), "{fault}: {said}");
    }
}

#[test]
fn tables_of_one_system_compile_whatever_the_names_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = invented::run(&Plan {
        model: "é_x & 50 % #1 ~y^2 {z} $w$ \"q\" <v> | \\end{table} ≥ 3",
        ..plan("one", vec![invented::condition(Method::Likelihood, 50)])
    });
    if let Some(said) = compiled(&[run], folder.path()) {
        assert_fits(&said);
    }
}

#[test]
fn tables_of_sixteen_systems_fit_their_pages() {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(said) = compiled(&many::runs(), folder.path()) {
        assert_fits(&said);
    }
}
