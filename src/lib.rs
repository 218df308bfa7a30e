//! Kakunin (確認) keeps the promise of a public body's security policy: contractors, cloud services and social-media
//! accounts with their required clauses, responsible owners, re-verification reminders and a risk score that explains
//! itself.
//!
//! # Map
//! - Start at [`http`]: every route on one screen. A route leads to a handler in its **slice**, the slice to its query:
//!   three hops. Slices, by subject: the body ([`organizations`], [`departments`], [`posts`], [`people`], [`delegations`],
//!   [`ownership_transfers`], [`erasures`]); the register ([`contractors`], [`entries`] (what the three kinds share),
//!   [`engagements`], [`subcontracts`], [`cloud_services`], [`social_media_services`], [`social_media_accounts`],
//!   [`origins`], [`transitions`]); what is required and shown ([`clauses`], [`clause_templates`], [`exceptions`],
//!   [`evidence`], [`files`], [`risk`], [`risk_model`]); what is due ([`obligations`], [`verifications`], [`reminders`],
//!   [`messages`], [`answers`] by mail); what went wrong ([`corrective_actions`], [`contract_measures`], [`incidents`]); rules and proof
//!   ([`policies`], [`policy_documents`], [`audits`], [`self_inspections`], [`measure_areas`], [`fiscal_year_snapshots`],
//!   [`reports`], [`audit_log`]); what other systems ask and follow ([`gate_checks`], [`what_if`], [`sync`], [`webhooks`]);
//!   files for Excel ([`imports`] and [`exports`], their columns in [`sheets`]) and for calendars ([`calendar_feeds`]); and
//!   [`api_clients`].
//! - [`pages`] is what people see in a browser; it asks the slices as the API does. [`sessions`] says who is
//!   at it; what a mail lets its reader do there is one of the [`links`].
//! - [`domain`] holds the rules, pure: what applies, what it scores, when it is due, who is told.
//! - [`db`] is the only place that knows two databases; [`journal`] the append-only record of every change.
//! - [`work`] plans and delivers reminders from rows, never from memory; [`mail`] writes and hands over messages.
//! - [`health`] and [`metrics`] tell those who run it how it is.
//! - [`app`] is what a handler can reach; [`clock`] and [`random`] are injected; `number_series` gives
//!   running numbers; [`keys`] and [`tokens`] guard the door.
//! - [`cli`] are the commands, [`demo`] the trial with the five policies.

pub mod answers;
pub mod api_clients;
pub mod app;
pub mod audit_log;
pub mod audits;
mod authorities;
pub mod calendar_feeds;
pub mod clause_templates;
pub mod clauses;
pub mod cli;
pub mod clock;
pub mod cloud_services;
pub mod config;
pub mod contract_measures;
pub mod contractors;
pub mod corrective_actions;
pub mod db;
pub mod delegations;
pub mod demo;
pub mod departments;
pub mod domain;
pub mod engagements;
pub mod entries;
pub mod erasures;
pub mod evidence;
pub mod exceptions;
pub mod exports;
pub mod external_ids;
pub mod files;
pub mod fiscal_year_snapshots;
pub mod gate_checks;
pub mod health;
pub mod http;
pub mod imports;
pub mod incidents;
pub mod journal;
pub mod keys;
pub mod links;
pub mod mail;
pub mod measure_areas;
pub mod messages;
pub mod metrics;
mod number_series;
pub mod obligations;
pub mod organizations;
pub mod origins;
pub mod ownership_transfers;
pub mod pages;
pub mod people;
pub mod policies;
pub mod policy_documents;
pub mod posts;
pub mod random;
pub mod reminders;
pub mod reports;
pub mod risk;
pub mod risk_model;
pub mod self_inspections;
pub mod sessions;
pub mod sheets;
pub mod social_media_accounts;
pub mod social_media_services;
pub mod subcontracts;
pub mod sync;
pub mod tokens;
pub mod transitions;
pub mod verifications;
pub mod webhooks;
pub mod what_if;
pub mod work;
