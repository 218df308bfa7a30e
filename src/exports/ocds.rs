//! Engagements in the Open Contracting Data Standard 1.1: a release package, a release for each engagement, an award and
//! a contract for each of its periods, the contractor as a party `JP-JCN-` with its corporate number.
//!
//! Only what is contract data leaves: no classification, no facts, no clauses, no risk. The prefix of the open contracting
//! ids has to be registered by whoever publishes; until then they begin with the code of the local government.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::app::Scope;
use crate::db::schema::{contractors, engagement_periods, local_governments, organizations};
use crate::domain::vocabulary::{CodeWord, Phase, Status};
use crate::http::error::ApiError;

/// How a package begins, up to its releases.
///
/// # Errors
/// A database failure.
pub(super) fn package(scope: &mut Scope<'_>) -> Result<String, ApiError> {
    let (name, public_url): (String, String) = local_governments::table
        .find(&scope.lg)
        .select((local_governments::name, local_governments::public_url))
        .first(scope.conn)?;
    let head = json!({
        "uri": public_url,
        "version": "1.1",
        "publishedDate": scope.at,
        "publisher": {"name": name},
    });
    // The object stays open: its last member is the list that follows.
    let head = head.to_string();
    let open = head.strip_suffix('}').unwrap_or(&head);
    Ok(format!("{open},\"releases\":["))
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = engagement_periods)]
struct Period {
    id: String,
    engagement_id: String,
    contract_number: Option<String>,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    amount_jpy: Option<i64>,
}

#[derive(Debug, Clone)]
struct Company {
    name: String,
    corporate_number: Option<String>,
    address: Option<String>,
    country: String,
}

/// The releases of these engagements, which are the API's own records.
///
/// # Errors
/// A database failure.
pub(super) fn releases(scope: &mut Scope<'_>, engagements: Vec<Value>) -> Result<Vec<Value>, ApiError> {
    let ids = |name: &str| -> BTreeSet<String> {
        let found = engagements
            .iter()
            .filter_map(|one| one.get(name).and_then(Value::as_str));
        found.map(str::to_owned).collect()
    };
    let code: String = local_governments::table
        .find(&scope.lg)
        .select(local_governments::code)
        .first(scope.conn)?;
    let rows: Vec<Period> = engagement_periods::table
        .filter(engagement_periods::local_government_id.eq(&scope.lg))
        .filter(engagement_periods::engagement_id.eq_any(ids("id")))
        .order((engagement_periods::engagement_id, engagement_periods::sequence))
        .select(Period::as_select())
        .load(scope.conn)?;
    let mut periods: BTreeMap<String, Vec<Period>> = BTreeMap::new();
    for row in rows {
        periods.entry(row.engagement_id.clone()).or_default().push(row);
    }
    type CompanyRow = (String, String, Option<String>, Option<String>, String);
    let rows: Vec<CompanyRow> = contractors::table
        .filter(contractors::local_government_id.eq(&scope.lg))
        .filter(contractors::id.eq_any(ids("contractor_id")))
        .select((
            contractors::id,
            contractors::name,
            contractors::corporate_number,
            contractors::address,
            contractors::country,
        ))
        .load(scope.conn)?;
    let companies: BTreeMap<String, Company> = rows
        .into_iter()
        .map(|(id, name, corporate_number, address, country)| {
            let company = Company {
                name,
                corporate_number,
                address,
                country,
            };
            (id, company)
        })
        .collect();
    let bodies: BTreeSet<String> = ids("organization_id")
        .into_iter()
        .chain(ids("contracting_organization_id"))
        .collect();
    let bodies: Vec<(String, String)> = organizations::table
        .filter(organizations::local_government_id.eq(&scope.lg))
        .filter(organizations::id.eq_any(bodies))
        .select((organizations::id, organizations::name))
        .load(scope.conn)?;
    let bodies: BTreeMap<String, String> = bodies.into_iter().collect();
    let today = scope.today;
    let release = |engagement: &Value| {
        let text = |name: &str| engagement.get(name).and_then(Value::as_str).unwrap_or_default();
        let periods = periods.get(text("id")).map(Vec::as_slice).unwrap_or_default();
        release(
            engagement,
            &code,
            periods,
            companies.get(text("contractor_id")),
            &bodies,
            today,
        )
    };
    Ok(engagements.iter().map(release).collect())
}

