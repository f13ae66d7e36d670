//! Which questions of a survey are held out as probes.

crate::choices! {
    /// Among which questions of a category probes are chosen.
    pub enum ProbesOf: All {
        /// All of them: everyone has the same probes, as far as they answered them.
        All = "all",
        /// Those that the person answered: where not everybody is asked everything.
        Answered = "answered",
    }
}

/// Which questions each split holds out. Questions are told by their positions in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProbeRule {
    /// Probes of a category in each split.
    pub per_category: usize,
    /// Whether a category with too few questions for three splits begins again at its front, so that splits share
    /// probes; otherwise later splits have fewer of it, or none.
    pub wrap: bool,
    /// Among which questions they are chosen.
    pub of: ProbesOf,
    /// The probes of split 1, 2 and 3 one by one, in place of the rule; empty where the rule chooses.
    pub sets: Vec<Vec<usize>>,
    /// Questions that give each other away: while one is a probe, the others of its list are not shown.
    pub apart: Vec<Vec<usize>>,
}

impl Default for ProbeRule {
    /// What a definition means that says nothing, and the paper's rule: three a category, over all questions, beginning
    /// again where there are too few.
    fn default() -> Self {
        Self {
            per_category: 3,
            wrap: true,
            of: ProbesOf::All,
            sets: Vec::new(),
            apart: Vec::new(),
        }
    }
}
