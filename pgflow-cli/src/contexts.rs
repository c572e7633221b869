//! Databases with names, in a file of the operator, so that nobody acts on another one than he means.

use std::{
    collections::BTreeMap,
    env, fs,
    io::ErrorKind::{NotADirectory, NotFound, PermissionDenied},
    path::PathBuf,
};

use serde::Deserialize;

use crate::{
    arguments::{Access, Globals},
    error::CliError,
    output::Output,
};

/// The contexts of this user, by name.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    path: PathBuf,
    places: BTreeMap<String, Place>,
}

/// A database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    pub database: String,
    #[serde(default)]
    pub pooler: bool,
    /// Whoever acts on it is asked first.
    #[serde(default)]
    pub protected: bool,
}

impl Contexts {
    /// Those of the file; none where there is no file.
    pub fn read() -> Result<Self, CliError> {
        let Some(path) = path() else { return Ok(Self::default()) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            // what this user may not read is not his, as where a service keeps its caller's `HOME`
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied) => {
                String::new()
            }
            Err(source) => return Err(CliError::Read { path, source }),
        };
        match toml::from_str(&text) {
            Ok(places) => Ok(Self { path, places }),
            Err(error) => {
                // the error's own text shows the line, which may hold a password
                let before = error.span().and_then(|span| text.get(..span.start));
                let line = before.unwrap_or_default().matches('\n').count() + 1;
                Err(CliError::Contexts { path, line, problem: error.message().into() })
            }
        }
    }

    /// The context that a command goes to, if it has a name. Where there are several, what acts must say which.
    pub fn choose(
        &self,
        globals: &Globals,
        access: Access,
    ) -> Result<Option<(&str, &Place)>, CliError> {
        let unknown = |name: &&String| !self.places.contains_key(*name);
        if let Some(name) = globals.context.iter().chain(&globals.yes_to).find(unknown) {
            let (name, path) = (name.clone(), self.path.clone());
            return Err(CliError::NoContext { name, path, known: self.known() });
        }
        let mut all = self.places.iter().map(|(name, place)| (name.as_str(), place));
        if let Some(name) = &globals.context {
            return Ok(all.find(|(other, _)| other == name));
        }
        if access == Access::Acts && globals.database.is_none() && self.places.len() > 1 {
            return Err(CliError::WhichContext(self.known()));
        }
        let address = globals.database.clone().or_else(|| env::var("DATABASE_URL").ok());
        Ok(address.and_then(|url| all.find(|(_, place)| place.database == url)))
    }

    fn known(&self) -> String {
        let names: Vec<String> = self.places.keys().map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }
}

/// Whether somebody has said that he means the context that he acts on; asks where it is protected.
pub(crate) fn admit(
    chosen: Option<(&str, &Place)>,
    meant: Option<&str>,
    output: Output,
) -> Result<bool, CliError> {
    let name = chosen.map(|(name, _)| name);
    if let Some(meant) = meant.filter(|meant| name != Some(*meant)) {
        let name = name.map_or("a database without a name".into(), |name| format!("`{name}`"));
        return Err(CliError::OtherContext { meant: meant.into(), name });
    }
    if let Some((name, _)) = chosen.filter(|(_, place)| place.protected && meant.is_none()) {
        let what = format!("this goes to `{name}`, which is protected");
        let answer = output.ask(&format!("{what}; type its name to go on: "));
        if answer.as_deref() != Some(name) {
            return Err(CliError::Protected(name.into()));
        }
    }
    Ok(meant.is_some())
}

fn path() -> Option<PathBuf> {
    let own = env::var_os("XDG_CONFIG_HOME").filter(|directory| !directory.is_empty());
    let base = own.map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".config")))?;
    Some(base.join("pgflow/contexts.toml"))
}
