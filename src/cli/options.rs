//! The options that commands share, and the settings they make.

use std::fs::{File, TryLockError};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use secrecy::SecretString;

use super::Stop;
use crate::config::{Config, DISK_RESERVE_MIB, LimitConfig, MailConfig, MasterKeySource, OpenIdConfig, WebhookConfig};
use crate::db::Url;
use crate::domain::calendar::HolidayOverride;
use crate::domain::openid::{self, EMAIL};
use crate::domain::text::single_line;
use crate::mail::Address;
use crate::mail::smtp::{Credentials, Limits, Security, SmtpConfig};

/// How the connection to the mail relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SmtpSecurity {
    /// STARTTLS, and nothing without it
    Starttls,
    /// TLS from the first byte
    Tls,
    /// Clear text without sign-in, for a relay inside the house
    Plain,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the embedded database, its key and its lock are
    #[arg(long, global = true, env = "KAKUNIN_DATA_DIR", default_value = "./kakunin-data")]
    pub data_dir: PathBuf,
    /// `sqlite://PATH` or `postgres://…`; `kakunin.db` in the data directory without it
    #[arg(long, global = true, env = "KAKUNIN_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// A file that holds the database URL
    #[arg(
        long,
        global = true,
        env = "KAKUNIN_DATABASE_URL_FILE",
        conflicts_with = "database_url"
    )]
    database_url_file: Option<PathBuf>,
    /// The address clients reach this service at
    #[arg(
        long,
        global = true,
        env = "KAKUNIN_PUBLIC_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub public_url: String,
    /// A file of 64 hexadecimal digits; made in the data directory for the embedded database
    #[arg(long, global = true, env = "KAKUNIN_MASTER_KEY_FILE")]
    master_key_file: Option<PathBuf>,
    /// Connections to the database
    #[arg(long, global = true, env = "KAKUNIN_CONNECTIONS", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    connections: u32,
    /// Seconds that a request waits for a free connection before it is answered 503
    #[arg(long, global = true, env = "KAKUNIN_DATABASE_WAIT_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    database_wait_seconds: u64,
    /// The mail relay; without it messages wait
    #[arg(long, global = true, env = "KAKUNIN_SMTP_HOST")]
    smtp_host: Option<String>,
    /// Its port
    #[arg(long, global = true, env = "KAKUNIN_SMTP_PORT", default_value_t = 587)]
    smtp_port: u16,
    /// How the connection to it is protected
    #[arg(
        long,
        global = true,
        env = "KAKUNIN_SMTP_SECURITY",
        value_enum,
        default_value = "starttls"
    )]
    smtp_security: SmtpSecurity,
    /// The user to sign in as
    #[arg(long, global = true, env = "KAKUNIN_SMTP_USER")]
    smtp_user: Option<String>,
    /// The password
    #[arg(long, global = true, env = "KAKUNIN_SMTP_PASSWORD", hide_env_values = true)]
    smtp_password: Option<String>,
    /// A file that holds the password
    #[arg(
        long,
        global = true,
        env = "KAKUNIN_SMTP_PASSWORD_FILE",
        conflicts_with = "smtp_password"
    )]
    smtp_password_file: Option<PathBuf>,
    /// Certificates (PEM) of an authority of your own
    #[arg(long, global = true, env = "KAKUNIN_SMTP_CA_FILE")]
    smtp_ca_file: Option<PathBuf>,
    /// The name this machine gives itself to the relay
    #[arg(
        long,
        global = true,
        env = "KAKUNIN_SMTP_HELLO",
        default_value = "kakunin.localdomain"
    )]
    smtp_hello: String,
    /// Write mails into this directory instead of sending them
    #[arg(long, global = true, env = "KAKUNIN_MAIL_DIR", conflicts_with = "smtp_host")]
    mail_dir: Option<PathBuf>,
    /// Who runs the service: a summary goes there every Monday, also when there is nothing to tell
    #[arg(long, global = true, env = "KAKUNIN_OPERATOR_EMAIL")]
    operator_email: Option<String>,
    /// The mailbox for mails that come back: they are sent as `NAME+…@DOMAIN`, and `kakunin bounce` reads what arrives
    #[arg(long, global = true, env = "KAKUNIN_BOUNCE_ADDRESS")]
    bounce_address: Option<String>,
    /// `host:port` of clamd; then no file is kept that it has not looked through
    #[arg(long, global = true, env = "KAKUNIN_CLAMD_ADDRESS")]
    clamd_address: Option<String>,
    /// A directory whose `in` is watched for files to import (`contractors_….csv`); they go to `done` or `error`
    #[arg(long, global = true, env = "KAKUNIN_IMPORT_DIR")]
    import_dir: Option<PathBuf>,
    /// Holidays that a newer law moved: a file of lines `YYYY-MM-DD NAME`, or `YYYY-MM-DD` alone for a business day
    #[arg(long, global = true, env = "KAKUNIN_HOLIDAYS_FILE")]
    holidays_file: Option<PathBuf>,
    /// Networks inside the house that webhooks may be sent to, as `10.20.0.0/16`, separated by commas
    #[arg(long, global = true, env = "KAKUNIN_WEBHOOK_NETWORKS", value_delimiter = ',')]
    webhook_networks: Vec<IpNet>,
    /// Let webhooks be sent by plain HTTP
    #[arg(long, global = true, env = "KAKUNIN_WEBHOOK_HTTP", value_parser = BoolishValueParser::new())]
    webhook_http: bool,
    /// Certificates (PEM) of an authority of your own, for receivers of webhooks
    #[arg(long, global = true, env = "KAKUNIN_WEBHOOK_CA_FILE")]
    webhook_ca_file: Option<PathBuf>,
    /// The issuer of a provider of OpenID Connect, at which people may then sign in beside the link by mail
    #[arg(long, global = true, env = "KAKUNIN_OPENID_ISSUER")]
    openid_issuer: Option<String>,
    /// The client id that it gave this service
    #[arg(long, global = true, env = "KAKUNIN_OPENID_CLIENT_ID")]
    openid_client_id: Option<String>,
    /// A file that holds the client secret
    #[arg(long, global = true, env = "KAKUNIN_OPENID_CLIENT_SECRET_FILE")]
    openid_client_secret_file: Option<PathBuf>,
    /// What people call it: the word on the button
    #[arg(long, global = true, env = "KAKUNIN_OPENID_NAME", default_value = "庁内認証")]
    openid_name: String,
    /// The claim that holds a person's mail address; any other than `email` counts without being verified
    #[arg(long, global = true, env = "KAKUNIN_OPENID_CLAIM", default_value = EMAIL)]
    openid_claim: String,
    /// Certificates (PEM) of an authority of your own, for the provider
    #[arg(long, global = true, env = "KAKUNIN_OPENID_CA_FILE")]
    openid_ca_file: Option<PathBuf>,
    /// Requests of one API client that are answered in a minute
    #[arg(long, global = true, env = "KAKUNIN_REQUESTS_PER_MINUTE", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_minute: u32,
    /// Requests without a token from one address that are answered in a minute
    #[arg(long, global = true, env = "KAKUNIN_ANONYMOUS_REQUESTS_PER_MINUTE", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    anonymous_requests_per_minute: u32,
    /// Batches, imports and exports of one API client that are taken in a minute
    #[arg(long, global = true, env = "KAKUNIN_BATCHES_PER_MINUTE", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    batches_per_minute: u32,
    /// Proxies whose `X-Forwarded-For` is believed, as `10.0.0.5/32`, separated by commas
    #[arg(long, global = true, env = "KAKUNIN_TRUSTED_PROXIES", value_delimiter = ',')]
    trusted_proxies: Vec<IpNet>,
    /// MiB that are to be free on the disk of the data directory; with less the service is not ready
    #[arg(long, global = true, env = "KAKUNIN_DISK_RESERVE_MIB", default_value_t = DISK_RESERVE_MIB)]
    disk_reserve_mib: u64,
    /// What to log, as `info` or `kakunin=debug`
    #[arg(long, global = true, env = "KAKUNIN_LOG", default_value = "info")]
    log: String,
    /// Log one JSON object per line
    #[arg(long, global = true, env = "KAKUNIN_LOG_JSON", value_parser = BoolishValueParser::new())]
    log_json: bool,
}

