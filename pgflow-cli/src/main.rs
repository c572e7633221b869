//! `pgflow`: the command line for any database, without any workflow's code.

use std::process::ExitCode;

fn main() -> ExitCode {
    pgflow_cli::Host::new().main()
}
