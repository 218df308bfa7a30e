//! The registers: engagements, cloud services, social-media accounts, all three together, and contractors. Filters are
//! in the address, pages go on by the cursor of the API's lists, and a register shows what its viewer may see.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::frame::{Frame, page};
use super::overview::{Choice, register_path};
use super::said;
use super::viewer::Viewer;
use crate::app::Scope;
use crate::contractors::ContractorFilter;
use crate::contractors::wire::ContractorStatus;
use crate::departments::tree::{Branch, tree, with_below};
use crate::domain::lifecycle;
use crate::domain::vocabulary::{CodeWord, Kind, Level, Status};
use crate::entries::list::{Counted, EntryFilter, select_page};
use crate::entries::rows::EntryRow;
use crate::exports::subject::typed;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::reports::line;
use crate::{contractors, social_media_accounts};

/// Entries of a page.
const LIMIT: i64 = 50;

/// The filters of a register, as the form sends them: what is not chosen is empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    q: String,
    #[serde(default)]
    organization_id: String,
    #[serde(default)]
    department_id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    risk_level: String,
    #[serde(default)]
    due: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    impact: String,
    #[serde(default)]
    exposure: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    archived: String,
    #[serde(default)]
    cursor: String,
}

/// The status that stands for all that are no end.
const LIVING: &str = "living";

impl Query {
    /// The filter of the list that this asks for; a department stands for those below it too.
    fn filter(
        &self,
        scope: &Scope<'_>,
        viewer: &Viewer,
        kind: Option<Kind>,
        tree: &[Branch],
    ) -> Result<EntryFilter, ApiError> {
        let mut asked: Map<String, Value> = Map::new();
        let living = self.status == LIVING;
        let status = if living { "" } else { self.status.as_str() };
        let named = [
            ("q", self.q.as_str()),
            ("organization_id", &self.organization_id),
            ("status", status),
            ("risk_level", &self.risk_level),
            ("sort", &self.sort),
            ("cursor", &self.cursor),
        ];
        for (name, value) in named {
            let value = value.trim();
            if !value.is_empty() {
                asked.insert(name.to_owned(), value.into());
            }
        }
        let mut filter: EntryFilter = typed(asked)?;
        filter.limit = Some(LIMIT);
        filter.kind = kind;
        filter.include_archived = Some(self.archived == "yes");
        filter.within.clone_from(&viewer.session.seen.within);
        let department = self.department_id.trim();
        filter.counted = Counted {
            living,
            ownerless: self.owner == "none",
            square: match (self.impact.trim().parse(), self.exposure.trim().parse()) {
                (Ok(impact), Ok(exposure)) => Some((impact, exposure)),
                _ => None,
            },
            departments: (!department.is_empty()).then(|| with_below(tree, department)),
        };
        match self.due.as_str() {
            "overdue" => filter.next_due_to = scope.today.pred_opt(),
            "month" => {
                filter.next_due_from = Some(scope.today);
                filter.next_due_to = scope.today.checked_add_days(chrono::Days::new(30));
            }
            _ => {}
        }
        Ok(filter)
    }

    /// The address of the page behind this cursor, with the same filters.
    fn next(&self, path: &str, cursor: &str) -> String {
        said::address(
            path,
            [
                ("q", self.q.as_str()),
                ("organization_id", &self.organization_id),
                ("department_id", &self.department_id),
                ("status", &self.status),
                ("risk_level", &self.risk_level),
                ("due", &self.due),
                ("owner", &self.owner),
                ("impact", &self.impact),
                ("exposure", &self.exposure),
                ("sort", &self.sort),
                ("archived", &self.archived),
                ("cursor", cursor),
            ],
        )
    }

    /// Whether anything is filtered.
    fn is_narrow(&self) -> bool {
        let all = [
            &self.q,
            &self.organization_id,
            &self.department_id,
            &self.status,
            &self.risk_level,
            &self.due,
            &self.owner,
            &self.impact,
            &self.exposure,
        ];
        all.iter().any(|value| !value.is_empty())
    }
}

/// An entry as a register shows it.
pub(super) struct Line {
    pub id: String,
    pub control_number: String,
    pub name: String,
    pub kind: String,
    /// The company, or the handle.
    pub counterpart: String,
    pub organization: String,
    pub department: String,
    pub owner: String,
    pub status: String,
    pub level: String,
    pub level_class: &'static str,
    pub score: String,
    pub due: String,
    pub distance: String,
    pub distance_class: &'static str,
}

/// The departments of an organization to choose from.
struct Departments {
    organization: String,
    choices: Vec<Choice>,
}

