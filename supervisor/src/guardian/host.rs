//! The host as a process whose end can be waited for.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
pub(super) use linux::Host;
#[cfg(target_os = "macos")]
pub(super) use macos::Host;
