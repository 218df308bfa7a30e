//! Running numbers: control numbers of entries and numbers of receipts, each in a series of its fiscal year. How a number
//! is written is for whoever gives it.

use diesel::prelude::*;

use crate::app::Scope;
use crate::db::on_each_backend;
use crate::db::schema::number_series;
use crate::http::error::ApiError;

/// The next number of a series, which begins with 1. Held until the transaction ends: no number is given twice.
///
/// # Errors
/// A database failure.
pub(crate) fn next(scope: &mut Scope<'_>, series: &str) -> Result<i64, ApiError> {
    let row = (
        number_series::local_government_id.eq(&scope.lg),
        number_series::series.eq(series),
        number_series::last_number.eq(0_i64),
    );
    on_each_backend!(&mut *scope.conn, |c| diesel::insert_into(number_series::table)
        .values(row)
        .on_conflict((number_series::local_government_id, number_series::series))
        .do_nothing()
        .execute(c))?;
    diesel::update(number_series::table.find((&scope.lg, series)))
        .set(number_series::last_number.eq(number_series::last_number + 1))
        .execute(scope.conn)?;
    Ok(number_series::table
        .find((&scope.lg, series))
        .select(number_series::last_number)
        .first(scope.conn)?)
}
