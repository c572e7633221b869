//! Definitions as accepted files: what the compiler cannot see is the shape of yesterday.

use std::{fs, path::Path};

use pgflow_core::{
    definition::{Definition, advice as advise},
    traits::Workflow,
};

/// Compares a workflow's definition with the accepted snapshot `<name>@v<version>.snap`.
///
/// Where it differs, the description of the failed assertion says in one paragraph what the change asks for: nothing but
/// accepting it (tuning), a new version, and which runs under way could be moved to that. For a version without a
/// snapshot it compares with the newest accepted one before it.
///
/// # Panics
/// Where the definition differs from the snapshot, as `insta::assert_snapshot!` does.
#[macro_export]
macro_rules! assert_definition {
    ($workflow:path) => {{
        let (name, definition) = $crate::__private::definition::<$workflow>();
        $crate::__private::insta::with_settings!({
            description => $crate::__private::advice::<$workflow>(env!("CARGO_MANIFEST_DIR"), file!()),
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, {
            $crate::__private::insta::assert_snapshot!(name, definition);
        });
    }};
}

/// The snapshot's name and text.
pub fn definition<W: Workflow>() -> (String, String) {
    (name::<W>(W::VERSION), Definition::from((W::SPEC)()).to_json())
}

fn name<W: Workflow>(version: u32) -> String {
    format!("{}@v{version}", W::NAME)
}

/// What to do about a difference; `file` is where it is asserted, as `file!()` says.
pub fn advice<W: Workflow>(manifest: &str, file: &str) -> String {
    let accepted = (1..=W::VERSION).rev().find_map(|version| {
        let snapshot = format!("snapshots/{}.snap", name::<W>(version));
        // `file!()` is relative to the workspace, whose root is the manifest's folder or one above it
        let folders = Path::new(manifest).ancestors();
        let mut places = folders.map(|root| root.join(file).with_file_name(&snapshot));
        places.find_map(|path| fs::read_to_string(path).ok())
    });
    let Some(accepted) = accepted else {
        return format!("`{}` has no accepted definition yet.", W::NAME);
    };
    let text = accepted.splitn(3, "---\n").nth(2).unwrap_or_default();
    match Definition::from_json(text) {
        Ok(accepted) => advise(&accepted, &Definition::from((W::SPEC)())),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("The accepted definition cannot be read: {}.", problems.join("; "))
        }
    }
}
