//! Words that say how a letter in a text is meant.

/// Words between a verdict and the letter it is about.
pub(super) const FILLERS: &[&str] = &[
    "option",
    "options",
    "letter",
    "the",
    "is",
    "it",
    "it's",
    "be",
    "that",
    "would",
    "will",
    "of",
    "number",
    "statement",
    "answer",
    "choice",
    "choose",
    "chose",
    "pick",
    "select",
    "say",
    "think",
    "believe",
    "my",
    "certainly",
    "definitely",
    "probably",
    "likely",
    "really",
];

/// Words that make the next letter the answer.
pub(super) const DECLARING: &[&str] = &[
    "answer",
    "answers",
    "choose",
    "chose",
    "chosen",
    "choice",
    "pick",
    "picked",
    "select",
    "selected",
    "selection",
    "respuesta",
    "réponse",
    "antwort",
    "risposta",
    "resposta",
];

/// Words that make the next letter no answer.
pub(super) const DENYING: &[&str] = &[
    "against",
    "avoid",
    "avoids",
    "reject",
    "rejects",
    "rejected",
    "dismiss",
    "opposite",
    "not",
    "no",
    "never",
    "neither",
    "nor",
    "cannot",
    "without",
    "except",
    "than",
    "unlike",
    "exclude",
    "excluding",
    "eliminate",
    "instead",
    "isn't",
    "isnt",
    "don't",
    "dont",
    "doesn't",
    "wouldn't",
    "won't",
    "can't",
    "cant",
    "wasn't",
    "didn't",
    "aren't",
    "out",
];

/// What makes the letter before it no answer, behind a verb.
pub(super) const REJECTING: &[&str] = &[
    "not",
    "wrong",
    "incorrect",
    "unlikely",
    "less",
    "false",
    "too",
    "never",
    "no",
    "out",
];

/// Verbs that a rejection may follow on.
pub(super) const VERBS: &[&str] = &[
    "is", "was", "are", "were", "seems", "sounds", "looks", "would", "be", "both", "does", "do",
];

/// Verbs that reject by themselves.
pub(super) const REJECTING_VERBS: &[&str] = &[
    "isn't", "isnt", "wasn't", "doesn't", "wouldn't", "can't", "aren't", "cannot",
];

/// Words between letters that are named together.
pub(super) const JOINING: &[&str] = &["or", "and", "nor", "ou", "oder", "und", "o", "y", "e", "et"];

/// Words that reasons begin with.
pub(super) const REASONS: &[&str] = &[
    "because",
    "since",
    "due",
    "given",
    "considering",
    "reason",
    "reasoning",
    "explanation",
    "rationale",
    "justification",
];

/// Words that reasons end with.
pub(super) const CONCLUDING: &[&str] = &[
    "so",
    "therefore",
    "thus",
    "hence",
    "answer",
    "final",
    "finally",
    "conclusion",
];

/// Words that take back what was said before them.
pub(super) const TAKING_BACK: &[&str] = &[
    "wait",
    "correction",
    "scratch",
    "no",
    "actually",
    "sorry",
    "rather",
    "mean",
];

/// Words by which two answers stand side by side.
pub(super) const HEDGES: &[&str] = &["both", "either", "equally", "also"];

/// Words behind which `but` leaves a letter out: `anything but A`, `all of them but C`. `Nothing but A` is A.
pub(super) const TOTALS: &[&str] = &["anything", "all", "any", "every", "everything", "anyone", "everyone"];

/// Words that may stand between one of those and `but`.
pub(super) const AMONG: &[&str] = &[
    "of", "the", "them", "these", "those", "options", "option", "letters", "others", "else",
];

/// Two words that leave the next letter out.
pub(super) const LEAVING_OUT: &[[&str; 2]] = &[
    ["except", "for"],
    ["apart", "from"],
    ["aside", "from"],
    ["far", "from"],
    ["away", "from"],
    ["disagree", "with"],
    ["disagrees", "with"],
];

/// What denies the letter before it in a clause of its own: `A, obviously not`, `A (wrong)`.
pub(super) const DENIALS: &[&str] = &[
    "not",
    "no",
    "never",
    "wrong",
    "incorrect",
    "false",
    "unlikely",
    "impossible",
    "doubt",
    "doubtful",
    "excluded",
    "rejected",
];

/// Words that may stand in such a clause besides.
pub(super) const ADVERBS: &[&str] = &[
    "obviously",
    "certainly",
    "definitely",
    "probably",
    "clearly",
    "surely",
    "absolutely",
    "really",
    "likely",
    "of",
    "course",
    "at",
    "all",
    "most",
    "very",
    "quite",
    "is",
    "it",
    "that",
    "this",
    "i",
    "think",
    "so",
    "would",
    "say",
    "the",
    "a",
    "answer",
    "one",
];

/// Answers that are no option.
pub(super) const NO_OPTION: &[&str] = &["none", "neither", "nothing", "other", "another", "unsure", "undecided"];

/// Words between answers one of which is meant.
pub(super) const ALTERNATIVES: &[&str] = &["or", "ou", "oder", "o"];

/// Words whose next letter is part of a name: `Vitamin C`, `Plan B`.
pub(super) const NAMED_BY_LETTER: &[&str] = &[
    "vitamin",
    "hepatitis",
    "influenza",
    "plan",
    "grade",
    "class",
    "klasse",
    "team",
    "appendix",
    "annex",
    "exhibit",
    "schedule",
    "section",
    "chapter",
    "part",
    "figure",
    "table",
    "group",
    "type",
    "level",
    "tier",
    "block",
    "building",
    "terminal",
    "gate",
    "hall",
    "room",
    "wing",
    "division",
    "league",
    "series",
    "side",
    "row",
    "size",
    "cup",
    "schema",
    "programming",
];

/// Titles of people, behind which a letter is the front of a name.
pub(super) const TITLES: &[&str] = &["mr", "mrs", "ms", "dr", "prof"];

/// Words that make the letter before them part of a name: `C major`, `B movie`.
pub(super) const NAMING_LETTER: &[&str] = &[
    "major",
    "minor",
    "sharp",
    "flat",
    "clef",
    "string",
    "movie",
    "movies",
    "vitamin",
    "vitamins",
    "student",
    "students",
    "section",
    "programming",
];
