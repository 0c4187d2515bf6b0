//! Bytes to and from a peer, with deadlines.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::{NodeError, Step};

/// Bytes that a message may have. A larger one could be legitimate (a node prints all of a large file at once), but a
/// control command must not take the memory that a system on a small machine needs. What is needed of a message is
/// copied, so this counts twice.
pub(crate) const FRAME_LIMIT: u32 = 20 << 20;

/// How long the rest of a message may take once it has begun.
const REST_OF_FRAME_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a write may take: a node that does not read for that long is gone, or as good as.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Memory grows by this much ahead of what has arrived.
const READ_CHUNK: usize = 64 << 10;

/// A connection of bytes.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// What is being done, for messages.
    pub(crate) step: Step,
}

impl Wire {
    pub(crate) fn connect(address: SocketAddr, deadline: Deadline, step: Step) -> io::Result<Self> {
        let left = deadline.remaining().ok_or(io::ErrorKind::TimedOut)?;
        let stream = TcpStream::connect_timeout(&address, left)?;
        // Requests are small and answered at once: waiting for more to send would cost 40 ms each.
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        Ok(Self { stream, step })
    }

    #[cfg(test)]
    pub(crate) fn of(stream: TcpStream) -> Self {
        Self { stream, step: Step::Call }
    }

    /// Where it leads.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.stream.peer_addr().ok()
    }

    /// Waits until there is something to receive, or nothing will ever be; false when the time was over.
    pub(crate) fn wait_readable(&self, timeout: Duration) -> Result<bool, NodeError> {
        self.stream.set_read_timeout(Some(timeout)).map_err(|error| NodeError::io(self.step, error))?;
        loop {
            match self.stream.peek(&mut [0]) {
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(false);
                }
                Err(error) => return Err(NodeError::io(self.step, error)),
            }
        }
    }

    /// Sends bytes as one piece.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), NodeError> {
        self.stream.write_all(bytes).map_err(|error| NodeError::io(self.step, error))
    }

    /// Receives exactly this many bytes.
    pub(crate) fn receive<const COUNT: usize>(
        &mut self,
        deadline: Deadline,
    ) -> Result<[u8; COUNT], NodeError> {
        let mut bytes = [0; COUNT];
        let mut filled = 0;
        while filled < COUNT {
            filled += self.read(&mut bytes[filled..], deadline)?;
        }
        Ok(bytes)
    }

    /// Receives `count` bytes; memory is taken as they come.
    pub(crate) fn receive_many(&mut self, count: usize, deadline: Deadline) -> Result<Vec<u8>, NodeError> {
        let mut bytes = Vec::new();
        let mut filled = 0;
        while filled < count {
            if filled == bytes.len() {
                let more = filled.max(READ_CHUNK).min(count - filled);
                bytes.reserve_exact(more);
                bytes.resize(filled + more, 0);
            }
            filled += self.read(bytes.get_mut(filled..).unwrap_or_default(), deadline)?;
        }
        Ok(bytes)
    }

    /// Everything until the peer closes, which may be at most `limit` bytes.
    pub(crate) fn receive_all(&mut self, limit: usize, deadline: Deadline) -> Result<Vec<u8>, NodeError> {
        let mut bytes = vec![0; limit];
        let mut filled = 0;
        while filled < limit {
            match self.read(&mut bytes[filled..], deadline) {
                Ok(count) => filled += count,
                Err(NodeError::Closed(_)) => break,
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// A frame with four bytes of length in front; empty for a tick. `deadline` is for its beginning.
    pub(crate) fn receive_frame(&mut self, deadline: Deadline) -> Result<Vec<u8>, NodeError> {
        let length = u32::from_be_bytes(self.receive(deadline)?);
        if length > FRAME_LIMIT {
            return Err(NodeError::FrameTooLarge(length));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.receive_many(length, Deadline::after(REST_OF_FRAME_TIMEOUT))
    }

    fn read(&mut self, into: &mut [u8], deadline: Deadline) -> Result<usize, NodeError> {
        loop {
            let left = deadline.remaining().ok_or(NodeError::Timeout(self.step))?;
            let result = self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.read(into));
            match result {
                Ok(0) => return Err(NodeError::Closed(self.step)),
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(NodeError::io(self.step, error)),
            }
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
