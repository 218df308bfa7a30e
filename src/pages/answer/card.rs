//! What the templates of the owner's page are filled with: fields and choices of a form, and a card for each thing that is
//! asked. Cards are made by [`super::maker`].

/// One choice of several.
pub(super) struct Choice {
    /// Its value.
    pub code: String,
    /// Its words.
    pub label: String,
    /// Whether it is chosen.
    pub checked: bool,
}

/// A field with its value and what is wrong with it.
pub(super) struct Field {
    /// Its name, which is its id too.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What is wrong.
    pub error: Option<String>,
}

/// One thing on the sheet.
pub(super) struct Card {
    pub id: String,
    pub heading: String,
    pub asked: String,
    pub due: String,
    pub left: String,
    pub left_class: &'static str,
    pub facts: Vec<(String, String)>,
    pub body: Body,
    pub error: Option<String>,
    pub around: Vec<(String, String)>,
    pub grace: Option<String>,
}

/// What is asked about it.
pub(super) enum Body {
    Round(Round),
    Question(Question),
    Told(String),
}

pub(super) struct Round {
    pub clauses: Vec<ClauseCard>,
    pub others: Vec<String>,
    pub on_site: bool,
    pub methods: Vec<Choice>,
    pub reason: Field,
    pub comment: Field,
}

pub(super) struct Question {
    pub name: String,
    pub legend: String,
    pub choices: Vec<Choice>,
    pub error: Option<String>,
    pub lines: Vec<String>,
    pub document: Option<Field>,
    pub comment: Field,
}

pub(super) struct ClauseCard {
    pub suffix: String,
    pub title: String,
    pub requirement: String,
    pub sources: Vec<String>,
    pub article: Option<String>,
    pub role: Option<String>,
    pub last: String,
    pub wanted: Vec<String>,
    pub choices: Vec<Choice>,
    pub error: Option<String>,
    pub prepared: Option<String>,
    pub note: Field,
    pub kinds: Vec<Choice>,
    pub valid_until: Field,
    pub file: Field,
    pub is_open: bool,
}
