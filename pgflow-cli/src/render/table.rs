//! Columns that line up.

use crate::output::{Paint, Tone};

/// A text in a table, and what it means.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// Rows under faint headings; columns that are empty in all rows are left out.
pub(crate) fn table(paint: Paint, headings: &[&str], rows: &[Vec<Cell>]) -> String {
    let head = headings.iter().map(|heading| Cell::new(Tone::Faint, *heading)).collect();
    let shown: Vec<usize> = (0..headings.len())
        .filter(|column| {
            rows.iter().any(|row| row.get(*column).is_some_and(|c| !c.text.is_empty()))
        })
        .collect();
    let all: Vec<&Vec<Cell>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: &usize| {
        let cells = all.iter().filter_map(|row| row.get(*column));
        cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = shown.iter().map(width).collect();
    let mut text = String::new();
    for row in all {
        let mut line = String::new();
        for (column, width) in shown.iter().zip(&widths) {
            let cell = row.get(*column).cloned().unwrap_or_default();
            let padding = " ".repeat(width - cell.text.chars().count() + 2);
            line += &paint.paint(cell.tone, &cell.text);
            line += &padding;
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The first line of a text, cut where it is long.
pub(crate) fn brief(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= most && line.len() == text.len() {
        return line.into();
    }
    let cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_empty_ones_go() {
        let rows = [
            vec!["1".into(), "".into(), "läuft".into()],
            vec!["100".into(), "".into(), "x".into()],
        ];
        let text = table(Paint::NONE, &["RUN", "KEY", "STATE"], &rows);
        assert_eq!(text, "RUN  STATE\n1    läuft\n100  x\n");
    }

    #[test]
    fn a_text_of_several_lines_is_cut_to_its_first() {
        assert_eq!(brief("one\ntwo", 20), "one…");
        assert_eq!(brief("abcdef", 4), "abc…");
        assert_eq!(brief("abc", 4), "abc");
    }
}
