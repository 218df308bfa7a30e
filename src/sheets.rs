//! Sheets for Excel: what stands in which column of a file, and how a file is written.
//!
//! [`columns`] is the one table that exports and imports share, so that a file that was exported can be imported again;
//! [`cells`] turns records into the texts, dates and numbers of cells; [`write`] makes CSV, XLSX and NDJSON of them. What
//! is exported and when is [`crate::exports`]'.

pub mod cells;
pub mod columns;
pub(crate) mod names;
pub mod write;
