//! The Elixir virtual machine as a process: started, connected, watched, ended.
//!
//! It must neither outlive this process nor be waited for in vain:
//!
//! * The virtual machine halts when its socket closes, and the operating system closes that when this process dies,
//!   however it dies. If this process is gone before the virtual machine connects, connecting fails and it halts too.
//! * While this side waits for a connection or a reply, it also looks whether the virtual machine still runs.
//! * Standard input is `/dev/null`: whoever asks a question reads the end of input.
//! * The virtual machine is its own process group. So an interrupt from the terminal reaches only this process (the
//!   virtual machine would show its break menu). What does not end by itself is killed, with the programs that it runs,
//!   which are in none of its process groups ([`kill_with_descendants`]).

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::BridgeError;
use crate::options::BridgeOptions;
use crate::output::{Collector, Stream};
use crate::process_tree::kill_with_descendants;
use crate::source;
use crate::temporary_directory::{self, TemporaryDirectory};

/// How often a waiting call looks whether the virtual machine still runs. Replies are noticed at once.
const LOOK: Duration = Duration::from_millis(50);
/// How long the virtual machine may take to end once nobody needs it.
const PATIENCE: Duration = Duration::from_secs(5);
/// A reply larger than this is a mistake.
const REPLY_BYTES: usize = 1 << 30;

/// A running virtual machine and the connection to it.
#[derive(Debug)]
pub(crate) struct VirtualMachine {
    child: Child,
    socket: UnixStream,
}

/// Why a connection or a reply did not come.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The virtual machine has ended.
    Exited(ExitStatus),
    /// The operating system refused.
    Io(std::io::Error),
}

impl VirtualMachine {
    /// Starts Elixir in the directory of the project and waits until it has connected.
    pub(crate) fn start(options: &BridgeOptions, collector: &Collector) -> Result<Self, StartFailure> {
        let place = TemporaryDirectory::place();
        let directory = TemporaryDirectory::create(&place)
            .map_err(|error| cannot("make a temporary directory in", &place, error))?;
        let path = directory.path(&place);
        let socket = path.join(temporary_directory::SOCKET);
        let bridge = path.join(temporary_directory::BRIDGE);
        fs_err::write(&bridge, source::BRIDGE)
            .map_err(|error| cannot("write the bridge to", &bridge, error))?;
        let preload = path.join(temporary_directory::PRELOAD);
        fs_err::write(&preload, source::PRELOAD)
            .map_err(|error| cannot("write the bridge to", &preload, error))?;
        let listener = UnixListener::bind(&socket).map_err(|error| cannot("listen on", &socket, error))?;
        listener.set_nonblocking(true).map_err(|error| cannot("listen on", &socket, error))?;

        let mut child = spawn(options, &path, &socket, &bridge)?;
        if let Some(output) = child.stdout.take() {
            collector.read(Stream::Output, output, options.sink.clone());
        }
        if let Some(output) = child.stderr.take() {
            collector.read(Stream::Error, output, options.sink.clone());
        }
        // While it starts there is nothing else to do.
        temporary_directory::remove_abandoned(&place);
        // From here on the guard ends the virtual machine when anything goes wrong.
        let mut guard = Guard(Some(child));
        let connection = guard.accept(&listener).map_err(|lost| match lost {
            Lost::Exited(status) => StartFailure::Exited(status),
            Lost::Io(error) => cannot("accept the connection of Elixir on", &socket, error),
        })?;
        let Some(child) = guard.0.take() else {
            return Err(cannot("start Elixir for", &socket, std::io::Error::from(ErrorKind::NotFound)));
        };
        // The directory has served its purpose and disappears here; nothing stays should this process be killed later.
        Ok(Self { child, socket: connection })
    }