/// The departments whose entries the viewer sees as a whole, each indented below the one above it. A chosen one that is
/// not among them is named by what the address says.
fn departments(viewer: &Viewer, tree: &[Branch], chosen: &str) -> Vec<Departments> {
    let seen = &viewer.session.seen;
    let sees = |branch: &&Branch| {
        seen.sight.organizations.contains(&branch.organization_id) || seen.sight.departments.contains(&branch.id)
    };
    let mut all: Vec<Departments> = vec![];
    for one in &seen.organizations {
        let of = tree.iter().filter(|branch| branch.organization_id == one.id);
        let choices: Vec<Choice> = of
            .filter(sees)
            .map(|branch| Choice {
                id: branch.id.clone(),
                name: format!("{}{}", "　".repeat(branch.depth), branch.name),
                is_chosen: branch.id == chosen,
            })
            .collect();
        if !choices.is_empty() {
            all.push(Departments {
                organization: one.name.clone(),
                choices,
            });
        }
    }
    all
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    frame: Frame,
    path: &'static str,
    title: String,
    tabs: Vec<(&'static str, String, bool)>,
    query: Query,
    statuses: Vec<(&'static str, String, bool)>,
    levels: Vec<(&'static str, String, bool)>,
    organizations: Vec<Choice>,
    departments: Vec<Departments>,
    /// A department that cannot be chosen here stays in the address.
    other_department: bool,
    shows_kind: bool,
    lines: Vec<Line>,
    next: Option<String>,
}

/// The lines of these entries.
///
/// # Errors
/// A database failure.
pub(super) fn lines(scope: &mut Scope<'_>, lang: Lang, rows: &[EntryRow]) -> Result<Vec<Line>, ApiError> {
    let mut named = line::lines(scope, rows)?;
    let companies = line::counterparts(scope, rows)?;
    let accounts: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.kind.0 == Kind::SocialMediaAccount)
        .map(|row| row.id.as_str())
        .collect();
    let handles: BTreeMap<String, String> = social_media_accounts::handles(scope, &accounts)?;
    let today = scope.today;
    let made = rows.iter().filter_map(|row| {
        let known = named.remove(&row.id)?;
        let level = row.risk_level.as_deref().and_then(Level::parse);
        let company = companies.get(&row.id).map(|company| company.name.clone());
        Some(Line {
            id: row.id.clone(),
            control_number: known.control_number,
            name: known.name,
            kind: said::word(lang, known.kind),
            counterpart: company.or_else(|| handles.get(&row.id).cloned()).unwrap_or_default(),
            organization: known.organization_name,
            department: known.department_name.unwrap_or_default(),
            owner: match (known.owner_name, known.owner_post_name) {
                (Some(name), Some(post)) => format!("{post} {name}"),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => lang.pick("未設定", "nobody").to_owned(),
            },
            status: said::word(lang, known.status),
            level: level.map(|level| said::word(lang, level)).unwrap_or_default(),
            level_class: level.map_or("", said::level_class),
            score: said::hundredths(row.risk_score_x100.into()),
            due: said::day_or_dash(lang, row.next_due_on),
            distance: row
                .next_due_on
                .map(|on| said::distance(lang, today, on))
                .unwrap_or_default(),
            distance_class: row.next_due_on.map_or("", |on| said::distance_class(today, on)),
        })
    });
    Ok(made.collect())
}

const TABS: [(&str, Option<Kind>, &str, &str); 4] = [
    ("/entries", None, "すべて", "All"),
    (
        "/engagements",
        Some(Kind::ContractorEngagement),
        "業務委託",
        "Engagements",
    ),
    (
        "/cloud-services",
        Some(Kind::CloudService),
        "クラウドサービス",
        "Cloud services",
    ),
    (
        "/social-media-accounts",
        Some(Kind::SocialMediaAccount),
        "ソーシャルメディア",
        "Social media",
    ),
];

async fn register(
    request: HttpRequest,
    viewer: Viewer,
    query: Query,
    kind: Option<Kind>,
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let lang = frame.lang;
            let path = kind.map_or("/entries", register_path);
            let tree = tree(scope)?;
            let filter = query.filter(scope, viewer, kind, &tree)?;
            // Those of everything that is seen; the filter within says what that is.
            let (rows, next) = select_page(scope, &Organizations::All, &filter, "page of the register")?;
            let known: Vec<Status> = match kind {
                Some(kind) => lifecycle::statuses(kind).to_vec(),
                None => Status::ALL.to_vec(),
            };
            let option = |code: &'static str, name: String, chosen: &str| (code, name, code == chosen);
            let living = lang.pick("終わっていないもの", "not ended").to_owned();
            let living = option(LIVING, living, &query.status);
            let departments = departments(viewer, &tree, &query.department_id);
            let mut all = departments.iter().flat_map(|of| &of.choices);
            let other_department = !query.department_id.is_empty() && !all.any(|choice| choice.is_chosen);
            let title = TABS.iter().find(|(at, ..)| *at == path);
            Ok(RegisterPage {
                path,
                title: title
                    .map(|(_, kind, ja, en)| lang.pick(kind.map_or("台帳", |_| *ja), kind.map_or("Register", |_| *en)))
                    .unwrap_or_default()
                    .to_owned(),
                tabs: TABS
                    .iter()
                    .map(|(at, _, ja, en)| (*at, lang.pick(*ja, *en).to_owned(), *at == path))
                    .collect(),
                statuses: std::iter::once(living)
                    .chain(
                        known
                            .into_iter()
                            .map(|status| option(status.code(), said::word(lang, status), &query.status)),
                    )
                    .collect(),
                departments,
                other_department,
                levels: Level::ALL
                    .iter()
                    .rev()
                    .map(|level| option(level.code(), said::word(lang, *level), &query.risk_level))
                    .collect(),
                organizations: viewer
                    .session
                    .seen
                    .organizations
                    .iter()
                    .map(|one| Choice {
                        id: one.id.clone(),
                        name: one.name.clone(),
                        is_chosen: one.id == query.organization_id,
                    })
                    .collect(),
                shows_kind: kind.is_none(),
                lines: lines(scope, lang, &rows)?,
                next: next.map(|cursor| query.next(path, &cursor)),
                query,
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// Every kind.
#[get("/entries")]
pub(super) async fn get_entries(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    register(request, viewer, query.into_inner(), None).await
}

/// Engagements.
#[get("/engagements")]
pub(super) async fn get_engagements(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    register(request, viewer, query.into_inner(), Some(Kind::ContractorEngagement)).await
}

/// Cloud services.
#[get("/cloud-services")]
pub(super) async fn get_cloud_services(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    register(request, viewer, query.into_inner(), Some(Kind::CloudService)).await
}

/// Social-media accounts.
#[get("/social-media-accounts")]
pub(super) async fn get_social_media_accounts(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    register(request, viewer, query.into_inner(), Some(Kind::SocialMediaAccount)).await
}

/// The filters of the contractors.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ContractorQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    corporate_number: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    cursor: String,
}

struct ContractorLine {
    name: String,
    name_kana: String,
    corporate_number: String,
    address: String,
    status: &'static str,
    status_class: &'static str,
    certifications: String,
}

#[derive(Template)]
#[template(path = "contractors.html")]
struct ContractorsPage {
    frame: Frame,
    query: ContractorQuery,
    statuses: Vec<(&'static str, &'static str, bool)>,
    lines: Vec<ContractorLine>,
    next: Option<String>,
}

fn status_name(lang: Lang, status: ContractorStatus) -> (&'static str, &'static str) {
    match status {
        ContractorStatus::Active => (lang.pick("選定できる", "may be chosen"), "good"),
        ContractorStatus::Suspended => (lang.pick("保留", "suspended"), "warn"),
        ContractorStatus::Debarred => (lang.pick("指名停止", "debarred"), "bad"),
    }
}

/// The contractors of the local government, which all organizations share.
#[get("/contractors")]
pub(super) async fn get_contractors(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<ContractorQuery>,
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |_, scope| {
            let (lang, query) = (frame.lang, query.into_inner());
            let mut asked: Map<String, Value> = Map::new();
            asked.insert("limit".to_owned(), LIMIT.into());
            let named = [
                ("q", &query.q),
                ("corporate_number", &query.corporate_number),
                ("status", &query.status),
                ("cursor", &query.cursor),
            ];
            for (name, value) in named {
                let value = value.trim();
                if !value.is_empty() {
                    asked.insert(name.to_owned(), value.into());
                }
            }
            let filter: ContractorFilter = typed(asked)?;
            let (found, next) = contractors::listed(scope, &filter)?;
            let lines = found.into_iter().map(|one| {
                let (status, status_class) = status_name(lang, one.status);
                let schemes: Vec<String> = one.certifications.into_iter().map(|known| known.scheme).collect();
                ContractorLine {
                    name: one.name,
                    name_kana: one.name_kana.unwrap_or_default(),
                    corporate_number: one.corporate_number.unwrap_or_else(|| "―".to_owned()),
                    address: one.address.unwrap_or_default(),
                    status,
                    status_class,
                    certifications: schemes.join(lang.pick("、", ", ")),
                }
            });
            let option = |code: &'static str, status| (code, status_name(lang, status).0, query.status == code);
            Ok(ContractorsPage {
                lines: lines.collect(),
                statuses: vec![
                    option("active", ContractorStatus::Active),
                    option("suspended", ContractorStatus::Suspended),
                    option("debarred", ContractorStatus::Debarred),
                ],
                next: next.map(|cursor| {
                    let filters = [
                        ("q", query.q.as_str()),
                        ("corporate_number", &query.corporate_number),
                        ("status", &query.status),
                        ("cursor", &cursor),
                    ];
                    said::address("/contractors", filters)
                }),
                query,
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}
