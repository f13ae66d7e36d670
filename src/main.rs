//! The `indieval` program: everything it does is in the library's `cli` module.

use std::process::ExitCode;

fn main() -> ExitCode {
    indieval::model::kernels::tune_allocator();
    indieval::cli::main()
}