fn release(
    engagement: &Value,
    code: &str,
    periods: &[Period],
    company: Option<&Company>,
    bodies: &BTreeMap<String, String>,
    today: NaiveDate,
) -> Value {
    let text = |name: &str| engagement.get(name).and_then(Value::as_str).unwrap_or_default();
    let status = Status::parse(text("status")).unwrap_or(Status::Draft);
    let body = |id: &str| json!({"id": id, "name": bodies.get(id)});
    let buyer = body(text("contracting_organization_id"));
    let mut parties = vec![party(
        &buyer,
        if text("organization_id") == text("contracting_organization_id") {
            &["buyer", "procuringEntity"]
        } else {
            &["buyer"]
        },
    )];
    if text("organization_id") != text("contracting_organization_id") {
        parties.push(party(&body(text("organization_id")), &["procuringEntity"]));
    }
    let supplier = company.map(|company| {
        let id = match &company.corporate_number {
            Some(number) => format!("JP-JCN-{number}"),
            None => text("contractor_id").to_owned(),
        };
        json!({"id": id, "name": company.name})
    });
    if let (Some(supplier), Some(company)) = (&supplier, company) {
        let mut party = party(supplier, &["supplier"]);
        if let Some(number) = &company.corporate_number {
            put(
                &mut party,
                "identifier",
                json!({"scheme": "JP-JCN", "id": number, "legalName": company.name}),
            );
        }
        if let Some(address) = &company.address {
            put(
                &mut party,
                "address",
                json!({"streetAddress": address, "countryName": company.country}),
            );
        }
        parties.push(party);
    }
    let mut tags = vec![];
    let mut release = json!({
        "ocid": format!("ocds-{code}-{}", text("id")),
        "id": format!("{}-{}", text("id"), engagement.get("version").unwrap_or(&Value::Null)),
        "date": text("updated_at"),
        "initiationType": "tender",
        "language": "ja",
        "parties": parties,
        "buyer": buyer,
    });
    if let Some((method, details)) = method(text("procurement_method")) {
        tags.push("tender");
        put(
            &mut release,
            "tender",
            json!({
                "id": text("control_number"),
                "title": text("name"),
                "procurementMethod": method,
                "procurementMethodDetails": details,
            }),
        );
    }
    if let Some(supplier) = supplier.filter(|_| !periods.is_empty()) {
        tags.extend(["award", "contract"]);
        put(
            &mut release,
            "awards",
            periods
                .iter()
                .map(|period| award(period, text("name"), &supplier))
                .collect(),
        );
        put(
            &mut release,
            "contracts",
            periods
                .iter()
                .map(|period| contract(period, text("name"), status, today))
                .collect(),
        );
    }
    if tags.is_empty() {
        tags.push("planning");
    }
    put(&mut release, "tag", json!(tags));
    release
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn party(reference: &Value, roles: &[&str]) -> Value {
    let mut party = reference.clone();
    put(&mut party, "roles", json!(roles));
    party
}

/// The method in the standard's code list, and as the law calls it.
fn method(word: &str) -> Option<(&'static str, &'static str)> {
    Some(match word {
        "open_bid" => ("open", "一般競争入札"),
        "designated_bid" => ("selective", "指名競争入札"),
        "negotiated" => ("direct", "随意契約"),
        "proposal" => ("limited", "プロポーザル"),
        "other" => ("limited", "その他"),
        _ => return None,
    })
}

/// The standard's words need a time; a day lasts from its first to its last second in Japan.
fn span(period: &Period) -> Value {
    json!({
        "startDate": format!("{}T00:00:00+09:00", period.starts_on),
        "endDate": format!("{}T23:59:59+09:00", period.ends_on),
    })
}

fn award(period: &Period, title: &str, supplier: &Value) -> Value {
    let mut award = json!({
        "id": format!("award-{}", period.id),
        "title": title,
        "status": "active",
        "suppliers": [supplier],
        "contractPeriod": span(period),
    });
    if let Some(amount) = period.amount_jpy {
        put(&mut award, "value", json!({"amount": amount, "currency": "JPY"}));
    }
    award
}

fn contract(period: &Period, title: &str, status: Status, today: NaiveDate) -> Value {
    let standing = if status.phase() == Phase::None {
        "cancelled"
    } else if period.ends_on < today || status == Status::Closed {
        "terminated"
    } else if period.starts_on > today || status.phase() == Phase::Selection {
        "pending"
    } else {
        "active"
    };
    let mut contract = json!({
        "id": period.id,
        "awardID": format!("award-{}", period.id),
        "title": title,
        "status": standing,
        "period": span(period),
    });
    if let Some(number) = &period.contract_number {
        put(&mut contract, "description", json!(format!("契約番号 {number}")));
    }
    if let Some(amount) = period.amount_jpy {
        put(&mut contract, "value", json!({"amount": amount, "currency": "JPY"}));
    }
    contract
}
