//! One row of a lifecycle table: its word, where it starts and leads, who may take it and what it asks for.

use super::guard::Guard;
use crate::domain::vocabulary::{CodeWord, Kind, Role, Status};

/// Where a transition leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Into this status.
    To(Status),
    /// The status stays; the act itself is what counts (a new period, a recorded verification).
    Stay,
}

/// Who may take a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Any person of the organization.
    Anyone,
    /// A person with at least one of these roles.
    AnyOf(&'static [Role]),
}

impl Who {
    /// May a person with these roles take it?
    pub fn allows(self, roles: &[Role]) -> bool {
        match self {
            Self::Anyone => true,
            Self::AnyOf(allowed) => allowed.iter().any(|role| roles.contains(role)),
        }
    }

    /// The roles to show; all of them for [`Who::Anyone`].
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Anyone => Role::ALL,
            Self::AnyOf(allowed) => allowed,
        }
    }
}

/// One row of a lifecycle table.
#[derive(Debug, Clone, Copy)]
pub struct Transition {
    /// Its word in the API and in the catalogue's gates, such as `conclude_contract`.
    pub key: &'static str,
    /// The kind it belongs to.
    pub kind: Kind,
    /// The statuses it starts from.
    pub from: &'static [Status],
    /// Where it leads.
    pub to: Target,
    /// Who may take it.
    pub who: Who,
    /// It approves what somebody applied for, so that the applicant may not take it (separation of duties).
    pub needs_separate_approver: bool,
    /// What must hold besides the clause gates of the catalogue and the reason that every transition needs.
    pub guards: &'static [Guard],
    /// Japanese name.
    pub ja: &'static str,
    /// English name.
    pub en: &'static str,
}

impl Transition {
    /// A row without guards that anyone may take; the methods below narrow it.
    pub(super) const fn new(
        kind: Kind,
        key: &'static str,
        ja: &'static str,
        en: &'static str,
        from: &'static [Status],
        to: Target,
    ) -> Self {
        Self {
            key,
            kind,
            from,
            to,
            who: Who::Anyone,
            needs_separate_approver: false,
            guards: &[],
            ja,
            en,
        }
    }

    pub(super) const fn by(self, roles: &'static [Role]) -> Self {
        Self {
            who: Who::AnyOf(roles),
            ..self
        }
    }

    pub(super) const fn guarded(self, guards: &'static [Guard]) -> Self {
        Self { guards, ..self }
    }

    pub(super) const fn approving(self) -> Self {
        Self {
            needs_separate_approver: true,
            ..self
        }
    }

    /// The status after it was taken from `from`.
    pub const fn leads_to(&self, from: Status) -> Status {
        match self.to {
            Target::To(status) => status,
            Target::Stay => from,
        }
    }
}
