//! What the virtual machine prints, sorted into phases.
//!
//! Both streams are pipes, and one thread reads each. A phase ends with a reply on the socket; but a reply says nothing
//! about what is still on its way through the pipes. So before it replies, the bridge writes a *marker* to each stream: a
//! line that nothing else prints, with the number of the request in it. Each stream is written by one process inside the
//! virtual machine and in order, hence what was printed before the marker belongs to the phase and what comes after it
//! to the next one, however late it is read. Markers are never shown.

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One of the two output streams of the virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Receives output while it is printed, in pieces of any size, from two threads.
pub type Sink = Arc<dyn Fn(Stream, &[u8]) + Send + Sync>;

/// More than this of one phase is not kept; the end is what says why something failed.
const KEPT_BYTES: usize = 8 << 20;

/// What was printed in one phase, in the order in which it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pieces: VecDeque<(Stream, Vec<u8>)>,
    size: usize,
    /// How many bytes at the beginning are not kept, because there was too much.
    omitted: usize,
    forwarded: bool,
}

impl Output {
    /// Both streams as text, in the order of arrival. What is not UTF-8 is replaced. Where there was too much to keep, it begins
    /// with how much is missing.
    pub fn text(&self) -> String {
        let kept = self.joined(|_| true);
        match self.omitted {
            0 => kept,
            bytes => format!("… {bytes} bytes are left out here: -v shows everything\n{kept}"),
        }
    }

    /// One stream as text.
    pub fn stream_text(&self, wanted: Stream) -> String {
        self.joined(|stream| stream == wanted)
    }

    /// Whether nothing was printed.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether the caller's sink has had it already, so that it is not to be shown again.
    pub fn is_forwarded(&self) -> bool {
        self.forwarded
    }

    /// Whether a compiler warned. Warnings have to reach the user also when everything else goes well.
    pub fn has_warnings(&self) -> bool {
        [Stream::Output, Stream::Error].into_iter().any(|stream| {
            let text = self.stream_text(stream);
            // Elixir: "warning: …", with colours "\e[33mwarning:\e[0m …". Erlang: "src/a.erl:3:5: Warning: …".
            text.lines().any(|line| line.contains("warning:") || line.contains("Warning:"))
        })
    }

    fn joined(&self, wanted: impl Fn(Stream) -> bool) -> String {
        let bytes: Vec<u8> = self
            .pieces
            .iter()
            .filter(|(stream, _)| wanted(*stream))
            .flat_map(|(_, bytes)| bytes)
            .copied()
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        match self.pieces.back_mut() {
            Some((last, kept)) if *last == stream && kept.len() < 64 << 10 => kept.extend_from_slice(bytes),
            _ => self.pieces.push_back((stream, bytes.to_vec())),
        }
        self.size += bytes.len();
        while self.size > KEPT_BYTES && self.pieces.len() > 1 {
            let dropped = self.pieces.pop_front().map_or(0, |(_, bytes)| bytes.len());
            self.size -= dropped;
            self.omitted += dropped;
        }
    }

    pub(crate) fn append(&mut self, later: &Self) {
        self.omitted += later.omitted;
        for (stream, bytes) in &later.pieces {
            self.push(*stream, bytes);
        }
    }
}

