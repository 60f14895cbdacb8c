//! Guards the programs that the tests start: a test is no program of which there may be two.

fn main() -> std::process::ExitCode {
    sixframe_supervisor::stand_guard()
}
