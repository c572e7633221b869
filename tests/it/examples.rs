//! The examples' own tests, which are in their files: the worker of each dies at every commit.
#![expect(dead_code, reason = "what their programs do is not called here")]

#[path = "../../examples/command_line.rs"]
mod command_line;
#[path = "../../examples/enqueue_in_transaction.rs"]
mod enqueue_in_transaction;
#[path = "../../examples/hello.rs"]
mod hello;
#[path = "../../examples/run_in_parallel.rs"]
mod run_in_parallel;
#[path = "../../examples/share_state.rs"]
mod share_state;
#[path = "../../examples/test_without_database.rs"]
mod test_without_database;
