//! The answer in the words of ERPNext and Odoo.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GateAction, GateDecision, GateInput, GateReason, ReasonSeverity};

/// The answer in the words of ERPNext and Odoo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of ERPNext's supplier")]
pub struct ErpFlags {
    /// ERPNext: no request for quotation.
    pub prevent_rfqs: bool,
    /// ERPNext: a request for quotation shows a warning.
    pub warn_rfqs: bool,
    /// ERPNext: no purchase order.
    pub prevent_pos: bool,
    /// ERPNext: a purchase order shows a warning.
    pub warn_pos: bool,
    /// ERPNext: the supplier is on hold.
    pub on_hold: bool,
    /// ERPNext: `none` or `payments`.
    pub hold_type: String,
    /// ERPNext: when the hold ends; null while nobody knows.
    #[schema(required)]
    pub release_date: Option<NaiveDate>,
    /// ERPNext: the standing of the scorecard.
    pub standing: ErpStanding,
    /// Odoo: `no-message`, `warning` or `block`.
    pub purchase_warn: String,
    /// Odoo: the text of the warning.
    pub purchase_warn_msg: String,
}

/// A standing on ERPNext's scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErpStanding {
    /// Its name.
    pub name: String,
    /// 0 to 100, 100 being the best: a hundred less the residual score.
    #[schema(minimum = 0, maximum = 100)]
    pub score: u32,
    /// `green`, `yellow` or `red`.
    pub color: String,
}

/// Says an answer to ERPNext and Odoo: what is enforced, not what would be.
pub fn erp(input: &GateInput, enforced: GateDecision, reasons: &[GateReason]) -> ErpFlags {
    let stops = enforced == GateDecision::Block;
    let warns = enforced == GateDecision::AllowWithConditions;
    let (invites, pays) = (input.action == GateAction::Invite, input.action == GateAction::Pay);
    let orders = !invites && !pays;
    let (name, color, purchase_warn) = match enforced {
        GateDecision::Block => ("要改善", "red", "block"),
        GateDecision::AllowWithConditions | GateDecision::Unknown => ("注意", "yellow", "warning"),
        GateDecision::Allow => ("良好", "green", "no-message"),
    };
    let said: Vec<&str> = reasons
        .iter()
        .filter(|reason| reason.severity != ReasonSeverity::Info)
        .map(|reason| reason.message.as_str())
        .collect();
    let residual = input.entry.as_ref().map_or(0, |entry| entry.residual_score_x100);
    ErpFlags {
        prevent_rfqs: stops && invites,
        warn_rfqs: warns || (stops && !invites),
        prevent_pos: stops && orders,
        warn_pos: warns || (stops && invites),
        on_hold: stops,
        hold_type: if stops && pays { "payments" } else { "none" }.to_owned(),
        release_date: None,
        standing: ErpStanding {
            name: name.to_owned(),
            score: 100 - (residual / 100).min(100),
            color: color.to_owned(),
        },
        purchase_warn: purchase_warn.to_owned(),
        purchase_warn_msg: if purchase_warn == "no-message" {
            String::new()
        } else {
            said.join("\n")
        },
    }
}
