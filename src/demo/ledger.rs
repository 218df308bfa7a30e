//! Loads the invented ledger (`ledger.yaml`) through the same functions as the API: five local governments with their
//! organizations, people, contractors and entries, relative to the day of the demo.

mod deeds;
mod proofs;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::app::{App, Scope};
use crate::cli::{NewTenant, make_tenant};
use crate::db::schema::organizations;
use crate::domain::identifier::CorporateNumber;
use crate::domain::profile::{Ground, Profile};
use crate::domain::vocabulary::{Kind, Role};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::{
    clause_templates, cloud_services, contractors, departments, engagements, evidence, people, posts,
    social_media_accounts, social_media_services,
};

use proofs::{Paper, Proofs, fulfil};

const ALL: Organizations = Organizations::All;

#[derive(Debug, Deserialize)]
struct Ledger {
    contractors: Vec<Company>,
    surnames: Vec<String>,
    given: Vec<String>,
    departments: Vec<Office>,
    fact_sets: BTreeMap<String, Value>,
    template: Annex,
    engagements: Vec<Work>,
    cloud_services: Vec<Cloud>,
    social_media_accounts: Vec<Account>,
}

#[derive(Debug, Deserialize)]
struct Company {
    base: String,
    name: String,
    kana: String,
    prefecture: String,
    mail: String,
}

#[derive(Debug, Deserialize)]
struct Office {
    code: String,
    name: String,
    kana: String,
    mailbox: String,
}

#[derive(Debug, Deserialize)]
struct Annex {
    name: String,
    edition: String,
    articles: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Work {
    name: String,
    kana: String,
    facts: String,
    department: usize,
    contractor: usize,
    started: i64,
    period: (i64, i64),
    notice: Option<i64>,
    verified: Option<i64>,
    missing: Vec<String>,
    evidence: Option<Paper>,
}

#[derive(Debug, Deserialize)]
struct Cloud {
    name: String,
    kana: String,
    facts: String,
    department: usize,
    contractor: usize,
    started: i64,
    approval: i64,
    verified: Option<i64>,
    missing: Vec<String>,
    ismap: String,
    model: String,
    purpose: String,
    evidence: Option<Paper>,
}

#[derive(Debug, Deserialize)]
struct Account {
    name: String,
    kana: String,
    platform: String,
    department: usize,
    started: i64,
    verified: Option<i64>,
    missing: Vec<String>,
    handle: String,
    purpose: String,
}

/// The profiles that name a local government.
pub(super) fn profiles(app: &App) -> impl Iterator<Item = &Profile> {
    app.profiles
        .iter()
        .filter(|profile| profile.local_government.code.is_some())
}

/// The address of the first person of the first local government, its CISO.
pub(super) fn first_address(app: &App) -> String {
    profiles(app)
        .next()
        .map(|profile| format!("p001@{}", domain(profile)))
        .unwrap_or_default()
}

/// The mail domain of an invented body.
fn domain(profile: &Profile) -> String {
    format!("{}.example.lg.jp", profile.key.replace('_', "-"))
}

/// Loads the local governments that are not there yet, each with its whole ledger in one transaction.
pub(super) fn load(app: &App) -> Result<(), ApiError> {
    let ledger: Ledger =
        serde_saphyr::from_str(include_str!("ledger.yaml")).map_err(|error| ApiError::internal(error.to_string()))?;
    for (nth, profile) in profiles(app).enumerate() {
        let government = &profile.local_government;
        let domain = domain(profile);
        make_tenant(
            app,
            profile,
            &NewTenant {
                code: government.code.as_deref().unwrap_or_default(),
                name: &government.name,
                name_kana: &government.name_kana,
                mail_from: &format!("kakunin@{domain}"),
                contact: "情報政策課　内線0000（架空）",
                is_demo: true,
                sending_minute: 0,
            },
            |scope| Body::new(scope, &ledger, profile, nth, domain.clone())?.fill(scope),
        )?;
    }
    Ok(())
}

/// A wire type from JSON, as a client would send it.
fn wire<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(ApiError::internal)
}

