//! `kakunin openapi`: the published document, as it is committed in `openapi/`.

use clap::{Args, ValueEnum};

use super::{Stop, print};
use crate::http;

/// How the document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// `OpenAPI` 3.1
    Json,
    /// The same as YAML
    Yaml,
    /// `OpenAPI` 3.0, derived from it
    #[value(name = "json-3.0")]
    Json30,
}

/// Options of the command.
#[derive(Debug, Args)]
pub(super) struct Openapi {
    /// How it is written
    #[arg(long, env = "KAKUNIN_OPENAPI_FORMAT", value_enum, default_value = "json")]
    format: Format,
}

impl Openapi {
    pub(super) fn run(&self) -> Result<(), Stop> {
        let document = http::document()?;
        print(match self.format {
            Format::Json => document.text(),
            Format::Yaml => document.yaml(),
            Format::Json30 => document.text_30(),
        })
    }
}
