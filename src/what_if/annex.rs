//! The annex of a clause plan as a file: Markdown or DOCX, where `Accept` asks for one. Its words are
//! [`crate::domain::annex`]'s; the plan itself is the parent's.

use std::io::Cursor;

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use docx_rs::{AlignmentType, Docx, Paragraph, Run, RunFonts, Table, TableCell, TableRow};
use utoipa::ToSchema;

use crate::domain::annex::Annex;
use crate::http::error::ApiError;

/// The media type of DOCX.
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// The annex as a DOCX file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct AnnexFile(pub Vec<u8>);

/// How a plan is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Markdown,
    Docx,
}

impl Form {
    /// The form that a request asks for; JSON unless it names another.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let accepted = request
            .headers()
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok());
        let names = |media_type: &str| accepted.is_some_and(|accepted| accepted.contains(media_type));
        if names(DOCX) {
            Self::Docx
        } else if names("text/markdown") {
            Self::Markdown
        } else {
            Self::Json
        }
    }

    /// The same answer with the annex for a body.
    pub(super) fn render(self, answered: HttpResponse, annex: &Annex) -> Result<HttpResponse, ApiError> {
        let (media_type, bytes) = match self {
            Self::Json => return Ok(answered),
            Self::Markdown => ("text/markdown; charset=utf-8", annex.markdown().into_bytes()),
            Self::Docx => (DOCX, docx(annex)?),
        };
        Ok(answered.map_body(|head, _| {
            head.headers
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            BoxBody::new(bytes)
        }))
    }
}

fn paragraph(text: &str) -> Paragraph {
    Paragraph::new().add_run(Run::new().add_text(text))
}

fn docx(annex: &Annex) -> Result<Vec<u8>, ApiError> {
    let title = Run::new().add_text(&annex.title).bold().size(28);
    let mut file = Docx::new()
        .default_fonts(RunFonts::new().ascii("Century").east_asia("ＭＳ 明朝"))
        .default_size(21)
        .add_paragraph(Paragraph::new().align(AlignmentType::Center).add_run(title))
        .add_paragraph(paragraph(""));
    if !annex.parameters.is_empty() {
        let row = |(name, value): &(String, String)| {
            let cells = [name, value].map(|text| TableCell::new().add_paragraph(paragraph(text)));
            TableRow::new(cells.to_vec())
        };
        file = file
            .add_table(Table::new(annex.parameters.iter().map(row).collect()))
            .add_paragraph(paragraph(""));
    }
    for article in &annex.articles {
        let heading = format!("{}（{}）", article.number, article.title);
        file = file.add_paragraph(
            Paragraph::new()
                .keep_next(true)
                .add_run(Run::new().add_text(heading).bold()),
        );
        for text in &article.paragraphs {
            file = file.add_paragraph(paragraph(text));
        }
        file = file.add_paragraph(paragraph(""));
    }
    let mut bytes = Cursor::new(vec![]);
    file.build().pack(&mut bytes).map_err(ApiError::internal)?;
    Ok(bytes.into_inner())
}
