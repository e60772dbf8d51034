//! Paper: documents as PDF with embedded fonts, and as plain text of 80 columns. The same contents in both.

mod blocks;
mod code;
mod font;
mod pdf;
mod plain;
mod plot;
mod sheets;
mod table;
mod wrap;

use thiserror::Error;

use crate::model::paper::{Document, Paper};

/// Why a document could not be made.
#[derive(Debug, Error)]
pub enum PaperError {
    /// The built-in font cannot be read: this program was not built as it should be.
    #[error("the built-in font cannot be read; build the program again")]
    Font,
    /// The PDF could not be written.
    #[error("the PDF could not be made: {0}")]
    Pdf(String),
}

/// The document as a PDF.
///
/// # Errors
/// A fault of this program; no contents of a document lead to one.
pub fn pdf(document: &Document, paper: Paper) -> Result<Vec<u8>, PaperError> {
    let fonts = font::Fonts::load()?;
    let sheets = sheets::Sheets::lay(document, paper, &fonts);
    pdf::write(document, &sheets, &fonts)
}

/// The document as plain text, at most 80 columns wide.
#[must_use]
pub fn text(document: &Document) -> String {
    plain::write(document)
}

#[cfg(test)]
mod tests;
