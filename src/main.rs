//! The program `vms`: arguments, run, one printed error chain, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    match vms::cli::run(std::env::args_os()) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            vms::cli::out::complain(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}
