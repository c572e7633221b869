//! The roles that are learnt. Frozen: another set starts another table of numbers.

use serde::{Deserialize, Serialize};

/// What a source file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Command line: arguments, sub-commands, completions.
    Cli,
    /// Routes and endpoints over HTTP.
    HttpApi,
    /// What a person sees and clicks.
    Ui,
    /// Entities and plain types of the domain.
    DataModel,
    /// Text to structure.
    Parsing,
    /// Structure to code.
    Codegen,
    /// Databases, stores, repositories.
    Persistence,
    /// Connections and sockets.
    Transport,
    /// Bytes to values and back.
    Codec,
    /// Executors, schedulers, workers.
    Runtime,
    /// One operating system or machine.
    Platform,
    /// Cryptography, secrets, permissions.
    Security,
    /// Settings.
    Config,
    /// Error types.
    Error,
    /// Logs, traces, metrics.
    Observability,
}

/// How many roles there are.
pub const ROLES: usize = Role::ALL.len();

/// Outputs of a model: the roles, then "none of them".
pub const OUTPUTS: usize = ROLES + 1;

impl Role {
    /// All roles, in the order of the model's outputs.
    pub const ALL: [Self; 15] = [
        Self::Cli,
        Self::HttpApi,
        Self::Ui,
        Self::DataModel,
        Self::Parsing,
        Self::Codegen,
        Self::Persistence,
        Self::Transport,
        Self::Codec,
        Self::Runtime,
        Self::Platform,
        Self::Security,
        Self::Config,
        Self::Error,
        Self::Observability,
    ];

    /// The name in JSON and on the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::HttpApi => "http_api",
            Self::Ui => "ui",
            Self::DataModel => "data_model",
            Self::Parsing => "parsing",
            Self::Codegen => "codegen",
            Self::Persistence => "persistence",
            Self::Transport => "transport",
            Self::Codec => "codec",
            Self::Runtime => "runtime",
            Self::Platform => "platform",
            Self::Security => "security",
            Self::Config => "config",
            Self::Error => "error",
            Self::Observability => "observability",
        }
    }

    /// The role of the highest probability, and that probability.
    pub fn likeliest(probabilities: &[f32; ROLES]) -> (Self, f32) {
        let mut best = (Self::ALL[0], f32::MIN);
        for (role, p) in Self::ALL.into_iter().zip(probabilities) {
            if *p > best.1 {
                best = (role, *p);
            }
        }
        best
    }

    /// Its place among [`Role::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_names_agree_with_json() {
        for (place, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role.index(), place);
            assert_eq!(serde_json::json!(role), role.name());
        }
    }
}
