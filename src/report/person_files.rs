//! Where pages of people lie beside a report.

/// The list of all people of a run.
pub const PEOPLE_LIST: &str = "index.html";

/// The folder of a run's people, within `people`: the run's name where it can be one on any system, else its number.
pub fn run_folder(name: &str, number: usize) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_name = !name.is_empty() && name.len() <= 60 && name.bytes().all(plain) && !name.starts_with("run-");
    match is_name {
        true => name.to_owned(),
        false => format!("run-{}", number + 1),
    }
}

/// The name of a person's file: the id where it can be one on any system, else the person's number.
pub fn person_file(id: &str, number: usize) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    // Capitals are told apart on some systems only, and the list has a name of its own.
    let is_name =
        !id.is_empty() && id.len() <= 60 && id.bytes().all(plain) && id != "index" && !id.starts_with("person-");
    match is_name {
        true => format!("{id}.html"),
        false => format!("person-{}.html", number + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_are_names_on_any_system_name_a_file() {
        assert_eq!(person_file("synthetic-00001", 4), "synthetic-00001.html");
        for odd in ["", "index", "../x", "a/b", "Ä", "CON", "a b", "person-3", ".hidden"] {
            assert_eq!(person_file(odd, 4), "person-5.html", "{odd}");
        }
    }

    #[test]
    fn only_such_runs_name_a_folder() {
        assert_eq!(run_folder("Qwen3_0-6B", 1), "Qwen3_0-6B");
        for odd in ["", "..", "a/b", "run-1", "C:\\x"] {
            assert_eq!(run_folder(odd, 1), "run-2", "{odd}");
        }
    }
}
