//! Planned moves (内示前の異動): until they are announced only who keeps the directory knows of them.
//!
//! That goes for the move and for what gives it away: the end of whoever makes room for it. The rule is the same for
//! holders of posts, appointments and roles, and for what the journal shows of them.

use chrono::NaiveDate;
use serde_json::Value;

use crate::http::error::ApiError;

/// Something for a time that may be planned in silence.
pub(crate) trait Dated {
    /// Before this day it is not shown.
    fn announced_on(&self) -> Option<NaiveDate>;
    /// Its last day.
    fn ends_on_mut(&mut self) -> &mut Option<NaiveDate>;
}

/// Leaves out what is not announced, and the ends to come beside it.
pub(crate) fn hide<T: Dated>(list: &mut Vec<T>, today: NaiveDate) {
    let before = list.len();
    list.retain(|one| one.announced_on().is_none_or(|on| on <= today));
    if list.len() == before {
        return;
    }
    for one in list {
        one.ends_on_mut().take_if(|on| *on >= today);
    }
}

/// The same in the payload of a journal entry; nothing is left of one that is about a planned move itself.
pub(crate) fn hide_in(payload: Value, today: NaiveDate) -> Option<Value> {
    if is_planned(&payload, today) {
        return None;
    }
    Some(match payload {
        Value::Array(items) => {
            let count = items.len();
            let mut items: Vec<Value> = items.into_iter().filter_map(|item| hide_in(item, today)).collect();
            if items.len() < count {
                for end in items.iter_mut().filter_map(|item| item.get_mut("ends_on")) {
                    if day(end).is_some_and(|on| on >= today) {
                        *end = Value::Null;
                    }
                }
            }
            Value::Array(items)
        }
        Value::Object(object) => {
            let kept = object
                .into_iter()
                .map(|(name, value)| (name, hide_in(value, today).unwrap_or(Value::Null)));
            Value::Object(kept.collect())
        }
        other => other,
    })
}

fn is_planned(value: &Value, today: NaiveDate) -> bool {
    value.get("announced_on").and_then(day).is_some_and(|on| on > today)
}

fn day(value: &Value) -> Option<NaiveDate> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// A move is announced on its first day at the latest.
///
/// # Errors
/// 422 `date_order` at `pointer`.
pub(crate) fn check(announced_on: Option<NaiveDate>, starts_on: NaiveDate, pointer: &str) -> Result<(), ApiError> {
    if announced_on.is_none_or(|on| on <= starts_on) {
        return Ok(());
    }
    Err(ApiError::field(
        pointer,
        "date_order",
        "内示の日は開始日以前にしてください。",
        "It is announced on the first day at the latest.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn neither_the_move_nor_the_end_that_makes_room_for_it_shows() {
        let payload = json!({"name": "総務課長", "holders": [
            {"person_id": "a", "ends_on": "2027-03-31", "announced_on": null},
            {"person_id": "b", "ends_on": null, "announced_on": "2027-03-15"}]});
        let before = "2027-03-14".parse().unwrap();
        let shown = hide_in(payload.clone(), before).unwrap();
        assert_eq!(
            shown,
            json!({"name": "総務課長", "holders": [{"person_id": "a", "ends_on": null, "announced_on": null}]})
        );
        assert_eq!(
            hide_in(payload.clone(), "2027-03-15".parse().unwrap()),
            Some(payload.clone())
        );
        assert_eq!(hide_in(payload["holders"][1].clone(), before), None);
    }
}
