//! CaptionNumbers of figures and tables, and links to the files beside a page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, Value};

use super::svg::escape;
use super::svg_file::FOLDER;

/// CaptionNumbers that figures and tables have been given, by what they are called in templates. What is mentioned before it
/// stands has its number from then on.
#[derive(Debug, Default)]
struct CaptionNumbers {
    figures: BTreeMap<String, usize>,
    tables: BTreeMap<String, usize>,
}

impl CaptionNumbers {
    fn of(numbers: &mut BTreeMap<String, usize>, id: &str) -> usize {
        let next = numbers.len() + 1;
        *numbers.entry(id.to_owned()).or_insert(next)
    }
}

/// Teaches templates what they need to number and to link:
///
/// - `figure(id)` and `table(id)` begin a caption: "Figure 3."; `see_figure(id)` and `see_table(id)` are "Figure 3" in a
///   sentence, which leads there;
/// - `drawn(id)` links a picture's file, `csv(name)` a table's, where the report has it.
pub(super) fn teach(environment: &mut Environment<'_>, csv_tables: BTreeSet<String>) {
    let numbers = Arc::new(Mutex::new(CaptionNumbers::default()));
    type Of = fn(&mut CaptionNumbers) -> &mut BTreeMap<String, usize>;
    let kinds: [(&str, &str, Of); 2] = [
        ("figure", "Figure", |numbers| &mut numbers.figures),
        ("table", "Table", |numbers| &mut numbers.tables),
    ];
    for (name, word, of) in kinds {
        let number = {
            let numbers = Arc::clone(&numbers);
            move |id: &str| {
                let mut numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
                CaptionNumbers::of(of(&mut numbers), id)
            }
        };
        let begin = number.clone();
        environment.add_function(name, move |id: String| {
            let number = begin(&id);
            Value::from_safe_string(format!("<b id=\"{name}-{number}\">{word} {number}.</b>"))
        });
        environment.add_function(format!("see_{name}"), move |id: String| {
            let number = number(&id);
            Value::from_safe_string(format!("<a href=\"#{name}-{number}\">{word} {number}</a>"))
        });
    }
    environment.add_function("drawn", |id: String| file(&format!("{FOLDER}/{id}.svg"), "SVG"));
    environment.add_function("csv", move |name: String| match csv_tables.contains(&name) {
        true => file(&format!("tables/{name}.csv"), "CSV"),
        false => Value::from_safe_string(String::new()),
    });
}

/// A link to a file beside the page.
fn file(path: &str, word: &str) -> Value {
    Value::from_safe_string(format!(" <a class=\"file\" href=\"{}\">{word}</a>", escape(path)))
}
