//! What the small forms around an answer share: what they are about, whose they are, and the name that is typed. The choice
//! of a person is in [`super::person`], what is wrong with a form in [`super::wrong`].

use crate::answers::asked::{Asked, Standing, asked_about};
use crate::app::Scope;
use crate::domain::calendar::wareki_with_weekday;
use crate::domain::text::fold;
use crate::domain::vocabulary::CodeWord;
use crate::http::error::{ApiError, FieldError};
use crate::links::LinkRow;
use crate::pages::form::Form;

/// What a small form is about, in a few words.
pub(super) struct About {
    /// What it is.
    pub heading: String,
    /// What is due, and when.
    pub due: String,
}

impl About {
    /// Of a thing.
    pub fn of(asked: &Asked) -> Self {
        let what = asked.detail.clone().unwrap_or_else(|| asked.row.kind.0.ja().to_owned());
        Self {
            heading: format!("{}：{}", asked.label, asked.name),
            due: format!("{what}　{}", wareki_with_weekday(asked.row.due_on)),
        }
    }
}

/// The thing that the reader of a link answers; forms about others are not there.
///
/// # Errors
/// 404.
pub(super) fn own(scope: &mut Scope<'_>, link: &LinkRow, obligation_id: &str) -> Result<Asked, ApiError> {
    asked_about(scope, link.reader()?, obligation_id)?
        .filter(|asked| asked.standing == Standing::Answers)
        .ok_or(ApiError::NotFound)
}

/// Whether the name that was typed is the reader's.
pub(super) fn check_name(form: &Form, name: &str, errors: &mut Vec<FieldError>) {
    if form.text("name").map(fold) != Some(fold(name)) {
        errors.push(FieldError::new(
            "name",
            "name_mismatch",
            format!("{name}さんの氏名を入れてください。"),
            format!("Type the name {name}."),
        ));
    }
}
