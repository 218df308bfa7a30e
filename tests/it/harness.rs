//! One application per test, over a database of its own, called in-process.
//!
//! [`db_test!`] runs a test on both databases; [`TestApp`] is the application with a clock that stands still and a
//! seeded random source; an [`Actor`] calls it. Every answer is checked against the published document ([`contract`]).
//! What the databases hold at the start is [`seed`]'s, how they are made so quickly [`database`]'s.

mod actor;
mod browser;
mod contract;
mod database;
pub mod seed;

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::TestRequest;
use actix_web::{Error, test, web};
use chrono::NaiveDateTime;
use chrono_tz::Asia::Tokyo;
use diesel::prelude::*;
use kakunin::app::App;
use kakunin::clock::{Clock, Instant};
use kakunin::config::{Config, LimitConfig};
use kakunin::db::{Conn, Db};
use kakunin::http::error::ApiError;
use kakunin::http::openapi::Document;
use kakunin::random::Random;

pub use actor::{Actor, Answered};
pub use browser::{Browser, Page};
pub use database::{Backend, Database};

/// Declares one test for each database: `db_test!(a_sentence, |app| { … })`. `app` is a [`TestApp`].
macro_rules! db_test {
    ($(#[$meta:meta])* $name:ident, |$app:ident| $body:expr) => {
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, clippy::wildcard_imports, reason = "not every test uses its file's names")]
            use super::*;

            async fn run($app: $crate::harness::TestApp) {
                $body
            }

            #[actix_web::test]
            async fn sqlite() {
                run($crate::harness::TestApp::start($crate::harness::Backend::Sqlite).await).await;
            }

            #[actix_web::test]
            async fn postgres() {
                run($crate::harness::TestApp::start($crate::harness::Backend::Postgres).await).await;
            }
        }
    };
}

type Answer = Pin<Box<dyn Future<Output = Result<ServiceResponse<BoxBody>, Error>>>>;

/// An application with a database of its own.
pub struct TestApp {
    /// What handlers and the worker can reach.
    pub app: App,
    /// The time; it stands still until told.
    pub clock: Clock,
    service: Rc<dyn Fn(TestRequest) -> Answer>,
    tokens: RefCell<HashMap<(String, String), (i64, String)>>,
    // Last: the connections above are closed before the database is dropped.
    _database: Database,
}

/// The document, made once per process as the server makes it.
pub fn document() -> web::Data<Document> {
    static DOCUMENT: OnceLock<web::Data<Document>> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| web::Data::new(kakunin::http::document().unwrap()))
        .clone()
}

/// An instant in Tokyo, as `2027-04-02T08:30`.
pub fn tokyo(local: &str) -> Instant {
    let at = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M").unwrap();
    Instant(at.and_local_timezone(Tokyo).unwrap().timestamp_micros())
}

