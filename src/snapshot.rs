//! Definitions as accepted files: what the compiler cannot see is the shape of yesterday.

use pgflow_core::{definition::Definition, traits::Workflow};

/// Compares a workflow's definition with the accepted snapshot `<name>@v<version>.snap`.
///
/// A change of shape under one version shows as a difference in an accepted file: give the workflow a new version,
/// and keep the old function beside it for runs under way.
///
/// # Panics
/// Where the definition differs from the snapshot, as `insta::assert_snapshot!` does.
#[macro_export]
macro_rules! assert_definition {
    ($workflow:path) => {{
        let (name, definition) = $crate::__private::definition::<$workflow>();
        $crate::__private::insta::with_settings!({
            description => $crate::__private::advice::<$workflow>(),
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, {
            $crate::__private::insta::assert_snapshot!(name, definition);
        });
    }};
}

/// The snapshot's name and text.
pub fn definition<W: Workflow>() -> (String, String) {
    let name = format!("{}@v{}", W::NAME, W::VERSION);
    (name, Definition::from((W::SPEC)()).to_json())
}

/// What to do about a difference.
pub fn advice<W: Workflow>() -> String {
    format!(
        "where `fingerprint` differs: shape changed under version {}; write `version = {}`",
        W::VERSION,
        W::VERSION + 1
    )
}
