//! "Something has changed" (変わったことがある): the facts of the entry as a form. What would follow is shown first, by the
//! rules that will follow; then the change is saved as the API saves one.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, post, route, web};
use askama::Template;
use serde_json::{Map, Value, json};

use super::card::{Choice, Field};
use super::hand_over::{About, as_fields, check_name, field, listed, own};
use super::sheet::said;
use super::{DonePage, Opened};
use crate::answers::asked::Asked;
use crate::answers::reader_name;
use crate::app::Scope;
use crate::domain::catalogue::{Catalogue, When};
use crate::domain::facts::{FactName, FactType, FactValue, Facts};
use crate::domain::vocabulary::{CodeWord, Kind, Level};
use crate::entries::rows::{self, EntryRow};
use crate::entries::state;
use crate::http::body::Patch;
use crate::http::caller::Organizations;
use crate::http::error::{ApiError, FieldError};
use crate::links::LinkRow;
use crate::pages::form::Form;
use crate::pages::frame::{Frame, page};
use crate::{cloud_services, engagements, social_media_accounts};

/// Facts that every kind is asked, beside those that its clauses ask for.
const ALWAYS: [FactName; 5] = [
    FactName::Confidentiality,
    FactName::Integrity,
    FactName::Availability,
    FactName::HandlesPersonalInformation,
    FactName::DataSubjects,
];

/// One fact as a field.
struct FactField {
    name: String,
    label: String,
    input: Input,
    error: Option<String>,
}

/// How a fact is entered.
enum Input {
    Select(Vec<Choice>),
    Boxes(Vec<Choice>),
    Date(String),
    Number(String),
}

/// What would follow from a change.
struct Preview {
    changed: Vec<String>,
    added: Vec<String>,
    removed: Vec<String>,
    level_before: Level,
    level_after: Level,
    score_before: String,
    score_after: String,
}

#[derive(Template)]
#[template(path = "answer_changes.html")]
struct ChangesPage {
    frame: Frame,
    about: About,
    facts: Vec<FactField>,
    preview: Option<Preview>,
    version: i64,
    name: Field,
    expected: String,
    errors: Vec<(String, String)>,
    action: String,
    back: String,
}

struct Loaded {
    asked: Asked,
    expected: String,
    shown: Vec<FactName>,
    facts: Facts,
    preview: Option<Preview>,
}

/// The facts that are asked for a kind: those that decide about its clauses, those that always weigh, and whatever is
/// recorded.
fn asked_facts(catalogue: &Catalogue, kind: Kind, facts: &Facts) -> Vec<FactName> {
    let mut named: BTreeSet<FactName> = ALWAYS.into_iter().collect();
    for clause in catalogue
        .clauses
        .iter()
        .filter(|clause| clause.applies_to.contains(&kind))
    {
        named.extend(clause.when.iter().flat_map(When::conditions).map(|one| one.fact));
    }
    let all = FactName::ALL.iter().copied();
    all.filter(|name| named.contains(name) || facts.get(*name).is_some())
        .collect()
}

