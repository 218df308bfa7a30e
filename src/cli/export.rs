//! `export`: a register or a report as a file, without HTTP. The same rows, columns and formats as `POST /exports`.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use diesel::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Stop;
use crate::app::{App, Tenant};
use crate::db::schema::local_governments;
use crate::exports::build::{self, Failure};
use crate::exports::subject::Subject;
use crate::exports::wire::{Format, Order};
use crate::sheets::cells::HeaderLanguage;
use crate::sheets::write::{Encoding, WriteError};

/// What to export, how, and where to.
#[derive(Debug, Clone, Args)]
pub(super) struct Export {
    /// `contractors`, `engagements`, `cloud_services`, `social_media_accounts`, `people`, `departments`, `clause_statuses`,
    /// or a report: `register`, `social_media_register`, `contractor_register`, `renewals`, `overdue`, `clause_gaps`,
    /// `subcontract_tree`, `yearly_inspection`
    #[arg(env = "KAKUNIN_EXPORT_SUBJECT", value_parser = subject)]
    subject: Subject,
    /// The file to write
    #[arg(long, env = "KAKUNIN_EXPORT_OUT")]
    out: PathBuf,
    /// Code of the local government (six digits); needed when there are several
    #[arg(long, env = "KAKUNIN_EXPORT_CODE")]
    code: Option<String>,
    /// `csv`, `xlsx`, `ndjson`, `json` or `ocds`
    #[arg(long, env = "KAKUNIN_EXPORT_FORMAT", default_value = "csv", value_parser = word::<Format>)]
    format: Format,
    /// The encoding of CSV: `utf-8-bom`, `utf-8` or `cp932`
    #[arg(long, env = "KAKUNIN_EXPORT_ENCODING", default_value = "utf-8-bom", value_parser = word::<Encoding>)]
    encoding: Encoding,
    /// Headers and labels: `ja`, `en` or `key`
    #[arg(long, env = "KAKUNIN_EXPORT_HEADER_LANGUAGE", default_value = "ja", value_parser = word::<HeaderLanguage>)]
    header_language: HeaderLanguage,
    /// Keys of the columns, in the order of the file
    #[arg(long, env = "KAKUNIN_EXPORT_COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,
    /// A filter of the list, as `status=in_use`; may be given several times
    #[arg(long, env = "KAKUNIN_EXPORT_FILTER", value_delimiter = '&', value_parser = pair)]
    filter: Vec<(String, Value)>,
}

fn subject(text: &str) -> Result<Subject, String> {
    Subject::parse(text).ok_or_else(|| "no register or report has this name".to_owned())
}

/// A word as the API spells it.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| "no such word".to_owned())
}

/// A filter; yes, no and years are what they are in JSON.
fn pair(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as name=value")?;
    let value = match (name, value) {
        (_, "true") => Value::Bool(true),
        (_, "false") => Value::Bool(false),
        ("fiscal_year" | "inherent_tier", number) => number
            .parse::<i64>()
            .map_err(|_| format!("{name} must be a number"))?
            .into(),
        (_, text) => Value::String(text.to_owned()),
    };
    Ok((name.to_owned(), value))
}

impl Export {
    pub(super) fn run(self, app: &App) -> Result<(), Stop> {
        let tenant = tenant(app, self.code.as_deref())?;
        let order = Order {
            subject: self.subject,
            format: self.format,
            encoding: self.encoding,
            language: self.header_language,
            columns: (!self.columns.is_empty()).then_some(self.columns),
            filter: self.filter.into_iter().collect::<Map<String, Value>>(),
            organization_ids: None,
            planned: true,
        };
        app.read_as(&tenant, |scope| crate::exports::check(scope, &order))?;
        let directory = match self.out.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let unwritable = |error: io::Error| Stop(format!("{} cannot be written: {error}", self.out.display()));
        let (mut made, rows) =
            build::build(app, &tenant, &order, directory, |_| Ok(true)).map_err(|failure| match failure {
                Failure::File(WriteError::Io(error)) => unwritable(error),
                Failure::File(error) => Stop(error.message_en()),
                Failure::Api(error) => error.into(),
                Failure::Stopped => Stop("it was stopped".to_owned()),
            })?;
        // Under its name it is whole or not there.
        let mut whole = tempfile::NamedTempFile::new_in(directory).map_err(unwritable)?;
        io::copy(&mut made, &mut whole).map_err(unwritable)?;
        whole.as_file().sync_all().map_err(unwritable)?;
        whole.persist(&self.out).map_err(|error| unwritable(error.error))?;
        println!("{rows} row(s) are in {}.", self.out.display());
        Ok(())
    }
}

/// The local government of a code, or the only one.
fn tenant(app: &App, code: Option<&str>) -> Result<Tenant, Stop> {
    let all: Vec<(String, String)> = app.db.read(|conn| {
        Ok(local_governments::table
            .order(local_governments::code)
            .select((local_governments::code, local_governments::id))
            .load(conn)?)
    })?;
    match code {
        Some(code) => {
            let found = all.iter().find(|(known, _)| known == code);
            let found = found.ok_or_else(|| Stop(format!("there is no local government with the code {code}")))?;
            Ok(Tenant::new(&found.1))
        }
        None => match all.as_slice() {
            [(_, id)] => Ok(Tenant::new(id)),
            [] => Err(Stop(
                "there is no local government yet; run `kakunin init` first".to_owned(),
            )),
            several => {
                let codes: Vec<&str> = several.iter().map(|(code, _)| code.as_str()).collect();
                Err(Stop(format!("give --code, one of {}", codes.join(", "))))
            }
        },
    }
}
