//! Which row is the header, and which column is which field.
//!
//! A title, a date of printing and merged cells may stand above the header, so of the first rows the one that names the
//! most fields is taken; of several that name as many, the last, because a header of two rows has its particular words
//! below. Names are compared folded ([`crate::domain::text::fold`]). What fields there are is [`super::super`]'s.

use std::collections::BTreeMap;

use crate::domain::text::fold;

/// How far down a header is looked for.
pub const HEADER_ROWS: u32 = super::xlsx::HEADER_ROWS;

/// A header that was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Its row.
    pub row: u32,
    /// The field of each column, from 0.
    pub fields: BTreeMap<usize, String>,
    /// The names of columns that are no field, in their order.
    pub unknown: Vec<String>,
    /// Fields that more than one column names; the first column counts.
    pub repeated: Vec<String>,
}

impl Header {
    /// Reads a row as a header: `field_of` says which field a folded name is.
    pub fn of(row: u32, cells: &[String], field_of: impl Fn(&str) -> Option<String>) -> Self {
        let mut header = Self { row, ..Self::default() };
        for (column, cell) in cells.iter().enumerate() {
            let name = name(cell);
            if name.is_empty() {
                continue;
            }
            match field_of(&name) {
                Some(field) if header.fields.values().any(|known| *known == field) => header.repeated.push(field),
                Some(field) => {
                    header.fields.insert(column, field);
                }
                None => header.unknown.push(cell.trim().to_owned()),
            }
        }
        header
    }
}

/// The name of a column as it is compared: folded, and without the marks that tell people what they must fill in.
pub fn name(cell: &str) -> String {
    let folded = fold(cell);
    let plain = folded.trim_matches(['*', '※', '■', '●', '◎', ':']);
    plain
        .strip_suffix("(必須)")
        .or_else(|| plain.strip_prefix("(必須)"))
        .unwrap_or(plain)
        .to_owned()
}

/// The best of the rows that may be the header; `None` when none names a field.
pub fn find(rows: &[(u32, Vec<String>)], field_of: impl Fn(&str) -> Option<String>) -> Option<Header> {
    rows.iter()
        .map(|(row, cells)| Header::of(*row, cells, &field_of))
        .filter(|header| !header.fields.is_empty())
        // Of equals `max_by_key` takes the last.
        .max_by_key(|header| header.fields.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field_of(name: &str) -> Option<String> {
        let field = match name {
            "法人番号" | "corporate_number" => "corporate_number",
            "名称" | "事業者名" | "name" => "name",
            "所在地" => "address",
            _ => return None,
        };
        Some(field.to_owned())
    }

    fn rows(rows: &[&[&str]]) -> Vec<(u32, Vec<String>)> {
        let cells = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
        rows.iter().zip(1..).map(|(row, number)| (number, cells(row))).collect()
    }

    #[test]
    fn a_header_is_found_below_its_title() {
        let table = rows(&[
            &["委託先一覧", "委託先一覧", "委託先一覧"],
            &["", "作成日", "令和9年4月1日"],
            &["法人 番号", "※事業者名（必須）", "備考欄"],
            &["7000012050002", "名称", ""],
        ]);
        let header = find(&table, field_of).unwrap();
        assert_eq!(header.row, 3);
        assert_eq!(
            header.fields,
            BTreeMap::from([(0, "corporate_number".to_owned()), (1, "name".to_owned())])
        );
        assert_eq!(header.unknown, ["備考欄"]);
    }

    #[test]
    fn of_two_rows_of_one_header_the_lower_one_counts() {
        let table = rows(&[&["法人番号", "所在地", "連絡先"], &["法人番号", "所在地", "電話"]]);
        assert_eq!(find(&table, field_of).unwrap().row, 2);
    }

    #[test]
    fn a_field_that_is_named_twice_is_the_first_column() {
        let header = Header::of(1, &["名称".to_owned(), "事業者名".to_owned()], field_of);
        assert_eq!(header.fields, BTreeMap::from([(0, "name".to_owned())]));
        assert_eq!(header.repeated, ["name"]);
    }

    #[test]
    fn a_file_without_a_header_has_none() {
        assert_eq!(find(&rows(&[&["1", "2"], &["3"]]), field_of), None);
        assert_eq!(find(&[], field_of), None);
    }
}