/// What stands behind a department: its id, the post of its head, and a member of staff.
struct Desk {
    department: String,
    post: String,
    staff: String,
}

/// One local government while it is filled.
struct Body<'l> {
    ledger: &'l Ledger,
    profile: &'l Profile,
    nth: usize,
    domain: String,
    named: usize,
    organizations: Vec<String>,
    companies: Vec<String>,
    desks: Vec<Desk>,
    template: String,
}

impl<'l> Body<'l> {
    fn new(
        scope: &mut Scope<'_>,
        ledger: &'l Ledger,
        profile: &'l Profile,
        nth: usize,
        domain: String,
    ) -> Result<Self, ApiError> {
        let organizations = organizations::table
            .filter(organizations::local_government_id.eq(&scope.lg))
            .order(organizations::id)
            .select(organizations::id)
            .load(scope.conn)?;
        Ok(Self {
            ledger,
            profile,
            nth,
            domain,
            named: 0,
            organizations,
            companies: vec![],
            desks: vec![],
            template: String::new(),
        })
    }

    fn organization(&self, nth: usize) -> &str {
        let at = nth % self.organizations.len().max(1);
        self.organizations.get(at).map(String::as_str).unwrap_or_default()
    }

    fn fill(&mut self, scope: &mut Scope<'_>) -> Result<(), ApiError> {
        self.superiors(scope)?;
        for (i, office) in self.ledger.departments.iter().enumerate() {
            self.desk(scope, i, office)?;
        }
        for company in &self.ledger.contractors {
            let number = CorporateNumber::from_base(&company.base).map_err(|e| ApiError::internal(e.message_en()))?;
            let new = json!({"name": company.name, "name_kana": company.kana, "corporate_number": number.as_str(),
                "prefecture_code": company.prefecture, "note": "デモ用の架空の事業者です。",
                "contacts": [{"name": "セキュリティ窓口", "email": company.mail, "phone": null, "kind": "security"}]});
            self.companies.push(contractors::create(scope, wire(new)?)?.id);
        }
        self.template = self.annex(scope)?;
        for (i, work) in self.ledger.engagements.iter().enumerate() {
            self.engagement(scope, i, work)?;
        }
        for (i, cloud) in self.ledger.cloud_services.iter().enumerate() {
            self.cloud(scope, i, cloud)?;
        }
        if self.profile.module(Kind::SocialMediaAccount).ground != Ground::Unused {
            for (i, account) in self.ledger.social_media_accounts.iter().enumerate() {
                self.account(scope, i, account)?;
            }
        }
        deeds::add(scope, self.organization(0), self.company(5))
    }

    /// The standard annex of the first organization.
    fn annex(&self, scope: &mut Scope<'_>) -> Result<String, ApiError> {
        let annex = &self.ledger.template;
        let articles: Vec<Value> = annex
            .articles
            .iter()
            .zip(4..)
            .map(|(key, number)| json!({"clause_key": key, "article": format!("第{number}条")}))
            .collect();
        let new = json!({"organization_id": self.organization(0), "name": annex.name, "edition": annex.edition,
            "valid_from_on": offset(scope.today, -1500), "articles": articles});
        Ok(clause_templates::create(scope, &ALL, wire(new)?)?.head.id)
    }

    /// An invented name and address.
    fn name(&mut self) -> (String, String) {
        let n = self.nth * 7 + self.named;
        self.named += 1;
        let pick = |list: &[String], at: usize| list.get(at % list.len().max(1)).cloned().unwrap_or_default();
        let name = format!(
            "{} {}",
            pick(&self.ledger.surnames, n * 3 + 1),
            pick(&self.ledger.given, n * 5 + 2)
        );
        (name, format!("p{:03}@{}", self.named, self.domain))
    }

