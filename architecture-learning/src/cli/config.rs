//! `archlearn config`: what each variable of the pipeline comes to.

use architecture_learning::LearningError;
use architecture_learning::pipeline::settings;

use super::{print, print_json};

pub(super) fn config(json: bool) -> Result<(), LearningError> {
    let settings = settings()?;
    if json {
        return print_json(&settings);
    }
    let width = settings.iter().map(|s| s.name.len()).max().unwrap_or_default();
    let lines =
        settings.iter().map(|s| format!("{:width$}  {:>8}  {}\n", s.name, s.value, s.source));
    print(&lines.collect::<String>());
    Ok(())
}
