//! The rows of a contractor: reading it whole, writing it whole.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::KIND;
use super::wire::{Certification, Contractor, ContractorContact, ContractorStatus, Debarment, State};
use crate::app::Scope;
use crate::clock::Instant;
use crate::db::schema::{contractor_certifications, contractor_contacts, contractors};
use crate::db::search;
use crate::domain::text::fold;
use crate::external_ids;
use crate::http::error::{ApiError, SameName};

/// The row, without its lists.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = contractors)]
pub(super) struct ContractorRow {
    pub id: String,
    name: String,
    name_kana: Option<String>,
    legal_form: Option<String>,
    corporate_number: Option<String>,
    invoice_registration_number: Option<String>,
    country: String,
    prefecture_code: Option<String>,
    address: Option<String>,
    parent_contractor_id: Option<String>,
    status: String,
    debarred_from_on: Option<NaiveDate>,
    debarred_to_on: Option<NaiveDate>,
    debarment_reason: Option<String>,
    note: Option<String>,
    version: i64,
    created_at: Instant,
    created_by: String,
    updated_at: Instant,
    updated_by: String,
    archived_at: Option<Instant>,
}

/// Adds the lists of these rows, with one query a list.
pub(super) fn complete(scope: &mut Scope<'_>, rows: Vec<ContractorRow>) -> Result<Vec<Contractor>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut certifications: BTreeMap<String, Vec<Certification>> = BTreeMap::new();
    type CertificationRow = (String, String, Option<String>, Option<String>, Option<NaiveDate>);
    let found: Vec<CertificationRow> = contractor_certifications::table
        .filter(contractor_certifications::local_government_id.eq(&scope.lg))
        .filter(contractor_certifications::contractor_id.eq_any(&ids))
        .order((
            contractor_certifications::contractor_id,
            contractor_certifications::position,
        ))
        .select((
            contractor_certifications::contractor_id,
            contractor_certifications::scheme,
            contractor_certifications::number,
            contractor_certifications::scope,
            contractor_certifications::valid_until_on,
        ))
        .load(scope.conn)?;
    for (id, scheme, number, scope, valid_until_on) in found {
        certifications.entry(id).or_default().push(Certification {
            scheme,
            number,
            scope,
            valid_until_on,
        });
    }
    let mut contacts: BTreeMap<String, Vec<ContractorContact>> = BTreeMap::new();
    let found: Vec<(String, String, Option<String>, Option<String>, String)> = contractor_contacts::table
        .filter(contractor_contacts::local_government_id.eq(&scope.lg))
        .filter(contractor_contacts::contractor_id.eq_any(&ids))
        .order((contractor_contacts::contractor_id, contractor_contacts::position))
        .select((
            contractor_contacts::contractor_id,
            contractor_contacts::name,
            contractor_contacts::email,
            contractor_contacts::phone,
            contractor_contacts::kind,
        ))
        .load(scope.conn)?;
    for (id, name, email, phone, kind) in found {
        contacts.entry(id).or_default().push(ContractorContact {
            name,
            email,
            phone,
            kind,
        });
    }
    let mut external = external_ids::of(scope, KIND, &ids)?;
    rows.into_iter()
        .map(|row| {
            Ok(Contractor {
                certifications: certifications.remove(&row.id).unwrap_or_default(),
                contacts: contacts.remove(&row.id).unwrap_or_default(),
                external_ids: external.remove(&row.id).unwrap_or_default(),
                debarment: row.debarred_from_on.map(|from_on| Debarment {
                    from_on,
                    to_on: row.debarred_to_on,
                    reason: row.debarment_reason.unwrap_or_default(),
                }),
                status: serde_json::from_value(serde_json::Value::String(row.status))?,
                id: row.id,
                name: row.name,
                name_kana: row.name_kana,
                legal_form: row.legal_form,
                corporate_number: row.corporate_number,
                invoice_registration_number: row.invoice_registration_number,
                country: row.country,
                prefecture_code: row.prefecture_code,
                address: row.address,
                parent_contractor_id: row.parent_contractor_id,
                note: row.note,
                version: row.version,
                created_at: row.created_at,
                created_by: row.created_by,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
                archived_at: row.archived_at,
            })
        })
        .collect()
}

