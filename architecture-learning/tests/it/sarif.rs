//! SARIF against the schema that its committee publishes, as `sarif-2.1.0.json` (from Microsoft's SARIF Multitool 5.7.0, MIT).

use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::look::{faulty, told};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-schema-2.1.0.json";

/// What the schema objects to in a log.
fn objection(log: &Value) -> Option<String> {
    let schema = serde_json::from_str(include_str!("sarif-2.1.0.json")).expect("JSON");
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.enable_format_assertions();
    compiler.add_resource(SCHEMA, schema).expect("a schema");
    let index = compiler.compile(SCHEMA, &mut schemas).expect("a schema");
    schemas.validate(log, index).err().map(|e| e.to_string())
}

fn sarif(name: &str) -> Value {
    let (scratch, path) = faulty(name);
    let arguments = ["classify", &path, "--format", "sarif"];
    serde_json::from_str(&told(&scratch, &arguments)).expect("JSON")
}

#[test]
fn sarif_is_what_its_schema_says() {
    let log = sarif("sarif-schema");
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(objection(&log), None);
    let mut without = log.clone();
    without["runs"][0]["results"] = Value::Array(Vec::new());
    assert_eq!(objection(&without), None, "nothing to report");
}

#[test]
fn the_schema_objects_to_what_is_not_sarif() {
    let mut log = sarif("sarif-broken");
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] =
        Value::from(0);
    let told = objection(&log).expect("an objection");
    assert!(told.contains("startLine"), "{told}");
}

/// What the schema cannot say: SARIF 3.49.7, and a result that names its rule by place and by id alike.
#[test]
fn a_rule_has_a_name_for_people_beside_its_id() {
    let log = sarif("sarif-rules");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let names: Vec<_> = rules.iter().filter_map(|r| r["name"].as_str()).collect();
    assert_eq!(
        names,
        [
            "OneWayDependency",
            "AgainstTheGrainDependency",
            "CycleDependency",
            "CentralCycleDependency"
        ]
    );
    for result in run["results"].as_array().expect("results") {
        let place = usize::try_from(result["ruleIndex"].as_u64().expect("a place")).expect("small");
        assert_eq!(rules[place]["id"], result["ruleId"]);
    }
}
