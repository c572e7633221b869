//! JSON that is given on the command line, in a file, or on standard input.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args;
use pgflow_core::payload::Json;
use serde_json::Value;

use crate::error::CliError;

/// JSON from a file.
#[derive(Debug, Args)]
pub(crate) struct InputFile {
    /// Read it from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
}

impl InputFile {
    /// The JSON of the file, or of the argument where there is no file.
    pub fn read(&self, argument: Option<&str>) -> Result<Option<Json>, CliError> {
        match (&self.input, argument) {
            (Some(path), _) => read(path).map(Some),
            (None, Some(text)) => {
                let wrong = |problem| CliError::Argument { text: text.into(), problem };
                json(text).map(Some).map_err(wrong)
            }
            (None, None) => Ok(None),
        }
    }
}

/// The JSON of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Json, CliError> {
    json(&text(path)?).map_err(|problem| CliError::NoJson { path: path.to_owned(), problem })
}

fn json(text: &str) -> serde_json::Result<Json> {
    serde_json::from_str::<Value>(text).map(|_| Json::from_trusted(text.trim()))
}

fn text(path: &Path) -> Result<String, CliError> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|source| CliError::Read { path: path.to_owned(), source })
}
