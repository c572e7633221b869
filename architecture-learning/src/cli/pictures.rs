//! Files that are written beside the answer.

use std::path::{Path, PathBuf};

use architecture_learning::LearningError;
use architecture_learning::render::{self, Subject};
use clap::Args;

/// Pictures and the page.
#[derive(Args)]
pub(super) struct Pictures {
    /// Write the page, one self-contained file, to a file, or to standard output for `-`.
    #[arg(long, value_name = "FILE|-")]
    html: Option<PathBuf>,
    /// Write the layers as SVG.
    #[arg(long, value_name = "FILE|-")]
    svg: Option<PathBuf>,
    /// Write the layers as a Mermaid flowchart.
    #[arg(long, value_name = "FILE|-")]
    mermaid: Option<PathBuf>,
}

impl Pictures {
    /// Whether standard output is taken.
    pub(super) fn to_standard_output(&self) -> bool {
        let all = [&self.html, &self.svg, &self.mermaid];
        all.into_iter().flatten().any(|path| path == Path::new("-"))
    }

    pub(super) fn write(&self, subject: Subject<'_>) -> Result<(), LearningError> {
        let architecture = &subject.survey.architecture;
        if let Some(path) = &self.html {
            put(path, &render::html(subject))?;
        }
        if let Some(path) = &self.svg {
            put(path, &render::svg(architecture))?;
        }
        if let Some(path) = &self.mermaid {
            put(path, &render::mermaid(architecture))?;
        }
        Ok(())
    }
}

/// Writes to a file, or to standard output for `-`.
pub(super) fn put(path: &Path, text: &str) -> Result<(), LearningError> {
    if path == Path::new("-") {
        super::print(text);
        return Ok(());
    }
    std::fs::write(path, text)
        .map_err(|source| LearningError::Write { path: path.to_owned(), source })
}
