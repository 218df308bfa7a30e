//! Rust types in columns: newtypes and code words, each by one impl for both databases.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;

use crate::domain::vocabulary::CodeWord;

/// Maps a newtype onto the column type of its only field, on every backend.
macro_rules! sql_newtype {
    ($name:ty as $inner:ty => $sql:ty) => {
        impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<$sql, DB> for $name
        where
            $inner: diesel::serialize::ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.0.to_sql(out)
            }
        }
        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<$sql, DB> for $name
        where
            $inner: diesel::deserialize::FromSql<$sql, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                <$inner>::from_sql(raw).map(Self)
            }
        }
    };
}
pub(crate) use sql_newtype;

/// A code word in a text column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Word<W: CodeWord>(pub W);

impl<W: CodeWord, DB: Backend> ToSql<Text, DB> for Word<W>
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.code().to_sql(out)
    }
}

impl<W: CodeWord, DB: Backend> FromSql<Text, DB> for Word<W>
where
    String: FromSql<Text, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let text = String::from_sql(raw)?;
        W::parse(&text)
            .map(Self)
            .ok_or_else(|| format!("unknown code word {text:?}").into())
    }
}
