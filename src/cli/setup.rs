//! `init`, `local-government create` and `client`: what an operator makes before the first call. Run again, they change
//! nothing and say so.

use clap::{Args, Subcommand};
use diesel::prelude::*;

use super::Stop;
use crate::api_clients::{self, ApiClient, ApiClientCreate};
use crate::app::{App, Scope, Tenant};
use crate::clock::Instant;
use crate::db::schema::{journal_heads, local_governments, organizations as organizations_table};
use crate::domain::identifier::LocalGovernmentCode;
use crate::domain::profile::{self, Profile};
use crate::domain::text;
use crate::domain::vocabulary::{CodeWord, Role};
use crate::http::caller::{Organizations, scope};
use crate::http::error::ApiError;
use crate::journal::Actor;
use crate::mail::{Address, compose, templates};
use crate::organizations::{self, OrganizationCreate};
use crate::people::wire::{HeldRole, PersonCreate};
use crate::{people, work};

/// A local government with everything it needs to begin.
#[derive(Debug, Clone, Args)]
pub(super) struct Setup {
    /// Code of the local government (全国地方公共団体コード, six digits)
    #[arg(long, env = "KAKUNIN_INIT_CODE")]
    code: String,
    /// Policy profile: motosu, `kashiwa_election`, `kanagawa_coop`, miyako, `kagoshima_assembly` or default
    #[arg(long, env = "KAKUNIN_INIT_PROFILE", default_value = "default")]
    profile: String,
    /// Name of the local government; the profile's without it
    #[arg(long, env = "KAKUNIN_INIT_NAME")]
    name: Option<String>,
    /// Name of the first person of the CISO's office
    #[arg(long, env = "KAKUNIN_INIT_PERSON_NAME", default_value = "情報セキュリティ担当")]
    person_name: String,
    /// Their mail address; a test mail goes there
    #[arg(long, env = "KAKUNIN_INIT_PERSON_EMAIL")]
    person_email: Option<String>,
    /// Sender of the reminders
    #[arg(
        long,
        env = "KAKUNIN_INIT_MAIL_FROM",
        default_value = "kakunin@localhost.localdomain"
    )]
    mail_from: String,
}

/// `kakunin local-government`.
#[derive(Debug, Subcommand)]
pub(super) enum LocalGovernmentCommand {
    /// Make a local government, its organizations, first person and first client
    Create(Setup),
}

impl LocalGovernmentCommand {
    pub(super) fn run(&self, app: &App) -> Result<(), Stop> {
        let Self::Create(setup) = self;
        setup.run(app)
    }
}

/// What a new local government is called and does.
pub(crate) struct NewTenant<'a> {
    pub code: &'a str,
    pub name: &'a str,
    pub name_kana: &'a str,
    pub mail_from: &'a str,
    pub contact: &'a str,
    pub is_demo: bool,
    /// Minute of the day at which mails leave.
    pub sending_minute: i32,
}

