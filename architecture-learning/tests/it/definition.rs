//! The pipeline's definition as an accepted file: a change of its shape shows in a review.

use architecture_learning::pipeline::architecture_learning;

#[test]
fn the_definition_is_an_accepted_file() {
    pgflow::assert_definition!(architecture_learning);
}
