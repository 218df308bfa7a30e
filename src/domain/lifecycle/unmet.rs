//! What a transition lacks, said so that a client can act on it and a person can read it.

use super::situation::{Cause, Precondition, Standing};
use crate::domain::vocabulary::{CodeWord, FulfilmentStatus, Role};
use serde::Serialize;
use utoipa::ToSchema;

/// One thing that stands against a transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unmet {
    /// What kind of lack it is. Known values: `clause_below_gate`, `clause_not_reverified`, `clause_not_reagreed`,
    /// `condition_unmet`, `fact_unknown`, `facts_not_assessed`, `approval_missing`, `confirmation_missing`,
    /// `data_path_missing`, `verifier_role_required`, `self_approval_forbidden`, `c2_on_standard_terms`, `approval_end_required`,
    /// `approval_too_long`, `end_not_reached`, `cause_required`, `reason_required`, `role_required`; more may come.
    #[schema(pattern = "^[a-z][a-z0-9_]*$", max_length = 60)]
    pub code: &'static str,
    /// The condition or fact that is missing, for `condition_unmet` and `fact_unknown`.
    #[schema(required, max_length = 100)]
    pub item: Option<String>,
    /// The clause that is not far enough.
    #[schema(required, max_length = 100)]
    pub clause_key: Option<String>,
    /// How far it has to be: a fulfilment status.
    #[schema(required, value_type = Option<String>, max_length = 40)]
    pub required: Option<FulfilmentStatus>,
    /// How far it is: a fulfilment status.
    #[schema(required, value_type = Option<String>, max_length = 40)]
    pub actual: Option<FulfilmentStatus>,
    /// Whose approval, confirmation or hand is missing: any one of them will do.
    #[schema(max_items = 40)]
    pub roles: Vec<Role>,
    /// The request that takes the transition can supply it (reason, cause, end of the approval, a stated condition).
    pub in_request: bool,
    /// Japanese text for people.
    #[schema(max_length = 2000)]
    pub message: String,
    /// English text for people.
    #[schema(max_length = 2000)]
    pub message_en: String,
}

impl Unmet {
    pub(super) fn new(code: &'static str, message: impl Into<String>, message_en: impl Into<String>) -> Self {
        Self {
            code,
            item: None,
            clause_key: None,
            required: None,
            actual: None,
            roles: Vec::new(),
            in_request: false,
            message: message.into(),
            message_en: message_en.into(),
        }
    }

    pub(super) fn condition(condition: Precondition) -> Self {
        let plain = condition.code().replace('_', " ");
        Self {
            item: Some(condition.code().to_owned()),
            in_request: condition.is_stated(),
            ..Self::new(
                "condition_unmet",
                format!("次の条件を満たしていません：{}", condition.ja()),
                format!("Not shown yet: {plain}."),
            )
        }
    }

    pub(super) fn clause(
        code: &'static str,
        standing: &Standing<'_>,
        required: FulfilmentStatus,
        ja: &str,
        en: &str,
    ) -> Self {
        Self {
            clause_key: Some(standing.clause.key.clone()),
            required: Some(required),
            actual: Some(standing.status),
            ..Self::new(
                code,
                format!(
                    "条項「{}」{ja}（現在：{}）",
                    standing.clause.title_ja,
                    standing.status.ja()
                ),
                format!(
                    "Clause \"{}\" {en} (now: {}).",
                    standing.clause.title_en, standing.status
                ),
            )
        }
    }

    pub(super) fn of_roles(code: &'static str, roles: &[Role], ja: &str, en: &str) -> Self {
        let names: Vec<&str> = roles.iter().map(|role| role.ja()).collect();
        let codes: Vec<&str> = roles.iter().map(|role| role.code()).collect();
        Self {
            roles: roles.to_vec(),
            ..Self::new(
                code,
                format!("{ja}：{}", names.join("、")),
                format!("{en}: {}.", codes.join(", ")),
            )
        }
    }

    pub(super) fn cause(code: &'static str, causes: &[Cause]) -> Self {
        let names: Vec<&str> = causes.iter().map(|cause| cause.ja()).collect();
        let codes: Vec<&str> = causes.iter().map(|cause| cause.code()).collect();
        let (ja, en) = (
            format!("次のいずれかの事由が必要です：{}", names.join("、")),
            format!("Needs one of the causes: {}.", codes.join(", ")),
        );
        Self::new(code, ja, en).answerable()
    }

    /// The request itself can supply it.
    pub(super) fn answerable(self) -> Self {
        Self {
            in_request: true,
            ..self
        }
    }
}
