//! What is wrong with a form that was sent, as its page says it: each fault at its field, all of them in a list on top, and
//! by the status of the answer.

use actix_web::http::StatusCode;

use super::card::Field;
use crate::http::error::{ApiError, FieldError, Lang};
use crate::pages::form::Form;

/// The faults of a form in the language of its page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrong<'e> {
    lang: Lang,
    errors: &'e [FieldError],
}

impl<'e> Wrong<'e> {
    /// These, in this language.
    pub const fn new(lang: Lang, errors: &'e [FieldError]) -> Self {
        Self { lang, errors }
    }

    fn said(self, error: &FieldError) -> String {
        self.lang.pick(&error.message, &error.message_en).clone()
    }

    /// What is wrong with a field.
    pub fn at(self, name: &str) -> Option<String> {
        let error = self.errors.iter().find(|error| error.pointer == name)?;
        Some(self.said(error))
    }

    /// The list on top: fields, and what is wrong with them.
    pub fn listed(self) -> Vec<(String, String)> {
        let errors = self.errors.iter();
        errors.map(|error| (error.pointer.clone(), self.said(error))).collect()
    }

    /// A field as it was sent.
    pub fn field(self, form: &Form, name: &str) -> Field {
        Field {
            name: name.to_owned(),
            value: form.text(name).unwrap_or_default().to_owned(),
            error: self.at(name),
        }
    }

    /// How the page is answered.
    pub const fn status(self) -> StatusCode {
        if self.errors.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

/// What a form can put right: wrong values at their fields, what the state forbids on top.
///
/// # Errors
/// What no form can put right.
pub(super) fn of_form(error: ApiError) -> Result<Vec<FieldError>, ApiError> {
    match error {
        ApiError::Validation(mut errors) => {
            for error in &mut errors {
                error.pointer = match error.pointer.as_str() {
                    "/to_person_id" => "to".to_owned(),
                    "/reason" | "/note" => "text".to_owned(),
                    pointer if pointer.starts_with('/') => "main".to_owned(),
                    name => name.to_owned(),
                };
            }
            Ok(errors)
        }
        ApiError::Conflict { code, ja, en } => Ok(vec![FieldError::new("main", code, ja, en)]),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_at_its_field_and_on_top() {
        let errors = of_form(ApiError::Validation(vec![
            FieldError::new("/to_person_id", "required", "人を選んでください。", "Choose."),
            FieldError::new("/entry_id", "required", "台帳がありません。", "No entry."),
        ]));
        let errors = errors.unwrap();
        let wrong = Wrong::new(Lang::En, &errors);
        assert_eq!(wrong.at("to").as_deref(), Some("Choose."));
        assert_eq!(wrong.at("main").as_deref(), Some("No entry."));
        assert_eq!(wrong.at("name"), None);
        assert_eq!(wrong.listed().len(), 2);
        assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(Wrong::new(Lang::Ja, &[]).status(), StatusCode::OK);
        assert!(matches!(of_form(ApiError::NotFound), Err(ApiError::NotFound)));
    }
}