/// What was entered, as a change: new values, and facts that are not known any more.
fn entered(form: &Form, shown: &[FactName], now: &Facts) -> Result<(Facts, BTreeSet<String>), Vec<FieldError>> {
    let mut sent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in form.below("fact.") {
        sent.entry(name).or_default().push(value.trim());
    }
    let (mut set, mut clear, mut errors) = (Map::new(), BTreeSet::new(), vec![]);
    for name in shown {
        let Some(values) = sent.get(name.code()) else {
            continue;
        };
        let words: Vec<&str> = values.iter().copied().filter(|value| !value.is_empty()).collect();
        let value = match (name.fact_type(), words.as_slice()) {
            // An empty set is a fact too: it says so itself, by the hidden field that is always sent.
            (FactType::Set, words) => Some(json!(words)),
            (_, []) => None,
            (FactType::Boolean, [word, ..]) => Some(json!(*word == "true")),
            (FactType::Integer, [word, ..]) => match word.parse::<u64>() {
                Ok(number) => Some(json!(number)),
                Err(_) => Some(Value::Null),
            },
            (_, [word, ..]) => Some(json!(word)),
        };
        match value {
            None if now.get(*name).is_some() => {
                clear.insert(format!("facts.{}", name.code()));
            }
            None => {}
            // A set that nobody has recorded and nobody has ticked stays unknown.
            Some(Value::Array(words)) if words.is_empty() && now.get(*name).is_none() => {}
            Some(value) => {
                let one = Map::from_iter([(name.code().to_owned(), value.clone())]);
                if serde_json::from_value::<Facts>(Value::Object(one)).is_err() || value.is_null() {
                    errors.push(FieldError::new(
                        &format!("fact.{}", name.code()),
                        "invalid_format",
                        format!("「{}」の値を確かめてください。", name.ja()),
                        format!("Check the value of {}.", name.code()),
                    ));
                    continue;
                }
                set.insert(name.code().to_owned(), value);
            }
        }
    }
    if errors.is_empty() {
        let facts = serde_json::from_value(Value::Object(set)).unwrap_or_default();
        Ok((facts, clear))
    } else {
        Err(errors)
    }
}

fn changed(now: &Facts, set: &Facts, clear: &BTreeSet<String>) -> Facts {
    let mut after = now.clone();
    after.merge(set);
    for name in clear.iter().filter_map(|name| name.strip_prefix("facts.")) {
        after.clear(name);
    }
    after
}

fn words(name: FactName, value: Option<&FactValue>) -> String {
    match value {
        None => "未登録".to_owned(),
        Some(FactValue::Boolean(true)) => "はい".to_owned(),
        Some(FactValue::Boolean(false)) => "いいえ".to_owned(),
        Some(FactValue::Integer(number)) => number.to_string(),
        Some(FactValue::Word(word)) => name.label(word).to_owned(),
        Some(FactValue::Words(words)) if words.is_empty() => "なし".to_owned(),
        Some(FactValue::Words(words)) => words.iter().map(|word| name.label(word)).collect::<Vec<_>>().join("、"),
    }
}

/// What would follow, by the same rules that will.
fn preview(scope: &mut Scope<'_>, entry: &EntryRow, after: &Facts) -> Result<Preview, ApiError> {
    let now = entry.facts()?;
    let before = state::situation(scope, entry.clone())?;
    let (risk_before, _) = state::assess(scope, &before)?;
    let changed = EntryRow {
        facts: serde_json::to_string(after)?,
        ..entry.clone()
    };
    let then = state::situation(scope, changed)?;
    let (risk_after, _) = state::assess(scope, &then)?;
    let titles = |situation: &state::Situation<'_>| -> BTreeMap<String, String> {
        let required = situation.requirements.iter();
        required
            .map(|one| (one.clause.key.clone(), one.clause.title_ja.clone()))
            .collect()
    };
    let (was, will) = (titles(&before), titles(&then));
    let differing = FactName::ALL.iter().filter(|name| now.get(**name) != after.get(**name));
    Ok(Preview {
        changed: differing
            .map(|name| {
                let (was, will) = (now.get(*name), after.get(*name));
                format!(
                    "{}：{} → {}",
                    name.ja(),
                    words(*name, was.as_ref()),
                    words(*name, will.as_ref())
                )
            })
            .collect(),
        added: will
            .iter()
            .filter(|(key, _)| !was.contains_key(*key))
            .map(|(_, title)| title.clone())
            .collect(),
        removed: was
            .iter()
            .filter(|(key, _)| !will.contains_key(*key))
            .map(|(_, title)| title.clone())
            .collect(),
        level_before: risk_before.residual_level,
        level_after: risk_after.residual_level,
        score_before: score(risk_before.residual_score_x100),
        score_after: score(risk_after.residual_score_x100),
    })
}

fn score(x100: impl Into<i64>) -> String {
    let x100: i64 = x100.into();
    format!("{}.{:02}", x100 / 100, x100 % 100)
}

