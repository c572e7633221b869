//! What the macros accept and what they say. `TRYBUILD=overwrite cargo test --test it ui` writes the expected texts.

#[test]
fn every_message_stands_under_the_token_to_edit() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    for family in ["branches", "flow", "map", "options", "signature", "timeouts", "types", "waits"]
    {
        cases.compile_fail(format!("tests/ui/{family}/*.rs"));
    }
}