fn read(file: &PathBuf) -> Result<String, Stop> {
    let text = std::fs::read_to_string(file).map_err(|e| Stop(format!("{} cannot be read: {e}", file.display())))?;
    Ok(text.trim().to_owned())
}

fn address(option: &str, given: Option<&str>) -> Result<Option<Address>, Stop> {
    let parsed = given.map(Address::parse).transpose();
    parsed.map_err(|error| Stop(format!("{option} is {error}; write it as name@example.lg.jp")))
}

impl Options {
    /// Starts the log.
    pub(super) fn log(&self) {
        let filter = tracing_subscriber::EnvFilter::new(&self.log);
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        let started = if self.log_json {
            subscriber.json().try_init()
        } else {
            subscriber.try_init()
        };
        if started.is_err() {
            eprintln!("kakunin: a log is running already");
        }
    }

    /// The database and the settings.
    pub(crate) fn database(&self) -> Result<(Url, Config), Stop> {
        let given = match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(file)) => Some(read(file)?),
            (None, None) => None,
        };
        let path = self.data_dir.join("kakunin.db");
        let url = given.unwrap_or_else(|| format!("sqlite://{}", path.display()));
        let url = Url::parse(&url).map_err(Stop)?;
        std::fs::create_dir_all(&self.data_dir).map_err(|e| {
            Stop(format!(
                "the data directory {} cannot be made: {e}",
                self.data_dir.display()
            ))
        })?;
        let public_url = self.public_url.trim_end_matches('/').to_owned();
        if !(public_url.starts_with("http://") || public_url.starts_with("https://")) {
            return Err(Stop("--public-url must begin with http:// or https://".to_owned()));
        }
        let master_key = match (&self.master_key_file, &url) {
            (Some(file), _) => MasterKeySource::File(file.clone()),
            (None, Url::Sqlite(_)) => MasterKeySource::DataDir,
            (None, Url::Postgres(_)) => {
                return Err(Stop(
                    "with PostgreSQL every replica needs the same key: give --master-key-file (64 hexadecimal digits)"
                        .to_owned(),
                ));
            }
        };
        let mail = self.mail()?;
        let config = Config {
            data_dir: self.data_dir.clone(),
            public_url,
            master_key,
            mail,
            connections: self.connections,
            database_wait: Duration::from_secs(self.database_wait_seconds),
            clamd_address: self.clamd()?,
            import_dir: self.import_dir.clone(),
            holidays: self.holidays()?,
            operator_email: address("--operator-email", self.operator_email.as_deref())?,
            bounce_address: address("--bounce-address", self.bounce_address.as_deref())?,
            webhooks: self.webhooks()?,
            openid: self.openid()?,
            limits: self.limits(),
            plans: true,
            disk_reserve: self.disk_reserve_mib.saturating_mul(1024 * 1024),
        };
        Ok((url, config))
    }

    /// Where webhooks may be sent.
    pub(crate) fn webhooks(&self) -> Result<WebhookConfig, Stop> {
        Ok(WebhookConfig {
            allowed_networks: self.webhook_networks.clone(),
            allow_http: self.webhook_http,
            extra_authorities_pem: self.webhook_ca_file.as_ref().map(read).transpose()?,
        })
    }

    /// Where people may sign in beside the link by mail.
    pub(crate) fn openid(&self) -> Result<Option<OpenIdConfig>, Stop> {
        let given = (
            &self.openid_issuer,
            &self.openid_client_id,
            &self.openid_client_secret_file,
            &self.openid_ca_file,
        );
        let (issuer, client_id, file) = match given {
            (Some(issuer), Some(client_id), Some(file), _) => (issuer, client_id, file),
            (None, None, None, None) => return Ok(None),
            _ => {
                return Err(Stop(
                    "--openid-issuer, --openid-client-id and --openid-client-secret-file belong together".to_owned(),
                ));
            }
        };
        if !openid::may_ask(issuer) || issuer.contains('?') {
            return Err(Stop(format!(
                "--openid-issuer must be an address by https:// without query or fragment, not {issuer:?}"
            )));
        }
        let secret = read(file)?;
        if secret.is_empty() {
            return Err(Stop(format!(
                "--openid-client-secret-file: {} is empty",
                file.display()
            )));
        }
        let name = single_line(&self.openid_name, 40)
            .map_err(|error| Stop(format!("--openid-name: {}", error.message_en())))?;
        Ok(Some(OpenIdConfig {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret: SecretString::from(secret),
            name,
            claim: self.openid_claim.clone(),
            extra_authorities_pem: self.openid_ca_file.as_ref().map(read).transpose()?,
        }))
    }

    /// How many requests are answered.
    pub(crate) fn limits(&self) -> LimitConfig {
        LimitConfig {
            per_client: self.requests_per_minute,
            per_address: self.anonymous_requests_per_minute,
            batches_per_client: self.batches_per_minute,
            trusted_proxies: self.trusted_proxies.clone(),
        }
    }

    fn clamd(&self) -> Result<Option<String>, Stop> {
        let Some(address) = &self.clamd_address else {
            return Ok(None);
        };
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        match port.map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(1..)) => Ok(Some(address.clone())),
            _ => Err(Stop(format!(
                "--clamd-address must be host:port, as clamd:3310, not {address:?}"
            ))),
        }
    }

    fn holidays(&self) -> Result<Vec<HolidayOverride>, Stop> {
        let Some(file) = &self.holidays_file else {
            return Ok(vec![]);
        };
        let text = read(file)?;
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(n, line)| {
                line.parse()
                    .map_err(|e| Stop(format!("{} line {}: {e}", file.display(), n + 1)))
            })
            .collect()
    }

    fn mail(&self) -> Result<MailConfig, Stop> {
        if let Some(dir) = &self.mail_dir {
            return Ok(MailConfig::Files(dir.clone()));
        }
        let Some(host) = &self.smtp_host else {
            return Ok(MailConfig::Unset);
        };
        let password = match (&self.smtp_password, &self.smtp_password_file) {
            (Some(password), _) => Some(password.clone()),
            (None, Some(file)) => Some(read(file)?),
            (None, None) => None,
        };
        let credentials = match (&self.smtp_user, password) {
            (Some(user), Some(password)) => Some(Credentials {
                username: user.clone(),
                password: SecretString::from(password),
            }),
            (None, None) => None,
            _ => return Err(Stop("--smtp-user and --smtp-password belong together".to_owned())),
        };
        let extra_authorities_pem = self.smtp_ca_file.as_ref().map(read).transpose()?;
        Ok(MailConfig::Smtp(SmtpConfig {
            host: host.clone(),
            port: self.smtp_port,
            security: match self.smtp_security {
                SmtpSecurity::Starttls => Security::StartTlsRequired,
                SmtpSecurity::Tls => Security::ImplicitTls,
                SmtpSecurity::Plain => Security::PlainWithoutAuth,
            },
            credentials,
            hello_name: self.smtp_hello.clone(),
            extra_authorities_pem,
            limits: Limits::default(),
        }))
    }

    /// Takes the one ownership of an embedded database; the lock ends with the process.
    pub(crate) fn own(url: &Url) -> Result<Option<File>, Stop> {
        let Url::Sqlite(path) = url else { return Ok(None) };
        let lock = format!("{path}.lock");
        let file = File::create(&lock).map_err(|e| Stop(format!("{lock} cannot be made: {e}")))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(Stop(format!(
                "another kakunin uses {path}; stop it first, or move to PostgreSQL for several processes"
            ))),
            Err(TryLockError::Error(e)) => Err(Stop(format!("{lock} cannot be locked: {e}"))),
        }
    }
}
