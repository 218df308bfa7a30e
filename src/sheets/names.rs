//! The codes and names of the records that rows refer to, with one query for each kind of record.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::cells::{Name, Names};
use super::columns::Target;
use crate::app::Scope;
use crate::db::schema::{contractors, departments, entries, organizations, people, posts, social_media_services};
use crate::http::error::ApiError;

/// The names of these records.
///
/// # Errors
/// A database failure.
pub(crate) fn load(scope: &mut Scope<'_>, wanted: BTreeMap<Target, BTreeSet<String>>) -> Result<Names, ApiError> {
    type Row = (String, Option<String>, String);
    let mut names = Names::default();
    for (target, ids) in wanted {
        if ids.is_empty() {
            continue;
        }
        let rows: Vec<Row> = match target {
            Target::Organization => organizations::table
                .filter(organizations::local_government_id.eq(&scope.lg))
                .filter(organizations::id.eq_any(ids))
                .select((organizations::id, organizations::key.nullable(), organizations::name))
                .load(scope.conn)?,
            Target::Department => departments::table
                .filter(departments::local_government_id.eq(&scope.lg))
                .filter(departments::id.eq_any(ids))
                .select((departments::id, departments::code.nullable(), departments::name))
                .load(scope.conn)?,
            Target::Person => people::table
                .filter(people::local_government_id.eq(&scope.lg))
                .filter(people::id.eq_any(ids))
                .select((people::id, people::employee_code, people::name))
                .load(scope.conn)?,
            Target::Post => {
                let rows: Vec<(String, String)> = posts::table
                    .filter(posts::local_government_id.eq(&scope.lg))
                    .filter(posts::id.eq_any(ids))
                    .select((posts::id, posts::name))
                    .load(scope.conn)?;
                rows.into_iter().map(|(id, name)| (id, None, name)).collect()
            }
            Target::Contractor => contractors::table
                .filter(contractors::local_government_id.eq(&scope.lg))
                .filter(contractors::id.eq_any(ids))
                .select((contractors::id, contractors::corporate_number, contractors::name))
                .load(scope.conn)?,
            Target::SocialMediaService => {
                let rows: Vec<(String, String)> = social_media_services::table
                    .filter(social_media_services::local_government_id.eq(&scope.lg))
                    .filter(social_media_services::id.eq_any(ids))
                    .select((social_media_services::id, social_media_services::platform))
                    .load(scope.conn)?;
                let named = rows
                    .into_iter()
                    .map(|(id, platform)| (id, Some(platform.clone()), platform));
                named.collect()
            }
            Target::Entry => entries::table
                .filter(entries::local_government_id.eq(&scope.lg))
                .filter(entries::id.eq_any(ids))
                .select((entries::id, entries::control_number.nullable(), entries::name))
                .load(scope.conn)?,
        };
        for (id, code, name) in rows {
            names.0.insert((target, id), Name { code, name });
        }
    }
    Ok(names)
}
