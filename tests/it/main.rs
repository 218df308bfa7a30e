//! The integration tests: one binary, both databases, no wall clock.
//!
//! [`harness`] starts an application over a database of its own and checks every answer against the published
//! document; `smtp_server` is a mail relay that misbehaves on order; `program` runs the binary itself, for the commands
//! and the demo. Run with a server: `tests/postgres cargo test`.

#![cfg(test)]

#[macro_use]
mod harness;

mod access;
mod api_clients;
mod architecture;
mod audits;
mod backup;
mod bounces;
mod calendar_feeds;
mod clause_catalogue;
mod clause_templates;
mod cli;
mod cloud_services;
mod contractors;
mod corrective_actions;
mod delegations;
mod delivery;
mod demo;
mod dry_run;
mod edge;
mod engagements;
mod evidence;
mod exceptions;
mod exports;
mod files;
mod gate_checks;
mod hand_over;
mod idempotency;
mod identity_provider;
mod imports;
mod incidents;
mod journal;
mod limits;
mod mailroom;
mod measures;
mod office;
mod openapi;
mod openid;
mod operations;
mod origins;
mod outbox_faults;
mod over_time;
mod owner_page;
mod packaging;
mod pages;
mod policies;
mod policy_documents;
mod program;
mod published;
mod queries;
mod receiver;
mod register;
mod reminders;
mod reorganisation;
mod reports;
mod schema;
mod self_inspections;
mod sign_in;
mod smtp;
mod smtp_server;
mod social_media;
mod source;
mod subcontracts;
mod sync;
mod tokens;
mod transitions;
mod upserts;
mod vocabulary;
mod webhooks;
mod weekly;
mod what_if;
