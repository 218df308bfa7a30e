//! The name of a step within a cycle: one text, one place in time.

use std::fmt;
use std::str::FromStr;

/// The name of a step within its cycle: `lead-90`, `overdue-7`. The order is the order in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StageKey {
    /// So many days before the due date; on the day itself only where something begins on it.
    Lead(u32),
    /// So many days after the due date.
    Overdue(u32),
}

impl StageKey {
    /// Days from the due date, negative before it: ascending in time.
    pub fn ordinal(self) -> i64 {
        match self {
            Self::Lead(days) => -i64::from(days),
            Self::Overdue(days) => i64::from(days),
        }
    }
}

impl PartialOrd for StageKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StageKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.ordinal().cmp(&other.ordinal())
    }
}

impl fmt::Display for StageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lead(days) => write!(f, "lead-{days}"),
            Self::Overdue(days) => write!(f, "overdue-{days}"),
        }
    }
}

/// A text that names no step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAStageKey;

impl fmt::Display for NotAStageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected lead-<days> or overdue-<days>")
    }
}

impl std::error::Error for NotAStageKey {}

impl FromStr for StageKey {
    type Err = NotAStageKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, days) = text.split_once('-').ok_or(NotAStageKey)?;
        let days = days.parse().map_err(|_| NotAStageKey)?;
        let key = match (word, days) {
            ("lead", _) => Self::Lead(days),
            ("overdue", 1..) => Self::Overdue(days),
            _ => return Err(NotAStageKey),
        };
        // One spelling only: no sign, no leading zero.
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(NotAStageKey)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_key_has_one_spelling() {
        for (key, text, ordinal) in [
            (StageKey::Lead(90), "lead-90", -90),
            (StageKey::Lead(1), "lead-1", -1),
            (StageKey::Lead(0), "lead-0", 0),
            (StageKey::Overdue(7), "overdue-7", 7),
        ] {
            assert_eq!(
                (key.to_string().as_str(), text.parse(), key.ordinal()),
                (text, Ok(key), ordinal)
            );
        }
        for text in [
            "",
            "lead",
            "lead-",
            "lead-00",
            "overdue-0",
            "lead-+1",
            "lead-01",
            "overdue--1",
            "Lead-1",
            "lead-1 ",
            "due-1",
        ] {
            assert_eq!(text.parse::<StageKey>(), Err(NotAStageKey), "{text:?}");
        }
    }
}
