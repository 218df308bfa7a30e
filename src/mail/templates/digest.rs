//! The reminder: one mail per address and day, with everything that this recipient is asked for.
//!
//! One item has its own subject line (確認の種類, 残り日数, 委託先, 管理番号); several have a summary subject, a table by
//! urgency and one section per organization (design §6 and §9 "Digest"). Which items are due, and to whom, was decided
//! before; here they are only said. Nothing restricted: clause titles, but no answers, evidence or weaknesses.

mod item;
mod render;
mod sample;

use super::{Link, Recipient};
use crate::domain::vocabulary::{Kind, Level, ObligationKind, Role};
use chrono::NaiveDate;

/// Everything for one recipient on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// Whom it addresses.
    pub recipient: Recipient,
    /// The local day of the digest; days left and over count from it.
    pub as_of: NaiveDate,
    /// One per organization, in the order to show.
    pub sections: Vec<Section>,
    /// Where the recipient answers.
    pub link: Option<Link>,
    /// Where questions go.
    pub contact: String,
    /// Invented data of a demonstration; the mail says so.
    pub demo: bool,
}

/// The items of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Name of the organization.
    pub organization: String,
    /// Its items.
    pub items: Vec<Item>,
}

/// One (obligation, cycle, stage).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is due.
    pub obligation: ObligationKind,
    /// What it is in particular, where the kind alone does not say; nothing restricted.
    pub detail: Option<String>,
    /// When.
    pub due_on: NaiveDate,
    /// Control number of the entry; `-` without one.
    pub control_number: String,
    /// Kind of the entry; absent where it is about something else.
    pub kind: Option<Kind>,
    /// What the organization's policy calls this kind (業務委託, 外部委託 …), or what else it is.
    pub kind_label: String,
    /// Name of the entry.
    pub name: String,
    /// Contractor or provider.
    pub counterpart: Option<Counterpart>,
    /// Department in charge.
    pub section: String,
    /// What is taken over, if that is what the item is about; it has no entry then.
    pub takeover: Option<Takeover>,
    /// Name of the owner; absent while there is none.
    pub owner: Option<String>,
    /// Name of the deputy.
    pub deputy: Option<String>,
    /// Titles of the clauses to confirm.
    pub clauses: Vec<String>,
    /// The last verification.
    pub last_verified: Option<LastVerified>,
    /// Evidence that is wanted.
    pub evidence: Vec<String>,
    /// Risk of the entry.
    pub risk: Option<RiskLine>,
    /// Why this recipient gets it.
    pub addressed_as: AddressedAs,
    /// What happens next without an answer.
    pub next_escalation: Option<Escalation>,
}

/// What a person or a post takes over on transfer of personnel, or leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    /// The post that it comes with or from; absent when a person hands over.
    pub post: Option<String>,
    /// The day of the move; the last day of a term.
    pub on: NaiveDate,
    /// Nobody takes it over: a successor is wanted.
    pub vacant: bool,
    /// How many things.
    pub count: usize,
    /// The first of them by the date on which something is due: control number, name, date.
    pub first: Vec<(String, String, Option<NaiveDate>)>,
}

/// The other side of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterpart {
    /// Name of the company.
    pub name: String,
    /// 法人番号.
    pub corporate_number: Option<String>,
}

/// When and by whom an entry was last confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastVerified {
    /// The day.
    pub on: NaiveDate,
    /// Name of the verifier.
    pub by: Option<String>,
}

/// Risk in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskLine {
    /// Residual level.
    pub level: Level,
    /// The main reason, in words that disclose no weakness.
    pub reason: Option<String>,
}

/// In which capacity the recipient is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressedAs {
    /// The one who answers.
    Owner,
    /// Deputy of the owner.
    Deputy,
    /// Stands in for the owner, who is away (不在代理).
    Delegate,
    /// Holder of the role that verifies these clauses.
    Verifier(Role),
    /// Holder of a role that is told of incidents at once.
    Informed(Role),
    /// Mailbox of the department in charge.
    DepartmentMailbox,
    /// Superior: the item is open past its due date.
    Superior(Role),
}

/// The next step of escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Sending day.
    pub on: NaiveDate,
    /// Roles that will be told.
    pub to: Vec<Role>,
}
