//! Every code of a problem, once: what it means and what to do, in Japanese and English.
//!
//! [`super::super::problems`] makes a page of each. What an answer itself says is in [`super::texts`], where it can name
//! the field, the limit or the record; here is what holds for every answer of the code. Tests hold each answer they see,
//! and each code in the source, against this table.

mod request;
mod state;

use super::Lang;

/// A code with its explanation.
#[derive(Debug)]
pub struct Code {
    /// The code, as `code` of a problem.
    pub code: &'static str,
    /// The HTTP status that it comes with.
    pub status: u16,
    title: [&'static str; 2],
    means: [&'static str; 2],
    todo: [&'static str; 2],
}

impl Code {
    /// What it is called.
    pub const fn title(&self, lang: Lang) -> &'static str {
        Self::of(&self.title, lang)
    }

    /// What has happened.
    pub const fn means(&self, lang: Lang) -> &'static str {
        Self::of(&self.means, lang)
    }

    /// What the client or its user does about it.
    pub const fn todo(&self, lang: Lang) -> &'static str {
        Self::of(&self.todo, lang)
    }

    const fn of(texts: &[&'static str; 2], lang: Lang) -> &'static str {
        let [ja, en] = texts;
        match lang {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }
}

/// The explanation of a code.
pub fn explained(code: &str) -> Option<&'static Code> {
    all().find(|known| known.code == code)
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Code> {
    request::CODES.iter().chain(state::CODES)
}

const fn code(
    status: u16,
    code: &'static str,
    title: [&'static str; 2],
    means: [&'static str; 2],
    todo: [&'static str; 2],
) -> Code {
    Code {
        code,
        status,
        title,
        means,
        todo,
    }
}
