//! Spreadsheets.

pub mod read;