/// Reads both streams in the background and sorts what they carry into phases.
pub(crate) struct Collector {
    token: String,
    shared: Arc<Shared>,
    forwarded: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Output by the number of the request in whose phase it was printed.
    phases: VecDeque<(u64, Output)>,
    /// The number in the last marker of each stream.
    marked: [u64; 2],
    closed: [bool; 2],
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A sink that panics does so outside the lock; the state is whole whatever happened.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// A collector whose markers hold `token`, which nothing else prints.
    pub(crate) fn new(token: String, forwarded: bool) -> Self {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new() };
        Self { token, shared: Arc::new(shared), forwarded }
    }

    /// Starts to read a stream; its bytes go to the sink as well, if there is one.
    pub(crate) fn read(&self, stream: Stream, source: impl Read + Send + 'static, sink: Option<Sink>) {
        let shared = Arc::clone(&self.shared);
        let scanner = Scanner::new(stream, marker_start(&self.token));
        std::thread::spawn(move || read(source, scanner, &shared, sink.as_ref()));
    }

    /// The line that ends the phase of this request.
    pub(crate) fn marker(&self, request: u64) -> String {
        let start = marker_start(&self.token);
        format!("{start}{request}{MARKER_END}")
    }

    /// Takes what was printed until the markers of this request, waiting for them a limited time: a project can close
    /// its own standard output.
    pub(crate) fn take(&self, request: u64, patience: Duration) -> Output {
        self.wait(patience, |state, stream| state.marked[stream] >= request || state.closed[stream]);
        self.drain(request)
    }

    /// Takes all that is left, after the virtual machine has ended. Both streams end with it, except when it left behind a
    /// process that holds them open; so the time to wait is limited.
    pub(crate) fn take_rest(&self, patience: Duration) -> Output {
        self.wait(patience, |state, stream| state.closed[stream]);
        self.drain(u64::MAX)
    }

    fn wait(&self, patience: Duration, done: impl Fn(&State, usize) -> bool) {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while !(done(&state, 0) && done(&state, 1)) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn drain(&self, request: u64) -> Output {
        let mut state = self.shared.lock();
        let mut output = Output { forwarded: self.forwarded, ..Output::default() };
        while let Some((phase, part)) = state.phases.front() {
            if *phase > request {
                break;
            }
            output.append(part);
            state.phases.pop_front();
        }
        output
    }
}

/// No text has this control character in it; the token makes it certain.
const MARKER_END: &str = "\u{1e}\n";

fn marker_start(token: &str) -> String {
    format!("\u{1e}{token}:")
}

fn read(mut source: impl Read, mut scanner: Scanner, shared: &Shared, sink: Option<&Sink>) {
    let stream = scanner.stream;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        let events = if read == 0 { scanner.finish() } else { scanner.scan(&buffer[..read]) };
        for event in events {
            if let (Event::Text { bytes, .. }, Some(sink)) = (&event, sink) {
                sink(stream, bytes);
            }
            record(&mut shared.lock(), stream, event);
        }
        if read == 0 {
            shared.lock().closed[stream as usize] = true;
        }
        shared.changed.notify_all();
        if read == 0 {
            return;
        }
    }
}

fn record(state: &mut State, stream: Stream, event: Event) {
    match event {
        Event::Marker(request) => state.marked[stream as usize] = request,
        Event::Text { phase, bytes } => {
            // Phases stay sorted: one stream may be a phase ahead of the other.
            let place = state.phases.partition_point(|(number, _)| *number < phase);
            if state.phases.get(place).is_none_or(|(number, _)| *number != phase) {
                state.phases.insert(place, (phase, Output::default()));
            }
            state.phases[place].1.push(stream, &bytes);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Text { phase: u64, bytes: Vec<u8> },
    Marker(u64),
}

/// Finds markers in a stream that arrives in pieces.
struct Scanner {
    stream: Stream,
    start: Vec<u8>,
    /// The request in whose phase the stream is.
    phase: u64,
    /// What may be the beginning of a marker.
    held: Vec<u8>,
}

impl Scanner {
    fn new(stream: Stream, start: String) -> Self {
        Self { stream, start: start.into_bytes(), phase: 1, held: Vec::new() }
    }

    fn scan(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        self.held.extend_from_slice(bytes);
        loop {
            let candidate =
                self.held.iter().position(|byte| *byte == self.start[0]).unwrap_or(self.held.len());
            self.text(candidate, &mut events);
            let compared = self.held.len().min(self.start.len());
            if self.held.is_empty() {
                return events;
            }
            if self.held[..compared] != self.start[..compared] {
                // It only looked like one.
                self.text(1, &mut events);
                continue;
            }
            let Some(length) = find(&self.held[compared..], MARKER_END.as_bytes()) else {
                return events;
            };
            let number = std::str::from_utf8(&self.held[compared..compared + length]).unwrap_or_default();
            if let Ok(request) = number.parse() {
                events.push(Event::Marker(request));
                self.phase = request + 1;
            }
            self.held.drain(..compared + length + MARKER_END.len());
        }
    }

    fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        self.text(self.held.len(), &mut events);
        events
    }

    /// Gives up the first `length` held bytes as text.
    fn text(&mut self, length: usize, events: &mut Vec<Event>) {
        if length > 0 {
            let bytes = self.held.drain(..length).collect();
            events.push(Event::Text { phase: self.phase, bytes });
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests;