fn load(scope: &mut Scope<'_>, link: &LinkRow, id: &str, form: &Form) -> Result<Loaded, ApiError> {
    let asked = own(scope, link, id)?;
    let entry = asked.entry.clone().ok_or(ApiError::NotFound)?;
    let now = entry.facts()?;
    let catalogue = scope.catalogue_of(&entry.organization_id, scope.today)?;
    let shown = asked_facts(catalogue, entry.kind.0, &now);
    let (facts, preview) = match (form.text("step"), entered(form, &shown, &now)) {
        (Some(_), Ok((set, clear))) => {
            let after = changed(&now, &set, &clear);
            let preview = if after == now {
                None
            } else {
                Some(preview(scope, &entry, &after)?)
            };
            (after, preview)
        }
        _ => (now, None),
    };
    Ok(Loaded {
        expected: reader_name(scope, link.reader()?)?,
        asked,
        shown,
        facts,
        preview,
    })
}

fn fact_field(name: FactName, facts: &Facts, errors: &[FieldError], frame: &Frame) -> FactField {
    let field = format!("fact.{}", name.code());
    let value = facts.get(name);
    let choice = |code: &str, label: &str, checked: bool| Choice {
        code: code.to_owned(),
        label: label.to_owned(),
        checked,
    };
    let unknown = choice("", frame.t("未登録", "not known"), value.is_none());
    let input = match (name.fact_type(), &value) {
        (FactType::Boolean, value) => Input::Select(vec![
            unknown,
            choice("true", frame.t("はい", "yes"), *value == Some(FactValue::Boolean(true))),
            choice(
                "false",
                frame.t("いいえ", "no"),
                *value == Some(FactValue::Boolean(false)),
            ),
        ]),
        (FactType::Enum | FactType::OrderedEnum, value) => {
            let is = |code: &str| *value == Some(FactValue::Word(code.to_owned()));
            let words = name.words();
            let words = words.iter().map(|(code, ja)| choice(code, ja, is(code)));
            Input::Select(std::iter::once(unknown).chain(words).collect())
        }
        (FactType::Set, value) => {
            let held = match value {
                Some(FactValue::Words(held)) => held.clone(),
                _ => vec![],
            };
            let words = name.words();
            Input::Boxes(
                words
                    .iter()
                    .map(|(code, ja)| choice(code, ja, held.iter().any(|one| one == code)))
                    .collect(),
            )
        }
        (FactType::Date, Some(FactValue::Word(day))) => Input::Date(day.clone()),
        (FactType::Date, _) => Input::Date(String::new()),
        (FactType::Integer, Some(FactValue::Integer(number))) => Input::Number(number.to_string()),
        (FactType::Integer, _) => Input::Number(String::new()),
    };
    FactField {
        label: name.ja().to_owned(),
        error: errors
            .iter()
            .find(|error| error.pointer == field)
            .map(|error| said(frame.lang, error)),
        name: field,
        input,
    }
}

fn render(
    request: &HttpRequest,
    opened: &Opened,
    loaded: Loaded,
    form: &Form,
    errors: &[FieldError],
) -> Result<HttpResponse, ApiError> {
    let frame = Frame::of(request);
    let version = loaded.asked.entry.as_ref().map_or(0, |entry| entry.version);
    let template = ChangesPage {
        about: About::of(&loaded.asked),
        facts: loaded
            .shown
            .iter()
            .map(|name| fact_field(*name, &loaded.facts, errors, &frame))
            .collect(),
        preview: loaded.preview,
        version,
        name: field(form, "name", errors, &frame),
        expected: loaded.expected,
        errors: listed(errors, &frame),
        action: format!("{}/changes/{}", opened.base(), loaded.asked.row.id),
        back: opened.base(),
        frame,
    };
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    page(request, status, &template)
}

/// The form.
#[route("/r/{token}/changes/{obligation_id}", method = "GET", method = "HEAD")]
pub(super) async fn get_changes(
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    opened.person()?;
    let read = opened.read(move |scope, link| load(scope, link, &id, &Form::default()));
    render(&request, &opened, read.await?, &Form::default(), &[])
}

