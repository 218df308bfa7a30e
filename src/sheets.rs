//! Sheets for Excel: what stands in which column of a file, how a file is written, and how one is read.
//!
//! [`columns`] is the one table that exports and imports share, so that a file that was exported can be imported again;
//! [`cells`] turns records into the texts, dates and numbers of cells; [`mod@write`] makes CSV, XLSX and NDJSON of them,
//! [`read`] takes CSV and XLSX apart again. What is exported and when is [`crate::exports`]', what is imported and how
//! [`crate::imports`]'.

pub mod cells;
pub mod columns;
pub(crate) mod names;
pub mod read;
pub mod write;
