//! The decision about a contract that ends: renewed, put out again, or ended. Its end and its notice deadline ask the same
//! question and close together. The other acts are in [`mod@super::verify`].

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{KIND, ObligationRow, cycles, require_open};
use crate::app::{Scope, Subject};
use crate::domain::reminder::ClosedBy;
use crate::domain::vocabulary::ObligationKind;
use crate::entries::state;
use crate::http::body::{clean_line, clean_lines};
use crate::http::error::{ApiError, FieldError};

/// What is decided about a contract that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionWord {
    /// It goes on with the same contractor.
    Renew,
    /// It is put out again.
    Retender,
    /// It ends.
    End,
}

impl DecisionWord {
    const fn code(self) -> &'static str {
        match self {
            Self::Renew => "renew",
            Self::Retender => "retender",
            Self::End => "end",
        }
    }

    /// As pages and receipts say it.
    pub const fn ja(self) -> &'static str {
        match self {
            Self::Renew => "更新する",
            Self::Retender => "改めて選定する",
            Self::End => "終了する",
        }
    }
}

/// A decision, taken here or recorded from elsewhere (電子決裁).
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionCreate {
    /// What is decided.
    pub decision: DecisionWord,
    /// When; today without it.
    #[serde(default)]
    #[schema(nullable = false)]
    pub decided_on: Option<NaiveDate>,
    /// Number of the document.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub document_number: Option<String>,
    /// Note.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// Records the decision about a contract that ends, and closes what asked for it.
///
/// # Errors
/// 409 when it is closed or of another kind, 422 for wrong values.
pub(crate) fn decide(scope: &mut Scope<'_>, row: &ObligationRow, mut new: DecisionCreate) -> Result<(), ApiError> {
    require_open(row, ClosedBy::Decision)?;
    if new.decided_on.is_some_and(|on| on > scope.today) {
        return Err(ApiError::Validation(vec![FieldError::new(
            "/decided_on",
            "out_of_range",
            "決定日は今日以前にしてください。",
            "It must not be in the future.",
        )]));
    }
    let mut errors = vec![];
    clean_line(&mut new.document_number, "/document_number", 100, &mut errors);
    clean_lines(&mut new.note, "/note", 1000, &mut errors);
    ApiError::unless_empty(errors)?;
    cycles::end_cycle(
        scope,
        &row.id,
        row.cycle,
        cycles::End::Closed,
        Some(new.decision.code()),
    )?;
    // End and notice deadline of a period ask the same question.
    for kind in [ObligationKind::ContractEnd, ObligationKind::NoticeDeadline] {
        cycles::close(scope, kind, &row.subject_id, new.decision.code())?;
    }
    let subject = Subject {
        kind: KIND,
        id: &row.id,
        organization_id: Some(&row.organization_id),
        entry_id: row.entry_id.as_deref(),
    };
    let payload = json!({"decision": new.decision, "decided_on": new.decided_on.unwrap_or(scope.today),
                "document_number": new.document_number, "note": new.note, "cycle": row.cycle, "due_on": row.due_on});
    scope.record("obligation.decided", subject, payload);
    if let Some(entry_id) = &row.entry_id {
        state::refresh(scope, entry_id, "obligation_decided")?;
    }
    Ok(())
}