/// Shows what would follow, or saves.
#[post("/r/{token}/changes/{obligation_id}")]
pub(super) async fn send_changes(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, ApiError> {
    let (token, id) = path.into_inner();
    let opened = Opened::of(&request, &token).await?;
    opened.person()?;
    let saves = form.text("step") == Some("save");
    let (sent, about) = (form.clone(), id.clone());
    let done = if saves {
        let written = opened.write(move |scope, link, _| save(scope, link, &about, &sent));
        written.await
    } else {
        // Nothing is written, but what is wrong is said.
        let read = opened.read(move |scope, link| check(scope, link, &about, &sent).map(drop));
        read.await
    };
    let errors = match done {
        Ok(()) if saves => {
            let frame = Frame::of(&request);
            let template = DonePage {
                title: frame.t("登録しました", "Saved").to_owned(),
                lines: vec![
                    frame
                        .t(
                            "台帳の内容を変更し、必要な条項とリスクを計算し直しました。回答がまだの項目は、続けて回答してください。",
                            "The entry was changed; its clauses and risk follow. Go on with what is not answered yet.",
                        )
                        .to_owned(),
                ],
                back: opened.base(),
                frame,
            };
            return page(&request, StatusCode::OK, &template);
        }
        Ok(()) => vec![],
        Err(error) => as_fields(error)?,
    };
    let again = form.clone();
    let read = opened.read(move |scope, link| load(scope, link, &id, &again));
    render(&request, &opened, read.await?, &form, &errors)
}

type Change = (EntryRow, Facts, BTreeSet<String>);

/// The change that was entered, if it is one.
fn check(scope: &mut Scope<'_>, link: &LinkRow, id: &str, form: &Form) -> Result<Change, ApiError> {
    let asked = own(scope, link, id)?;
    let entry = asked.entry.ok_or(ApiError::NotFound)?;
    let now = entry.facts()?;
    let catalogue = scope.catalogue_of(&entry.organization_id, scope.today)?;
    let shown = asked_facts(catalogue, entry.kind.0, &now);
    let (set, clear) = entered(form, &shown, &now).map_err(ApiError::Validation)?;
    if changed(&now, &set, &clear) == now {
        return Err(ApiError::Validation(vec![FieldError::new(
            "main",
            "required",
            "変わったところがありません。変わった項目を直してください。",
            "Nothing is different; change what has changed.",
        )]));
    }
    Ok((entry, set, clear))
}

fn save(scope: &mut Scope<'_>, link: &LinkRow, id: &str, form: &Form) -> Result<(), ApiError> {
    let (entry, set, clear) = check(scope, link, id, form)?;
    let mut errors = vec![];
    check_name(form, &reader_name(scope, link.reader()?)?, &mut errors);
    if form.text("version") != Some(entry.version.to_string().as_str()) {
        errors.push(FieldError::new(
            "main",
            "stale_version",
            "この画面を開いた後に、台帳が変更されました。内容を確かめて、もう一度送ってください。",
            "The entry was changed after this page was opened; look again and send again.",
        ));
    }
    ApiError::unless_empty(errors)?;
    rows::require_live(&entry)?;
    let (all, facts) = (Organizations::All, json!({"facts": set}));
    match entry.kind.0 {
        Kind::ContractorEngagement => {
            let before = engagements::find(scope, &all, &entry.id)?;
            let set = serde_json::from_value(facts)?;
            engagements::change(scope, &all, entry, before, &Patch { set, clear }).map(drop)
        }
        Kind::CloudService => {
            let before = cloud_services::find(scope, &all, &entry.id)?;
            let set = serde_json::from_value(facts)?;
            cloud_services::change(scope, &all, entry, before, &Patch { set, clear }).map(drop)
        }
        Kind::SocialMediaAccount => {
            let before = social_media_accounts::find(scope, &all, &entry.id)?;
            let set = serde_json::from_value(facts)?;
            social_media_accounts::change(scope, &all, entry, before, &Patch { set, clear }).map(drop)
        }
    }
}