/// Makes a local government with the organizations of a profile and what `fill` adds, in one transaction: whatever goes
/// wrong, none is left half made. `None` when its code is registered already.
pub(crate) fn make_tenant<T>(
    app: &App,
    profile: &Profile,
    new: &NewTenant<'_>,
    fill: impl FnOnce(&mut Scope<'_>) -> Result<T, ApiError>,
) -> Result<Option<T>, ApiError> {
    let now = app.clock.now();
    let id = app.random.id(now);
    app.db.write(|conn| {
        let known: Option<String> = local_governments::table
            .filter(local_governments::code.eq(new.code))
            .select(local_governments::id)
            .first(conn)
            .optional()?;
        if known.is_some() {
            return Ok(None);
        }
        diesel::insert_into(local_governments::table)
            .values((
                local_governments::id.eq(&id),
                local_governments::code.eq(new.code),
                local_governments::name.eq(new.name),
                local_governments::name_kana.eq(new.name_kana),
                local_governments::time_zone.eq("Asia/Tokyo"),
                local_governments::sending_minute.eq(new.sending_minute),
                local_governments::mails_per_minute.eq(600),
                local_governments::public_url.eq(&app.config.public_url),
                local_governments::mail_from.eq(new.mail_from),
                local_governments::mail_from_name.eq(format!("{} 確認", new.name)),
                local_governments::contact.eq(new.contact),
                local_governments::is_demo.eq(new.is_demo),
                local_governments::version.eq(1),
                local_governments::created_at.eq(now),
                local_governments::created_by.eq("system"),
                local_governments::updated_at.eq(now),
                local_governments::updated_by.eq("system"),
            ))
            .execute(conn)?;
        diesel::insert_into(journal_heads::table)
            .values((
                journal_heads::local_government_id.eq(&id),
                journal_heads::seq.eq(0),
                journal_heads::hash.eq(""),
            ))
            .execute(conn)?;
        app.write_in(conn, &Tenant::new(&id), Actor::system(), |scope| {
            for organization in &profile.organizations {
                organizations::create(
                    scope,
                    OrganizationCreate {
                        key: organization.key.clone(),
                        name: organization.name.clone(),
                        name_kana: new.name_kana.to_owned(),
                        kind: organization.kind,
                        profile_key: profile.key.clone(),
                        extra_closed_days: vec![],
                        review_month: None,
                        existing_gaps_due_on: None,
                        contact: Some(new.contact.to_owned()),
                    },
                )?;
            }
            fill(scope).map(Some)
        })
    })
}

/// Every scope of the API.
pub(crate) fn all_scopes() -> Vec<String> {
    scope::ALL.iter().map(|(name, _)| (*name).to_owned()).collect()
}

impl Setup {
    pub(super) fn run(&self, app: &App) -> Result<(), Stop> {
        let code = LocalGovernmentCode::parse(&self.code)
            .map_err(|e| Stop(format!("--code {}: {}", self.code, e.message_en())))?;
        let Some(profile) = profile::find(&app.profiles, &self.profile) else {
            let known: Vec<&str> = app.profiles.iter().map(|profile| profile.key.as_str()).collect();
            return Err(Stop(format!(
                "there is no profile {:?}; known: {}",
                self.profile,
                known.join(", ")
            )));
        };
        let sender = Address::parse(&self.mail_from).map_err(|_| Stop("--mail-from is no mail address".to_owned()))?;
        let to = self.person_email.as_deref().map(Address::parse).transpose();
        let to = to.map_err(|_| Stop("--person-email is no mail address".to_owned()))?;
        let name = self.name.as_deref().unwrap_or(&profile.local_government.name);
        let name = &text::single_line(name, 100).map_err(|e| Stop(format!("--name: {}", e.message_en())))?;
        let made = make_tenant(
            app,
            profile,
            &NewTenant {
                code: code.as_str(),
                name,
                name_kana: &profile.local_government.name_kana,
                mail_from: &self.mail_from,
                contact: "情報セキュリティ担当",
                is_demo: false,
                sending_minute: 8 * 60 + 30,
            },
            |scope| self.first_person_and_client(scope),
        )?;
        let Some((client, secret)) = made else {
            println!("{name} ({code}) is registered already; nothing was changed.");
            return Ok(());
        };
        println!("{name} ({code}) is registered under the profile {}.", profile.key);
        println!(
            "client_id:     {}\nclient_secret: {secret}\nThe secret is shown this once.",
            client.id
        );
        if let Some(to) = to {
            return self.test_mail(app, name, sender, to);
        }
        println!("No test mail: give --person-email to send one.");
        Ok(())
    }

    fn first_person_and_client(&self, scope: &mut Scope<'_>) -> Result<(ApiClient, String), ApiError> {
        let ids: Vec<String> = organizations_table::table
            .filter(organizations_table::local_government_id.eq(&scope.lg))
            .order(organizations_table::id)
            .select(organizations_table::id)
            .load(scope.conn)?;
        let today = scope.today;
        let roles = ids
            .into_iter()
            .map(|organization_id| HeldRole {
                organization_id,
                department_id: None,
                role: Role::Ciso,
                starts_on: today,
                ends_on: None,
                announced_on: None,
            })
            .collect();
        people::create(
            scope,
            &Organizations::All,
            PersonCreate {
                name: self.person_name.clone(),
                name_kana: None,
                email: self.person_email.clone(),
                employee_code: None,
                left_on: None,
                appointments: vec![],
                roles,
            },
        )?;
        api_clients::create(
            scope,
            ApiClientCreate {
                name: "管理".to_owned(),
                scopes: all_scopes(),
                organization_ids: None,
                contact_email: self.person_email.clone(),
                expires_on: None,
            },
        )
    }

    fn test_mail(&self, app: &App, name: &str, sender: Address, to: Address) -> Result<(), Stop> {
        let Some(transport) = work::transport(&app.config)? else {
            println!("No test mail: no mail relay is set (--smtp-host), so reminders will wait.");
            return Ok(());
        };
        let now = app.clock.now();
        let mail = templates::notices::TestMail {
            ..templates::notices::TestMail::sample()
        }
        .render();
        let bytes = compose::compose(&compose::Mail {
            from: compose::Party {
                address: sender.clone(),
                name: Some(format!("{name} 確認")),
            },
            to: compose::Party {
                address: to.clone(),
                name: Some(self.person_name.clone()),
            },
            subject: mail.subject,
            message_id: compose::MessageId::derive(&app.random.bytes::<32>(), "test", &sender),
            references: vec![],
            date: date(now),
            body: mail.body,
        });
        super::serve::block_on(async {
            let outcome = work::deliver(&transport, &crate::mail::Envelope { from: sender, to }, &bytes).await;
            println!("Test mail: {outcome}");
            Ok(())
        })
    }
}

/// An instant as mails print it, in Japanese time.
fn date(at: Instant) -> chrono::DateTime<chrono::FixedOffset> {
    use chrono::Offset;
    let offset = chrono::FixedOffset::east_opt(9 * 3600).unwrap_or_else(|| chrono::Utc.fix());
    at.to_utc().with_timezone(&offset)
}

/// `kakunin client`.
#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Make a client and print its secret once
    Create {
        /// Code of its local government
        #[arg(long, env = "KAKUNIN_CLIENT_CODE")]
        code: String,
        /// Its name
        #[arg(long, env = "KAKUNIN_CLIENT_NAME")]
        name: String,
        /// Its scopes, separated by commas; every scope without it
        #[arg(long, env = "KAKUNIN_CLIENT_SCOPES", value_delimiter = ',')]
        scopes: Vec<String>,
    },
    /// List the clients
    List {
        /// Code of the local government
        #[arg(long, env = "KAKUNIN_CLIENT_CODE")]
        code: String,
    },
    /// Refuse a client's tokens from now on
    Revoke {
        /// Code of its local government
        #[arg(long, env = "KAKUNIN_CLIENT_CODE")]
        code: String,
        /// The client
        #[arg(env = "KAKUNIN_CLIENT_ID")]
        client_id: String,
    },
}