impl TestApp {
    /// An application on 2027-04-01 at 9 o'clock in Tokyo, over a fresh copy of the seeded database.
    pub async fn start(backend: Backend) -> Self {
        // The cause of a 500 stands in the log only; a second subscriber is refused, which is well.
        let errors = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::ERROR)
            .with_test_writer();
        drop(errors.try_init());
        let database = Database::create(backend);
        let clock = Clock::manual(tokyo("2027-04-01T09:00"));
        let config = Config {
            connections: 2,
            // A busy machine must not look like a full pool; one that is really stuck still fails.
            database_wait: Duration::from_mins(1),
            // The clock stands still; `limits` has tests of its own.
            limits: LimitConfig {
                per_client: 1_000_000,
                batches_per_client: 1_000_000,
                ..LimitConfig::default()
            },
            ..Config::in_dir(database.dir())
        };
        let db = Db::open(&database.url(), config.connections, config.database_wait).unwrap();
        let app = App::new(db, clock.clone(), Random::seeded(1), config).unwrap();
        let service = test::init_service(kakunin::http::application(app.clone(), document())).await;
        let service = Rc::new(service);
        let service = move |request: TestRequest| -> Answer { Box::pin(service.call(request.to_request())) };
        Self {
            app,
            clock,
            service: Rc::new(service),
            tokens: RefCell::default(),
            _database: database,
        }
    }

    /// The same database with other settings.
    pub async fn with_config(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.app.config.clone();
        change(&mut config);
        let db = self.app.db.clone();
        let app = App::new(db, self.clock.clone(), self.app.random.clone(), config).unwrap();
        let service = test::init_service(kakunin::http::application(app.clone(), document())).await;
        let service = Rc::new(service);
        let service = move |request: TestRequest| -> Answer { Box::pin(service.call(request.to_request())) };
        Self {
            app,
            service: Rc::new(service),
            ..self
        }
    }

    /// The same database, served since an earlier time: the key that signs is made when the application starts.
    pub async fn since(self, local: &str) -> Self {
        self.at(local);
        self.with_config(|_| ()).await
    }

    /// Moves the clock to a local time in Tokyo, as `2027-04-02T08:30`.
    pub fn at(&self, local: &str) {
        self.clock.set(tokyo(local));
    }

    /// Reads or writes rows directly, to arrange and to assert.
    pub fn db<T>(&self, f: impl FnOnce(&mut Conn) -> QueryResult<T>) -> T {
        self.app.db.write(|conn| f(conn).map_err(ApiError::from)).unwrap()
    }

    /// Calls without a token.
    pub fn anon(&self) -> Actor<'_> {
        Actor::new(self, None)
    }

    /// 本巣市's client with every scope and all organizations.
    pub fn officer(&self) -> Actor<'_> {
        Actor::new(self, Some((seed::MOTOSU_CLIENT.to_owned(), None)))
    }

    /// The officer with these scopes only.
    pub fn with_scopes(&self, scopes: &[&str]) -> Actor<'_> {
        Actor::new(self, Some((seed::MOTOSU_CLIENT.to_owned(), Some(scopes.join(" ")))))
    }

    /// A client of 本巣市 with every scope, limited to these organizations.
    pub fn limited(&self, organization_ids: &[&str]) -> Actor<'_> {
        let id = self.client(seed::MOTOSU, &seed::all_scopes(), Some(organization_ids));
        Actor::new(self, Some((id, None)))
    }

    /// 鹿児島市's client with every scope and all organizations: must see nothing of 本巣市.
    pub fn stranger(&self) -> Actor<'_> {
        Actor::new(self, Some((seed::KAGOSHIMA_CLIENT.to_owned(), None)))
    }

    /// The client of this id, with all that it has.
    pub fn client_actor(&self, id: &str) -> Actor<'_> {
        Actor::new(self, Some((id.to_owned(), None)))
    }

    /// Inserts a client; its secret is [`seed::SECRET`].
    pub fn client(&self, local_government_id: &str, scopes: &[&str], organization_ids: Option<&[&str]>) -> String {
        let now = self.clock.now();
        let id = self.app.random.id(now);
        self.db(|conn| seed::client(conn, local_government_id, &id, scopes, organization_ids, now));
        id
    }

    /// An access token of a client, of these scopes or all that it has.
    pub async fn token(&self, client_id: &str, scopes: Option<&str>) -> String {
        let key = (client_id.to_owned(), scopes.unwrap_or_default().to_owned());
        let now = self.clock.now().unix_seconds();
        if let Some((issued_at, token)) = self.tokens.borrow().get(&key)
            && (0..300).contains(&(now - issued_at))
        {
            return token.clone();
        }
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", seed::SECRET),
        ];
        form.extend(scopes.map(|scopes| ("scope", scopes)));
        let answered = self.anon().form("/oauth/token", &form).await.expect(200);
        let token = answered.text("/access_token").to_owned();
        self.tokens.borrow_mut().insert(key, (now, token.clone()));
        token
    }
}