pub(crate) fn find(scope: &mut Scope<'_>, id: &str) -> Result<Contractor, ApiError> {
    let row = contractors::table
        .find((&scope.lg, id))
        .select(ContractorRow::as_select())
        .first(scope.conn)?;
    complete(scope, vec![row])?.pop().ok_or(ApiError::NotFound)
}

/// Those of these contractors that are not archived.
pub(crate) fn of_ids(scope: &mut Scope<'_>, ids: &[String]) -> Result<Vec<Contractor>, ApiError> {
    let rows = contractors::table
        .filter(contractors::local_government_id.eq(&scope.lg))
        .filter(contractors::id.eq_any(ids))
        .filter(contractors::archived_at.is_null())
        .select(ContractorRow::as_select())
        .load(scope.conn)?;
    complete(scope, rows)
}

pub(super) fn exists(scope: &mut Scope<'_>, id: &str) -> Result<bool, ApiError> {
    let found: Option<String> = contractors::table
        .find((&scope.lg, id))
        .filter(contractors::archived_at.is_null())
        .select(contractors::id)
        .first(scope.conn)
        .optional()?;
    Ok(found.is_some())
}

/// The folded name, cut to what PostgreSQL takes into an index.
fn name_key(name: &str) -> String {
    fold(name).chars().take(200).collect()
}

/// The contractors of this name that are not archived, the oldest first.
pub(super) fn of_name(scope: &mut Scope<'_>, name: &str, limit: usize) -> Result<Vec<SameName>, ApiError> {
    // Sorted and cut here: SQLite, asked for this order, walks the primary key through every contractor.
    let mut rows: Vec<(String, String, Option<String>)> = contractors::table
        .filter(contractors::local_government_id.eq(&scope.lg))
        .filter(contractors::name_key.eq(Some(name_key(name))))
        .filter(contractors::archived_at.is_null())
        .select((contractors::id, contractors::name, contractors::corporate_number))
        .load(scope.conn)?;
    rows.sort_unstable();
    rows.truncate(limit);
    Ok(rows
        .into_iter()
        .map(|(id, name, corporate_number)| SameName {
            id,
            name,
            corporate_number,
        })
        .collect())
}

/// The contractor of this corporate number, which only one has.
pub(crate) fn of_number(scope: &mut Scope<'_>, number: &str) -> Result<Option<String>, ApiError> {
    Ok(contractors::table
        .filter(contractors::local_government_id.eq(&scope.lg))
        .filter(contractors::corporate_number.eq(Some(number)))
        .select(contractors::id)
        .first(scope.conn)
        .optional()?)
}

#[derive(AsChangeset, Insertable)]
#[diesel(table_name = contractors, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Values<'a> {
    name: &'a str,
    name_kana: Option<&'a str>,
    legal_form: Option<&'a str>,
    corporate_number: Option<&'a str>,
    invoice_registration_number: Option<&'a str>,
    country: &'a str,
    prefecture_code: Option<&'a str>,
    address: Option<&'a str>,
    parent_contractor_id: Option<&'a str>,
    status: &'static str,
    debarred_from_on: Option<NaiveDate>,
    debarred_to_on: Option<NaiveDate>,
    debarment_reason: Option<&'a str>,
    note: Option<&'a str>,
    search_text: String,
    name_key: String,
    updated_at: Instant,
    updated_by: String,
}

