//! The figures of one organization, or of all that the viewer sees as a whole. They are counted by
//! [`crate::reports::overview`]; the charts are [`super::chart`]'s, each with its table beside.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use chrono::Datelike;
use serde::Deserialize;

use super::chart::{self, Bar, Tile};
use super::due_dates::{Line, When};
use super::frame::{Frame, page};
use super::said;
use super::viewer::Viewer;
use crate::domain::sight::Room;
use crate::domain::text::escaped;
use crate::domain::vocabulary::{CodeWord, Kind, Level};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};
use crate::reports::overdue::{self, OverdueFilter};
use crate::reports::overview::{self, Overview};

/// What is overdue the longest, shown at once.
const OVERDUE_SHOWN: i64 = 10;
/// Sorts of changes that are named.
const CHANGES_SHOWN: usize = 12;

/// Which organization.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    organization_id: Option<String>,
}

/// One of the organizations to choose.
pub(super) struct Choice {
    pub id: String,
    pub name: String,
    pub is_chosen: bool,
}

struct KindLine {
    url: String,
    kind: String,
    count: i64,
    coverage: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    today: String,
    to: Lists,
    of: String,
    choices: Vec<Choice>,
    figures: Overview,
    critical: i64,
    high: i64,
    answered: String,
    due_chart: String,
    months: Vec<(String, String, i64)>,
    matrix_chart: String,
    matrix_rows: Vec<(i32, Vec<(String, i64)>)>,
    coverage_chart: String,
    kinds: Vec<KindLine>,
    levels: Vec<(String, String, &'static str, i64)>,
    lines: Vec<Line>,
    /// More are overdue than are shown.
    more: bool,
    changes: Vec<(String, i64)>,
}

/// Where the figures lead: to the lists of what they count, of the organization that is chosen.
struct Lists {
    organization: Option<String>,
}

impl Lists {
    /// The register of what has not ended.
    fn entries(&self, filters: &str) -> String {
        self.of(&format!("/entries?status=living&{filters}"))
    }

    /// The due dates of these days.
    fn due(&self, when: &str) -> String {
        self.of(&format!("/due-dates?when={when}"))
    }

    fn of(&self, address: &str) -> String {
        match &self.organization {
            Some(id) => format!("{address}&organization_id={}", escaped(id)),
            None => address.to_owned(),
        }
    }
}

/// The organization that a filter names, among those whose room is open; all of them without one.
///
/// # Errors
/// 404 for one that is not open to the viewer.
pub(super) fn chosen(viewer: &Viewer, room: Room, id: Option<&str>) -> Result<(Vec<String>, Vec<Choice>), ApiError> {
    let id = id.filter(|id| !id.is_empty());
    let open = viewer.session.seen.open(room);
    let ids: Vec<String> = open
        .iter()
        .filter(|one| id.is_none_or(|id| one.id == id))
        .map(|one| one.id.clone())
        .collect();
    if ids.is_empty() {
        return Err(ApiError::NotFound);
    }
    let choices = open.iter().map(|one| Choice {
        id: one.id.clone(),
        name: one.name.clone(),
        is_chosen: Some(one.id.as_str()) == id,
    });
    Ok((ids, choices.collect()))
}

/// The path of the register of a kind.
pub(super) const fn register_path(kind: Kind) -> &'static str {
    match kind {
        Kind::ContractorEngagement => "/engagements",
        Kind::CloudService => "/cloud-services",
        Kind::SocialMediaAccount => "/social-media-accounts",
    }
}