    /// Sends a packet. Errors are left to the following [`VirtualMachine::receive`], which knows why.
    pub(crate) fn send(&mut self, packet: &[u8]) -> Result<(), Lost> {
        let length = u32::try_from(packet.len()).map_err(|_| Lost::Io(ErrorKind::InvalidInput.into()))?;
        let framed = [&length.to_be_bytes(), packet].concat();
        match self.socket.write_all(&framed) {
            Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Err(Lost::Io(error))
            }
            _ => Ok(()),
        }
    }

    /// Waits for a packet as long as the virtual machine runs.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>, Lost> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > REPLY_BYTES {
            return Err(Lost::Io(std::io::Error::other(format!("a reply of {length} bytes"))));
        }
        let mut packet = vec![0; length];
        self.fill(&mut packet)?;
        Ok(packet)
    }

    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), Lost> {
        while !buffer.is_empty() {
            if !readable(&self.socket, LOOK).map_err(Lost::Io)? {
                // A reply may have arrived just before the end: only an end with nothing to read is one.
                match self.child.try_wait().map_err(Lost::Io)? {
                    Some(status) if !readable(&self.socket, Duration::ZERO).map_err(Lost::Io)? => {
                        return Err(Lost::Exited(status));
                    }
                    _ => continue,
                }
            }
            match self.socket.read(buffer) {
                Ok(0) => return Err(self.gone()),
                Ok(read) => buffer = &mut buffer[read..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(self.gone()),
                Err(error) => return Err(Lost::Io(error)),
            }
        }
        Ok(())
    }

    /// The socket has been closed: the virtual machine has ended or is about to.
    fn gone(&mut self) -> Lost {
        end(&mut self.child, PATIENCE).map_or_else(Lost::Io, Lost::Exited)
    }

    /// Waits until the virtual machine has ended; kills it when that takes too long.
    pub(crate) fn wait(&mut self) -> std::io::Result<ExitStatus> {
        end(&mut self.child, PATIENCE)
    }

    /// Process id of the virtual machine.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for VirtualMachine {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Closing the socket is the sign to halt. Errors mean that it is gone already.
            let _ = self.socket.shutdown(std::net::Shutdown::Both);
            let _ = end(&mut self.child, PATIENCE);
        }
    }
}

/// Why the virtual machine did not start.
#[derive(Debug)]
pub(crate) enum StartFailure {
    /// It ended before it connected; its output says why.
    Exited(ExitStatus),
    /// Something else.
    Other(BridgeError),
}

/// Ends the virtual machine when it has not connected.
struct Guard(Option<Child>);

impl Guard {
    fn accept(&mut self, listener: &UnixListener) -> Result<UnixStream, Lost> {
        loop {
            match listener.accept() {
                Ok((connection, _)) => {
                    connection.set_nonblocking(false).map_err(Lost::Io)?;
                    return Ok(connection);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(Lost::Io(error)),
            }
            if !readable(listener, LOOK).map_err(Lost::Io)?
                && let Some(child) = &mut self.0
                && let Some(status) = child.try_wait().map_err(Lost::Io)?
            {
                return Err(Lost::Exited(status));
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = end(child, Duration::ZERO);
        }
    }
}

fn spawn(
    options: &BridgeOptions,
    directory: &Utf8Path,
    socket: &Utf8Path,
    bridge: &Utf8Path,
) -> Result<Child, StartFailure> {
    let cache =
        options.cache.as_ref().map(|cache| source::cache_path(cache).into_string()).unwrap_or_default();
    let mut command = Command::new(&options.elixir);
    // File names are UTF-8 whatever the locale says: they are in a release, too. (Schedulers keep their busy waiting:
    // without it a build takes twice as long on virtual machines, where waking up is slow.)
    command.args(["--erl", "+fnu", "-e", source::BOOTSTRAP, "--"]);
    command.args([socket.as_str(), bridge.as_str(), &cache, if options.color { "color" } else { "" }]);
    command
        .current_dir(&options.directory)
        .envs(options.environment.iter().map(|(name, value)| (name, value)));
    if options.variable("MIX_ENV").is_none_or(|value| value.is_empty()) {
        command.env("MIX_ENV", &options.mix_env);
    }
    // The script of Elixir splits it at blanks and expands patterns.
    if !cache.is_empty() && !directory.as_str().contains(|character: char| " \t\n*?[\\".contains(character)) {
        let mut erl_options = options.variable("ELIXIR_ERL_OPTIONS").unwrap_or_default();
        erl_options.push(format!(" -pa {directory} -s {}", source::PRELOAD_NAME));
        command.env("ELIXIR_ERL_OPTIONS", erl_options);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command.spawn().map_err(|error| {
        let program = options.elixir.to_string_lossy().into_owned();
        StartFailure::Other(match error.kind() {
            ErrorKind::NotFound => BridgeError::ElixirMissing { program },
            _ => BridgeError::Io { action: "run", subject: program, source: error },
        })
    })
}

/// Waits for the end of the process, and kills it with all that it has started when that does not come in time.
fn end(child: &mut Child, patience: Duration) -> std::io::Result<ExitStatus> {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(1);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    kill_with_descendants(child.id());
    child.wait()
}

fn readable(descriptor: &impl AsFd, patience: Duration) -> std::io::Result<bool> {
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(patience.subsec_nanos()) };
    let mut descriptors = [PollFd::new(descriptor, PollFlags::IN)];
    match poll(&mut descriptors, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn cannot(action: &'static str, path: &Utf8Path, source: std::io::Error) -> StartFailure {
    StartFailure::Other(BridgeError::Io { action, subject: path.to_string(), source })
}
