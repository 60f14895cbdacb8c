//! Everything that descends from the program.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub(super) use linux::Family;
#[cfg(target_os = "macos")]
pub(super) use macos::Family;
