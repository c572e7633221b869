//! What this binary links, as data.

use pgflow::{Definition, definitions};

#[test]
fn every_workflow_is_read_back_from_its_own_json() {
    let all = definitions();
    assert!(all.len() > 100, "{}", all.len());
    for definition in all {
        let read = Definition::from_json(&definition.to_json());
        assert_eq!(read.as_ref(), Ok(&definition), "`{}`", definition.name);
    }
}
