//! `archlearn bench compare` as a user runs it, small: both modes, the table, the failures, the picture.

use std::fs;

use crate::support::{Database, Scratch, archlearn, write_corpus};

#[tokio::test]
async fn both_modes_are_compared_on_the_same_messages() {
    let (scratch, database) = (Scratch::new("compare"), Database::new("compare").await);
    write_corpus(&scratch.path("corpus"));
    let svg = scratch.path("comparison.svg");
    let mut command = archlearn(&scratch, &["bench", "compare"]);
    command.arg(scratch.path("corpus")).arg("--svg").arg(&svg);
    command.args(["--messages", "4", "--poison", "1", "--fail-every", "3"]);
    command.args(["--rounds", "1", "--at-once", "2", "--hidden", "3"]);
    let output = command.env("DATABASE_URL", database.url()).output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let heading = lines.next().expect("a heading").join(" ");
    assert_eq!(
        heading,
        "mode done lost msg/min p50 s p95 s max s cpu s MiB failures refused circulating"
    );
    for (mode, refused, circulating) in [("legacy", "0", "1"), ("pgflow", "1", "0")] {
        let row = lines.next().expect("a row");
        assert_eq!(row.len(), 12, "{text}");
        assert_eq!(row[..3], [mode, "4", "0"], "{text}");
        let numbers: Vec<f64> =
            row[3..9].iter().map(|cell| cell.parse().expect("a number")).collect();
        assert!(numbers.iter().all(|n| *n > 0.0), "{text}");
        assert!(numbers[1] <= numbers[2] && numbers[2] <= numbers[3], "p50, p95, max: {text}");
        assert_eq!(row[9..], ["1", refused, circulating], "{text}");
    }
    let rest: Vec<_> = lines.map(|line| line.join(" ")).collect();
    let expected = [
        "",
        "mode step kind failures",
        "legacy model_validation failed 1",
        "pgflow model_validation failed 1",
    ];
    assert_eq!(rest, expected, "{text}");
    let picture = fs::read_to_string(svg).expect("written");
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
    for mode in ["legacy", "pgflow"] {
        assert_eq!(picture.matches(&format!("class=\"round {mode}\"")).count(), 1, "{picture}");
    }
    database.drop().await;
}
