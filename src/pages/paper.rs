//! Everything that an organization has on a few sheets of A4: contracts, cloud services, accounts, with their owners and
//! dates. Made to be printed and put into a folder.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use serde::Deserialize;

use super::frame::{Frame, page};
use super::overview::{Choice, chosen};
use super::registers::{self, Line};
use super::said;
use super::viewer::Viewer;
use crate::app::Scope;
use crate::domain::sight::Room;
use crate::domain::vocabulary::{CodeWord, Kind};
use crate::entries::list::{EntryFilter, EntrySort, select_page};
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, Lang};

/// Entries of a kind that are printed at most; a larger body prints from an export.
const MOST: usize = 600;
/// Entries of one step.
const STEP: i64 = 200;

/// Which organization.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    organization_id: Option<String>,
}

struct Section {
    title: String,
    counterpart: &'static str,
    lines: Vec<Line>,
    is_cut: bool,
}

#[derive(Template)]
#[template(path = "paper.html")]
struct PaperPage {
    frame: Frame,
    of: String,
    today: String,
    choices: Vec<Choice>,
    sections: Vec<Section>,
}

fn section(scope: &mut Scope<'_>, lang: Lang, ids: &[String], kind: Kind) -> Result<Section, ApiError> {
    let allowed = Organizations::Only(ids.to_vec());
    let (mut lines, mut cursor, mut is_cut) = (vec![], None, false);
    loop {
        let filter = EntryFilter {
            kind: Some(kind),
            sort: Some(EntrySort::ControlNumber),
            limit: Some(STEP),
            cursor,
            ..EntryFilter::default()
        };
        let (mut rows, next) = select_page(scope, &allowed, &filter, "page for paper")?;
        rows.retain(|row| !row.status.0.is_final());
        lines.extend(registers::lines(scope, lang, &rows)?);
        cursor = next;
        if cursor.is_none() {
            break;
        }
        if lines.len() >= MOST {
            is_cut = true;
            break;
        }
    }
    Ok(Section {
        title: said::word(lang, kind),
        counterpart: match kind {
            Kind::ContractorEngagement => lang.pick("委託先", "Contractor"),
            Kind::CloudService => lang.pick("提供者", "Provider"),
            Kind::SocialMediaAccount => lang.pick("アカウント", "Account"),
        },
        lines,
        is_cut,
    })
}

/// The sheets.
#[get("/paper")]
pub(super) async fn get_paper(
    request: HttpRequest,
    viewer: Viewer,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    viewer.require(Room::Overview)?;
    let frame = Frame::for_viewer(&request, &viewer);
    let template = viewer
        .read(move |viewer, scope| {
            let lang = frame.lang;
            let (ids, choices) = chosen(viewer, Room::Overview, query.organization_id.as_deref())?;
            let names: Vec<&str> = ids.iter().map(|id| viewer.session.seen.organization_name(id)).collect();
            let of = names.join(lang.pick("、", ", "));
            let mut sections = vec![];
            for kind in Kind::ALL {
                sections.push(section(scope, lang, &ids, *kind)?);
            }
            Ok(PaperPage {
                of,
                today: said::day(lang, scope.today),
                choices,
                sections,
                frame,
            })
        })
        .await?;
    page(&request, StatusCode::OK, &template)
}
