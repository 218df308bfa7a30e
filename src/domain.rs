//! The rules, pure: no database, no HTTP, no clock, no environment.
//!
//! An auditor can read this folder alone. Slices call these functions; nothing here calls out, and a test
//! (`tests/it/architecture.rs`) keeps it so. Every number that a body may want to change lives in the data files
//! beside the modules (`catalogue.yaml`, `risk_policy.yaml`, `assurance.yaml`, `profiles/*.yaml`), each with a version.

pub mod address;
pub mod annex;
pub mod assurance;
pub mod audit;
pub mod calendar;
pub mod catalogue;
pub mod cell;
pub mod corrective_action;
pub mod event;
pub mod evidence;
pub mod exception;
pub mod fact_change;
pub mod facts;
pub mod file_type;
pub mod fulfilment;
pub mod gate;
pub mod grace;
pub mod hand_over;
pub mod identifier;
pub mod incident;
pub mod lifecycle;
pub mod link;
pub mod matching;
pub mod measure;
pub mod official_account;
pub mod onsite;
pub mod openid;
pub mod overlay;
pub mod policy_document;
pub mod profile;
pub mod reminder;
pub mod requirement;
pub mod risk;
pub mod round;
pub mod shielding;
pub mod sight;
pub mod subcontract;
pub mod text;
pub mod transitional;
pub mod vocabulary;
