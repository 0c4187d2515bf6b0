//! Telling systemd how the system is (`sd_notify(3)`), for units of `Type=notify`.
//!
//! A unit is started once the system is ready, and not when its process has begun: what depends on it, and who waits for
//! `systemctl start`, can rely on that. Without `NOTIFY_SOCKET` nothing happens.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::environment::env_var;

/// The variable that names the socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Who wants to be told.
#[derive(Clone, Debug)]
pub(crate) struct Notify(SocketAddr);

impl Notify {
    /// Who is named by the environment; none where nobody is, or the name makes no sense.
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

    /// Nobody to hear it is no reason to stop.
    fn send(&self, text: &str) {
        if let Ok(socket) = UnixDatagram::unbound() {
            let _ = socket.send_to_addr(text.as_bytes(), &self.0);
        }
    }
}