    /// The line of command of every organization.
    fn superiors(&mut self, scope: &mut Scope<'_>) -> Result<(), ApiError> {
        for role in [
            Role::Ciso,
            Role::SupervisingSecurityOfficer,
            Role::DivisionSecurityOfficer,
            Role::SystemManager,
            Role::ProcurementOfficer,
        ] {
            let (name, email) = self.name();
            let from = offset(scope.today, -800);
            let roles: Vec<Value> = self
                .organizations
                .iter()
                .map(|id| json!({"organization_id": id, "role": role, "starts_on": from}))
                .collect();
            people::create(
                scope,
                &ALL,
                wire(json!({"name": name, "email": email, "roles": roles}))?,
            )?;
        }
        Ok(())
    }

    /// A department of the first organization with its head, as a post, and a member of staff.
    fn desk(&mut self, scope: &mut Scope<'_>, nth: usize, office: &Office) -> Result<(), ApiError> {
        let organization_id = self.organization(0).to_owned();
        let new = json!({"organization_id": organization_id, "code": office.code, "name": office.name,
            "name_kana": office.kana, "mailbox": format!("{}@{}", office.mailbox, self.domain)});
        let department = departments::create(scope, &ALL, wire(new)?)?.id;
        let from = offset(scope.today, -800);
        let appointment = json!({"organization_id": organization_id, "department_id": department, "starts_on": from});
        let (name, email) = self.name();
        let head = json!({"name": name, "email": email, "appointments": [appointment]});
        let head = people::create(scope, &ALL, wire(head)?)?.id;
        let (name, email) = self.name();
        // One in four has no address of their own: the department's mailbox receives their mail.
        let email = if nth == 2 { Value::Null } else { Value::String(email) };
        let staff = json!({"name": name, "email": email, "appointments": [appointment]});
        let staff = people::create(scope, &ALL, wire(staff)?)?.id;
        let roles: Vec<Value> = [
            Role::SectionSecurityManager,
            Role::UsageApprover,
            Role::CloudServiceAdministrator,
        ]
        .iter()
        .map(|role| json!({"role": role, "department_id": department, "starts_on": from}))
        .collect();
        let post = json!({"organization_id": organization_id, "department_id": department,
            "name": format!("{}長", office.name), "holders": [{"person_id": head, "starts_on": from}], "roles": roles});
        let post = posts::create(scope, &ALL, wire(post)?)?.id;
        self.desks.push(Desk {
            department,
            post,
            staff,
        });
        Ok(())
    }

    /// The fields that every entry has.
    fn common(&self, scope: &Scope<'_>, name: &str, kana: &str, desk: usize, facts: &Value, started: i64) -> Value {
        let desk = self.desks.get(desk % self.desks.len().max(1));
        json!({
            "organization_id": self.organization(0),
            "department_id": desk.map(|desk| &desk.department),
            "name": name,
            "name_kana": kana,
            "owner": {"post_id": desk.map(|desk| &desk.post)},
            "deputy": {"person_id": desk.map(|desk| &desk.staff)},
            "facts": facts,
            "registered_as_existing": true,
            "started_on": offset(scope.today, started),
            "note": "デモ用の架空の記録です。",
        })
    }

    fn facts(&self, name: &str) -> Value {
        self.ledger.fact_sets.get(name).cloned().unwrap_or_default()
    }

    fn company(&self, nth: usize) -> &str {
        self.companies
            .get(nth % self.companies.len().max(1))
            .map(String::as_str)
            .unwrap_or_default()
    }