/// The overview.
#[get("/overview")]
pub(super) async fn get_overview(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Overview)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let lang = frame.lang;
            let wanted = query.organization_id.as_deref();
            let (ids, choices) = chosen(viewer, Room::Overview, wanted)?;
            let figures = overview::of(scope, &ids)?;
            let filter = OverdueFilter {
                limit: Some(OVERDUE_SHOWN),
                ..OverdueFilter::default()
            };
            let (late, _) = overdue::listed(scope, &Organizations::Only(ids.clone()), &filter)?;
            let name = choices
                .iter()
                .find(|choice| choice.is_chosen)
                .map(|choice| choice.name.clone());
            let whole = ids.len() == viewer.session.seen.organizations.len();
            let of = name.unwrap_or_else(|| {
                let all = lang.pick("団体の全体", "The whole local government");
                let some = lang.pick("所管するすべての機関", "All organizations in your charge");
                if whole { all } else { some }.to_owned()
            });
            let to = Lists {
                organization: wanted.filter(|id| !id.is_empty()).map(str::to_owned),
            };
            let more = figures.overdue > OVERDUE_SHOWN;
            Ok(OverviewPage {
                today: said::day(lang, scope.today),
                of,
                choices,
                critical: figures.levels.get(&Level::Critical).copied().unwrap_or(0),
                high: figures.levels.get(&Level::High).copied().unwrap_or(0),
                answered: share(figures.reminders.answered, figures.reminders.sent),
                due_chart: due_chart(lang, &figures),
                months: months(lang, &to, &figures),
                matrix_chart: matrix_chart(lang, &figures),
                matrix_rows: matrix_rows(&to, &figures),
                coverage_chart: coverage_chart(lang, &figures),
                kinds: kinds(lang, &to, &figures),
                levels: levels(lang, &to, &figures),
                lines: late.into_iter().map(|one| Line::of(lang, scope.today, one)).collect(),
                more,
                changes: changes(lang, &figures),
                to,
                figures,
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}

/// A share in percent; a dash of nothing.
fn share(part: i64, whole: i64) -> String {
    if whole == 0 {
        "―".to_owned()
    } else {
        format!("{}%", part * 100 / whole)
    }
}

fn month_name(lang: Lang, on: chrono::NaiveDate) -> String {
    lang.pick(format!("{}月", on.month()), on.format("%b").to_string())
}

/// The months by name, the list of their due dates, and how many there are.
fn months(lang: Lang, to: &Lists, figures: &Overview) -> Vec<(String, String, i64)> {
    let named = figures.months.iter().map(|(on, count)| {
        let name = lang.pick(
            format!("{}年{}月", on.year(), on.month()),
            on.format("%B %Y").to_string(),
        );
        (name, to.due(&When::Month(*on).code()), *count)
    });
    named.collect()
}

fn due_chart(lang: Lang, figures: &Overview) -> String {
    let late = Bar {
        label: lang.pick("超過", "late").to_owned(),
        value: figures.overdue,
        is_marked: true,
    };
    let months = figures.months.iter().map(|(on, count)| Bar {
        label: month_name(lang, *on),
        value: *count,
        is_marked: false,
    });
    let bars: Vec<Bar> = std::iter::once(late).chain(months).collect();
    let said = lang.pick(
        format!(
            "期限を超過したものが{}件。続く12か月の件数は隣の表にあります。",
            figures.overdue
        ),
        format!(
            "{} overdue; the table beside has the next twelve months.",
            figures.overdue
        ),
    );
    chart::bars("due", lang.pick("月ごとの期限", "Due by month"), &said, &bars)
}

fn matrix_chart(lang: Lang, figures: &Overview) -> String {
    let tile = |impact, exposure| {
        let square = figures.matrix.get(&(impact, exposure));
        Tile {
            value: square.map_or(0, |square| square.count),
            shade: square.map_or(0, |square| match square.highest {
                Level::Low => 1,
                Level::Moderate => 2,
                Level::High => 3,
                Level::Critical => 4,
            }),
        }
    };
    let said = lang.pick(
        "縦に影響度、横に露出度。数字は件数、濃いほど残存リスクが高い。",
        "Impact upwards, exposure to the right; the number of entries, darker where more risk remains.",
    );
    let axes = lang.pick(("影響度", "露出度"), ("impact", "exposure"));
    chart::matrix("risk", lang.pick("残存リスク", "Residual risk"), said, axes, tile)
}

fn matrix_rows(to: &Lists, figures: &Overview) -> Vec<(i32, Vec<(String, i64)>)> {
    let square = |impact, exposure| {
        let count = figures.matrix.get(&(impact, exposure)).map_or(0, |square| square.count);
        (to.entries(&format!("impact={impact}&exposure={exposure}")), count)
    };
    let row = |impact| (impact, (1..=5).map(|exposure| square(impact, exposure)).collect());
    (1..=5).rev().map(row).collect()
}

fn coverage_chart(lang: Lang, figures: &Overview) -> String {
    let shares: Vec<(String, i64)> = Kind::ALL
        .iter()
        .filter_map(|kind| Some((short_kind(lang, *kind), figures.kinds.get(kind)?.coverage_bp / 100)))
        .collect();
    let title = lang.pick("条項の充足率", "Clause coverage");
    let said = lang.pick("種別ごとの平均。", "The mean of each kind.");
    chart::shares("coverage", title, said, &shares)
}

/// The name of a kind that fits beside a bar.
fn short_kind(lang: Lang, kind: Kind) -> String {
    let (ja, en) = match kind {
        Kind::ContractorEngagement => ("業務委託", "Engagements"),
        Kind::CloudService => ("クラウド", "Clouds"),
        Kind::SocialMediaAccount => ("SNS", "Social media"),
    };
    lang.pick(ja, en).to_owned()
}

fn kinds(lang: Lang, to: &Lists, figures: &Overview) -> Vec<KindLine> {
    let line = |kind: &Kind| {
        let of = figures.kinds.get(kind)?;
        Some(KindLine {
            url: to.of(&format!("{}?status=living", register_path(*kind))),
            kind: said::word(lang, *kind),
            count: of.count,
            coverage: said::percent(of.coverage_bp),
        })
    };
    Kind::ALL.iter().filter_map(line).collect()
}

fn levels(lang: Lang, to: &Lists, figures: &Overview) -> Vec<(String, String, &'static str, i64)> {
    let line = |level: &Level| {
        let count = figures.levels.get(level).copied().unwrap_or(0);
        let url = to.entries(&format!("risk_level={}", level.code()));
        (url, said::word(lang, *level), said::level_class(*level), count)
    };
    Level::ALL.iter().rev().map(line).collect()
}

fn changes(lang: Lang, figures: &Overview) -> Vec<(String, i64)> {
    let named = figures
        .changes
        .iter()
        .map(|(action, count)| (said::action(lang, action, None), *count));
    named.take(CHANGES_SHOWN).collect()
}
