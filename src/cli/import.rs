//! `import`: a file from Excel taken into the register at the terminal, by the steps of every import.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::BoolishValueParser;
use diesel::prelude::*;

use super::{Stop, print};
use crate::app::{App, Tenant};
use crate::db::schema::{local_governments, organizations};
use crate::domain::vocabulary::CodeWord;
use crate::http::caller::Organizations;
use crate::http::error::Lang;
use crate::imports::wire::{ImportMode, ImportStatus, OnError};
use crate::imports::{self, folder, rows};
use crate::journal::Actor;
use crate::sheets::columns::Entity;
use crate::sheets::read::{SheetEncoding, SheetFormat};

/// Errors that are printed at a time.
const STEP: i64 = 200;

/// `kakunin import`.
#[derive(Debug, Clone, Args)]
pub(super) struct Import {
    /// contractors, engagements, `cloud_services`, `social_media_accounts`, people, departments or `clause_statuses`
    #[arg(env = "KAKUNIN_IMPORT_ENTITY")]
    entity: String,
    /// The file: .csv (UTF-8 or CP932) or .xlsx
    #[arg(env = "KAKUNIN_IMPORT_FILE")]
    file: PathBuf,
    /// Write the rows; without it they are only checked
    #[arg(long, env = "KAKUNIN_IMPORT_APPLY", value_parser = BoolishValueParser::new())]
    apply: bool,
    /// Write the right rows even when others are wrong
    #[arg(long, env = "KAKUNIN_IMPORT_SKIP_ROWS", value_parser = BoolishValueParser::new())]
    skip_rows: bool,
    /// Code of the local government; the only one without it
    #[arg(long, env = "KAKUNIN_IMPORT_CODE")]
    code: Option<String>,
    /// Key of the organization of rows that name none
    #[arg(long, env = "KAKUNIN_IMPORT_ORGANIZATION")]
    organization: Option<String>,
    /// auto, utf-8 or cp932
    #[arg(long, env = "KAKUNIN_IMPORT_ENCODING", default_value = "auto")]
    encoding: String,
    /// Where to write the rows with errors
    #[arg(long, env = "KAKUNIN_IMPORT_ERRORS")]
    errors: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(&self, app: &App) -> Result<ExitCode, Stop> {
        let codes = || {
            Entity::ALL
                .iter()
                .map(|entity| entity.code())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let entity = Entity::parse(&self.entity)
            .ok_or_else(|| Stop(format!("there is no entity {:?}; known: {}", self.entity, codes())))?;
        let encoding = SheetEncoding::parse(&self.encoding)
            .ok_or_else(|| Stop(format!("--encoding {:?}: auto, utf-8 or cp932", self.encoding)))?;
        let name = self
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let format = SheetFormat::of_name(&name)
            .ok_or_else(|| Stop(format!("{}: the name must end in .csv or .xlsx", self.file.display())))?;
        let tenant = self.tenant(app)?;
        let incoming = folder::receive(app, &self.file)
            .map_err(|error| Stop(format!("{} cannot be read: {error}", self.file.display())))?;
        let mut incoming = incoming.ok_or_else(|| Stop(format!("{} is larger than 64 MiB", self.file.display())))?;
        let mode = if self.apply {
            ImportMode::Apply
        } else {
            ImportMode::DryRun
        };
        let organization = self.organization(app, &tenant)?;
        let row = app.write_as(&tenant, Actor::system(), |scope| {
            let mut settings = folder::settings(scope, &name, format, encoding, incoming.size(), mode)?;
            if self.skip_rows {
                settings.on_error = OnError::SkipRow;
            }
            if organization.is_some() {
                settings.organization_id.clone_from(&organization);
            }
            imports::take_on(scope, entity, settings, &mut incoming, true, &Organizations::All)
        })?;
        let row = imports::run(app, &tenant, &row.id)?;
        self.report(app, &tenant, &row)
    }

    fn tenant(&self, app: &App) -> Result<Tenant, Stop> {
        let all: Vec<(String, String)> = app.db.read(|conn| {
            Ok(local_governments::table
                .order(local_governments::code)
                .select((local_governments::id, local_governments::code))
                .load(conn)?)
        })?;
        let found = match (&self.code, all.as_slice()) {
            (Some(code), all) => all.iter().find(|(_, known)| known == code),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        found
            .map(|(id, _)| Tenant::new(id))
            .ok_or_else(|| Stop("give --code, the code of a local government; `kakunin doctor` lists them".to_owned()))
    }

    fn organization(&self, app: &App, tenant: &Tenant) -> Result<Option<String>, Stop> {
        let Some(key) = &self.organization else { return Ok(None) };
        let found: Option<String> = app.read_as(tenant, |scope| {
            Ok(organizations::table
                .filter(organizations::local_government_id.eq(&scope.lg))
                .filter(organizations::key.eq(key))
                .select(organizations::id)
                .first(scope.conn)
                .optional()?)
        })?;
        found
            .map(Some)
            .ok_or_else(|| Stop(format!("there is no organization with the key {key}")))
    }

    fn report(&self, app: &App, tenant: &Tenant, row: &rows::ImportRow) -> Result<ExitCode, Stop> {
        let import = row.wire(Lang::Ja)?;
        let counts = &import.counts;
        print(&format!(
            "{}（{}）: {}\n読込 {}行 / 登録 {} / 変更 {} / 変更なし {} / 誤り {}\n",
            import.entity.ja(),
            import.mode.ja(),
            import.status.ja(),
            counts.read,
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.failed
        ))?;
        if let Some(problem) = &import.problem {
            print(&format!("{}\n", problem.message))?;
        }
        if !import.unknown_columns.is_empty() {
            print(&format!("読み取らなかった列: {}\n", import.unknown_columns.join("、")))?;
        }
        let mut at = (0, -1);
        loop {
            let found = app.read_as(tenant, |scope| rows::errors(scope, &row.id, at, STEP))?;
            let Some(last) = found.last() else { break };
            at = (last.row_number, last.position);
            for error in found {
                let error = error.wire(Lang::Ja);
                let place = error.cell.unwrap_or_else(|| format!("{}行目", error.row));
                print(&format!("{place}: {}\n", error.message))?;
            }
        }
        if let Some(path) = &self.errors
            && counts.failed > 0
        {
            let (_, bytes) = imports::error_file_of(app, tenant, row)?;
            std::fs::write(path, bytes)?;
            print(&format!("誤りのある行: {}\n", path.display()))?;
        }
        let well = import.status == ImportStatus::Succeeded && counts.failed == 0;
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}