    fn engagement(&self, scope: &mut Scope<'_>, nth: usize, work: &Work) -> Result<(), ApiError> {
        let today = scope.today;
        let mut new = self.common(
            scope,
            &work.name,
            &work.kana,
            work.department,
            &self.facts(&work.facts),
            work.started,
        );
        // What other organizations of the body have contracted is theirs; the first one signs and pays.
        merge(
            &mut new,
            json!({
                "organization_id": self.organization(nth / 3),
                "contracting_organization_id": self.organization(0),
                "status": "in_performance",
                "contractor_id": self.company(work.contractor),
                "procurement_method": "designated_bid",
                "period": {
                    "contract_number": format!("契約第{}号", 100 + nth),
                    "starts_on": offset(today, work.period.0),
                    "ends_on": offset(today, work.period.1),
                    "notice_deadline_on": work.notice.map(|days| offset(today, days)),
                    "amount_jpy": 1_200_000 * (nth + 1),
                },
            }),
        );
        let made = engagements::create(scope, &ALL, wire(new)?)?;
        let (id, organization) = (made.entry.id, self.organization(nth / 3));
        let contract = json!({"organization_id": organization, "entry_id": id, "kind": "contract_clause",
            "title": "業務委託契約書（特記仕様書を含む。）", "document_number": format!("契約第{}号", 100 + nth),
            "issued_on": offset(today, work.period.0)});
        let mut proofs = Proofs {
            contract: Some(evidence::create(scope, &ALL, wire(contract)?)?.id),
            answers: BTreeMap::new(),
        };
        if let Some(paper) = &work.evidence {
            proofs.add(scope, organization, &id, self.company(work.contractor), paper)?;
        }
        if let Some(period) = made.current_period.filter(|_| nth == 2) {
            let new = json!({"template_id": self.template, "evidence_id": proofs.contract,
                "agreed_on": period.starts_on});
            clause_templates::apply(scope, &ALL, &period.id, &wire(new)?, Lang::Ja)?;
        }
        fulfil(scope, &id, work.verified, &work.missing, &proofs, nth)
    }

    fn cloud(&self, scope: &mut Scope<'_>, nth: usize, cloud: &Cloud) -> Result<(), ApiError> {
        let today = scope.today;
        let mut new = self.common(
            scope,
            &cloud.name,
            &cloud.kana,
            cloud.department,
            &self.facts(&cloud.facts),
            cloud.started,
        );
        merge(
            &mut new,
            json!({
                "status": "in_use",
                "provider_contractor_id": self.company(cloud.contractor),
                "service_model": cloud.model,
                "purpose": cloud.purpose,
                "data_countries": ["JP"],
                "approval_valid_until_on": offset(today, cloud.approval),
                "ismap_status": cloud.ismap,
            }),
        );
        let id = cloud_services::create(scope, &ALL, wire(new)?)?.entry.id;
        let mut proofs = Proofs::default();
        if let Some(paper) = &cloud.evidence {
            proofs.add(scope, self.organization(0), &id, self.company(cloud.contractor), paper)?;
        }
        fulfil(scope, &id, cloud.verified, &cloud.missing, &proofs, nth)
    }

    fn account(&self, scope: &mut Scope<'_>, nth: usize, account: &Account) -> Result<(), ApiError> {
        let desk = self.desks.get(account.department % self.desks.len().max(1));
        let service = json!({
            "organization_id": self.organization(0),
            "platform": account.platform,
            "responsible": {"post_id": desk.map(|desk| &desk.post)},
            "operating_procedure": "投稿は二人で確認し、行政情報と災害情報を発信する。個人への返信はしない。",
            "operating_procedure_revised_on": offset(scope.today, -250),
            "publishable_information": "公表済みの情報に限る。",
        });
        let service = social_media_services::create(scope, &ALL, wire(service)?)?.id;
        let mut new = self.common(
            scope,
            &account.name,
            &account.kana,
            account.department,
            &self.facts("social"),
            account.started,
        );
        let handle = format!("{}_{}", account.handle, self.nth);
        merge(
            &mut new,
            json!({
                "status": "operating",
                "social_media_service_id": service,
                "platform_account_id": format!("{}{:06}", self.nth + 1, nth * 7919 + 11),
                "url": format!("https://social.example.com/{handle}"),
                "handle": handle,
                "purpose": account.purpose,
                "verified_badge": nth == 0,
                "listed_on_official_site": true,
                "last_post_on": offset(scope.today, -3),
            }),
        );
        let id = social_media_accounts::create(scope, &ALL, wire(new)?)?.entry.id;
        fulfil(scope, &id, account.verified, &account.missing, &Proofs::default(), nth)
    }
}

fn offset(today: NaiveDate, days: i64) -> NaiveDate {
    let by = Days::new(days.unsigned_abs());
    if days < 0 {
        today.checked_sub_days(by)
    } else {
        today.checked_add_days(by)
    }
    .unwrap_or(today)
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
