//! The settings, one struct per area. Commands fill them from options and `KAKUNIN_…` variables ([`crate::cli`]);
//! tests build them directly and never touch the environment.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;

use crate::domain::calendar::HolidayOverride;
use crate::mail::Address;
use crate::mail::smtp::SmtpConfig;

/// What is to be free on the disk of the data directory without another word, in MiB: room for the largest uploads and
/// for the database to grow while somebody comes.
pub const DISK_RESERVE_MIB: u64 = 256;

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the embedded database, the key and the lock file live.
    pub data_dir: PathBuf,
    /// The address clients reach this service at, without a slash at the end; issuer of the tokens.
    pub public_url: String,
    /// The master key: from a file, or made in the data directory.
    pub master_key: MasterKeySource,
    /// How mail leaves.
    pub mail: MailConfig,
    /// The size of the pool of readers.
    pub connections: u32,
    /// How long a caller waits for a free connection or for another process's lock.
    pub database_wait: Duration,
    /// `host:port` of clamd, which looks through every file before it is kept.
    pub clamd_address: Option<String>,
    /// The watched folder, whose `in` is looked into for files to import.
    pub import_dir: Option<PathBuf>,
    /// Corrections of the holiday rule, for a law that is newer than this build.
    pub holidays: Vec<HolidayOverride>,
    /// Where webhooks may be sent.
    pub webhooks: WebhookConfig,
    /// Where a summary goes every Monday, beside the CISO's office.
    pub operator_email: Option<Address>,
    /// The mailbox that mails come back to which cannot be delivered; each with a mark of its own behind a `+`.
    pub bounce_address: Option<Address>,
    /// Where people may sign in beside the link by mail.
    pub openid: Option<OpenIdConfig>,
    /// How many requests are answered.
    pub limits: LimitConfig,
    /// Whether a worker runs in this process; one without answers for no reminder.
    pub plans: bool,
    /// Bytes that are to be free on the disk of the data directory; with less the service is not ready.
    pub disk_reserve: u64,
}

/// Where webhooks may be sent; without a word, to the public internet by HTTPS.
#[derive(Debug, Clone, Default)]
pub struct WebhookConfig {
    /// Networks inside the house whose receivers may be sent to, at any port.
    pub allowed_networks: Vec<IpNet>,
    /// Receivers may be named by `http:`.
    pub allow_http: bool,
    /// PEM certificates that are trusted beside the system's, for receivers with an internal authority.
    pub extra_authorities_pem: Option<String>,
}

/// A provider of OpenID Connect at which people sign in.
#[derive(Debug, Clone)]
pub struct OpenIdConfig {
    /// Its issuer, letter by letter as its tokens name it.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// How we prove it.
    pub client_secret: SecretString,
    /// What people call it: the word on the button.
    pub name: String,
    /// The claim that holds a person's mail address.
    pub claim: String,
    /// PEM certificates that are trusted beside the system's, for a provider with an internal authority.
    pub extra_authorities_pem: Option<String>,
}

/// How many requests are answered in a minute; each process counts for itself.
#[derive(Debug, Clone)]
pub struct LimitConfig {
    /// Of one API client.
    pub per_client: u32,
    /// From one address without a token: tokens, documents.
    pub per_address: u32,
    /// Batches, imports and exports of one API client.
    pub batches_per_client: u32,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self {
            per_client: 600,
            per_address: 120,
            batches_per_client: 30,
            trusted_proxies: vec![],
        }
    }
}

/// Where the master key comes from (design §4.14).
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// A file of 64 hexadecimal digits, `KAKUNIN_MASTER_KEY_FILE`.
    File(PathBuf),
    /// `master.key` in the data directory, made with mode 0600 when it is not there: the embedded default only.
    DataDir,
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub enum MailConfig {
    /// Through a relay.
    Smtp(SmtpConfig),
    /// As files in a directory: the demo, and a trial without a relay.
    Files(PathBuf),
    /// Nowhere: messages wait in the outbox and `doctor` says so.
    Unset,
}

impl Config {
    /// Settings of a test or a trial in one directory.
    pub fn in_dir(dir: &std::path::Path) -> Self {
        Self {
            data_dir: dir.to_owned(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            master_key: MasterKeySource::DataDir,
            mail: MailConfig::Files(dir.join("mail")),
            connections: 4,
            database_wait: Duration::from_secs(5),
            clamd_address: None,
            import_dir: None,
            holidays: vec![],
            operator_email: None,
            bounce_address: None,
            webhooks: WebhookConfig::default(),
            openid: None,
            limits: LimitConfig::default(),
            plans: true,
            disk_reserve: DISK_RESERVE_MIB * 1024 * 1024,
        }
    }
}