fn values<'a>(scope: &Scope<'_>, state: &'a State) -> Values<'a> {
    let debarment = state.debarment.as_ref();
    Values {
        name: &state.name,
        name_kana: state.name_kana.as_deref(),
        legal_form: state.legal_form.as_deref(),
        corporate_number: state.corporate_number.as_deref(),
        invoice_registration_number: state.invoice_registration_number.as_deref(),
        country: &state.country,
        prefecture_code: state.prefecture_code.as_deref(),
        address: state.address.as_deref(),
        parent_contractor_id: state.parent_contractor_id.as_deref(),
        status: match state.status {
            ContractorStatus::Active => "active",
            ContractorStatus::Suspended => "suspended",
            ContractorStatus::Debarred => "debarred",
        },
        debarred_from_on: debarment.map(|d| d.from_on),
        debarred_to_on: debarment.and_then(|d| d.to_on),
        debarment_reason: debarment.map(|d| d.reason.as_str()),
        note: state.note.as_deref(),
        search_text: search::folded([Some(state.name.as_str()), state.name_kana.as_deref()]),
        name_key: name_key(&state.name),
        updated_at: scope.at,
        updated_by: scope.by(),
    }
}

pub(super) fn insert(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::insert_into(contractors::table)
        .values((
            contractors::local_government_id.eq(&scope.lg),
            contractors::id.eq(id),
            values(scope, state),
            contractors::version.eq(1),
            contractors::created_at.eq(scope.at),
            contractors::created_by.eq(scope.by()),
        ))
        .execute(scope.conn)?;
    write_lists(scope, id, state)
}

pub(super) fn update(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::update(contractors::table.find((&scope.lg, id)))
        .set((values(scope, state), contractors::version.eq(contractors::version + 1)))
        .execute(scope.conn)?;
    write_lists(scope, id, state)
}

fn write_lists(scope: &mut Scope<'_>, id: &str, state: &State) -> Result<(), ApiError> {
    diesel::delete(
        contractor_certifications::table
            .filter(contractor_certifications::local_government_id.eq(&scope.lg))
            .filter(contractor_certifications::contractor_id.eq(id)),
    )
    .execute(scope.conn)?;
    for (position, certification) in (0..).zip(&state.certifications) {
        diesel::insert_into(contractor_certifications::table)
            .values((
                contractor_certifications::local_government_id.eq(&scope.lg),
                contractor_certifications::id.eq(scope.new_id()),
                contractor_certifications::contractor_id.eq(id),
                contractor_certifications::position.eq(position),
                contractor_certifications::scheme.eq(&certification.scheme),
                contractor_certifications::number.eq(&certification.number),
                contractor_certifications::scope.eq(&certification.scope),
                contractor_certifications::valid_until_on.eq(certification.valid_until_on),
            ))
            .execute(scope.conn)?;
    }
    diesel::delete(
        contractor_contacts::table
            .filter(contractor_contacts::local_government_id.eq(&scope.lg))
            .filter(contractor_contacts::contractor_id.eq(id)),
    )
    .execute(scope.conn)?;
    for (position, contact) in (0..).zip(&state.contacts) {
        diesel::insert_into(contractor_contacts::table)
            .values((
                contractor_contacts::local_government_id.eq(&scope.lg),
                contractor_contacts::id.eq(scope.new_id()),
                contractor_contacts::contractor_id.eq(id),
                contractor_contacts::position.eq(position),
                contractor_contacts::name.eq(&contact.name),
                contractor_contacts::email.eq(&contact.email),
                contractor_contacts::phone.eq(&contact.phone),
                contractor_contacts::kind.eq(&contact.kind),
            ))
            .execute(scope.conn)?;
    }
    external_ids::replace(scope, KIND, id, &state.external_ids)?;
    let text = search::folded([Some(state.name.as_str()), state.name_kana.as_deref()]);
    search::index(scope, KIND, id, &text)
}

pub(super) fn archive(scope: &mut Scope<'_>, id: &str) -> Result<(), ApiError> {
    diesel::update(contractors::table.find((&scope.lg, id)))
        .set((
            contractors::archived_at.eq(Some(scope.at)),
            contractors::updated_at.eq(scope.at),
            contractors::updated_by.eq(scope.by()),
            contractors::version.eq(contractors::version + 1),
        ))
        .execute(scope.conn)?;
    Ok(())
}
