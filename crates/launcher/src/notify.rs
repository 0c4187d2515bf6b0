//! Telling systemd how the system is (`sd_notify(3)`), for units of `Type=notify`.
//!
//! A unit is started once the system is ready, and not when its process has begun: units that depend on it, and users who wait
//! for `systemctl start`, can rely on that. Without `NOTIFY_SOCKET` nothing happens.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::environment::env_var;

/// The variable that names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// The socket of the service manager.
#[derive(Clone, Debug)]
pub(crate) struct Notify(SocketAddr);

impl Notify {
    /// The one that the environment names; none where it names none, or the name is not valid.
    pub(crate) fn from_environment() -> Option<Self> {
        let name = env_var(SOCKET)?;
        match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&name),
        }
        .ok()
        .map(Self)
    }

    /// The system is ready.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// The system has been asked to stop.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// A service manager that does not listen is no reason to stop.
    fn send(&self, text: &str) {
        if let Ok(socket) = UnixDatagram::unbound() {
            let _ = socket.send_to_addr(text.as_bytes(), &self.0);
        }
    }
}
