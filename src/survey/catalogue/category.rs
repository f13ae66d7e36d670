//! Which category a name means.

use super::super::types::{Catalogue, CategoryId};
use crate::base::near::near;

/// A name that means no category, or several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{asked}` is not the name of one category")]
pub struct UnknownCategory {
    /// The name asked for.
    pub asked: String,
    /// Those that may have been meant, the likeliest first.
    pub meant: Vec<String>,
    /// All that there are.
    pub all: Vec<String>,
}

impl UnknownCategory {
    /// What to do about it.
    pub fn hint(&self) -> String {
        if self.meant.is_empty() {
            return format!("the categories are: {}", self.all.join("; "));
        }
        let meant: Vec<String> = self.meant.iter().map(|name| format!("`{name}`")).collect();
        format!("did you mean {}?", meant.join(" or "))
    }
}

impl Catalogue {
    /// The category of that name, or the only one whose name has it as a part; letter case is ignored.
    pub fn category(&self, name: &str) -> Result<CategoryId, UnknownCategory> {
        let wanted = name.trim().to_lowercase();
        let exact = self.categories.iter().position(|known| known.to_lowercase() == wanted);
        let parts = || {
            let mut having =
                (0..self.categories.len()).filter(|&id| self.categories[id].to_lowercase().contains(&wanted));
            having.next().filter(|_| having.next().is_none())
        };
        exact.or_else(parts).ok_or_else(|| UnknownCategory {
            asked: name.to_owned(),
            meant: near(name, self.categories.iter().map(String::as_str))
                .into_iter()
                .map(str::to_owned)
                .collect(),
            all: self.categories.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_found_by_its_name_or_an_unmistakable_part() {
        let catalogue = Catalogue::builtin().unwrap();
        let found = |name: &str| catalogue.category(name).map(|id| catalogue.categories[id].as_str());
        assert_eq!(found("Corruption"), Ok("Corruption"));
        assert_eq!(found("corruption "), Ok("Corruption"));
        assert_eq!(found("technology"), Ok("Science & Technology"));
    }

    #[test]
    fn what_is_no_category_is_answered_with_those_that_may_be_meant() {
        let catalogue = Catalogue::builtin().unwrap();
        let hint = |name: &str| catalogue.category(name).unwrap_err().hint();
        assert_eq!(hint("Corupption"), "did you mean `Corruption`?");
        assert_eq!(
            hint("political"),
            "did you mean `Political Interest & Political Participation` or `Political Culture & Political Regimes`?"
        );
        assert!(hint("zebra").starts_with("the categories are: Social Values"));
    }
}