fn tenant(app: &App, code: &str) -> Result<Tenant, Stop> {
    let id: Option<String> = app.db.read(|conn| {
        Ok(local_governments::table
            .filter(local_governments::code.eq(code))
            .select(local_governments::id)
            .first(conn)
            .optional()?)
    })?;
    id.map(|id| Tenant::new(&id)).ok_or_else(|| {
        Stop(format!(
            "no local government has the code {code}; `kakunin doctor` lists them"
        ))
    })
}

impl ClientCommand {
    pub(super) fn run(&self, app: &App) -> Result<(), Stop> {
        match self {
            Self::Create { code, name, scopes } => {
                let scopes = if scopes.is_empty() {
                    all_scopes()
                } else {
                    scopes.clone()
                };
                let unknown: Vec<&String> = scopes.iter().filter(|s| !all_scopes().contains(s)).collect();
                if !unknown.is_empty() {
                    return Err(Stop(format!(
                        "unknown scope {unknown:?}; known: {}",
                        all_scopes().join(", ")
                    )));
                }
                let new = ApiClientCreate {
                    name: name.clone(),
                    scopes,
                    organization_ids: None,
                    contact_email: None,
                    expires_on: None,
                };
                let tenant = tenant(app, code)?;
                let (client, secret) =
                    app.write_as(&tenant, Actor::system(), |scope| api_clients::create(scope, new))?;
                println!(
                    "client_id:     {}\nclient_secret: {secret}\nThe secret is shown this once.",
                    client.id
                );
            }
            Self::List { code } => {
                let clients = app.read_as(&tenant(app, code)?, api_clients::all)?;
                for client in clients {
                    let state = if client.revoked_at.is_some() {
                        "revoked"
                    } else {
                        "active"
                    };
                    println!(
                        "{}  {state:8}  {}  [{}]",
                        client.id,
                        client.name,
                        client.scopes.join(" ")
                    );
                }
            }
            Self::Revoke { code, client_id } => {
                let tenant = tenant(app, code)?;
                match app.write_as(&tenant, Actor::system(), |scope| api_clients::revoke(scope, client_id)) {
                    Err(ApiError::NotFound) => {
                        return Err(Stop(format!(
                            "{code} has no client {client_id}; see `kakunin client list`"
                        )));
                    }
                    revoked => revoked?,
                }
                app.keys.forget();
                println!("{client_id} is revoked; running replicas follow within a minute.");
            }
        }
        Ok(())
    }
}

/// The title of a role, for messages at the terminal.
pub(super) fn role_title(role: Role) -> &'static str {
    role.ja()
}
