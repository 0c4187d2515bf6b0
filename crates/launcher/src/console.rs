//! A terminal as the device of a shell on the node: line editing, history, completion.
//!
//! What is typed is edited here, and the node sees whole lines, as from Erlang's own terminal driver. The parts:
//! [`keys`] reads what the terminal sends, [`line`] is the text being edited, [`screen`] draws it, [`history`] keeps
//! it, and [`terminal`] is the terminal itself. None but the last and the history's file touches the world.

mod history;
mod keys;
mod line;
mod screen;
mod terminal;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use node::{Device, Geometry, Input, Prompt, ReadKind, Ready};

pub(crate) use history::History;
pub(crate) use terminal::Terminal;

use crate::standard_streams::{poll, window_size};
use keys::{Key, Keys};
use line::Line;
use screen::Screen;

/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;

/// A console on a terminal.
pub(crate) struct Console {
    terminal: Terminal,
    history: History,
    keys: Keys,
    /// Typed and not processed yet.
    typed: VecDeque<u8>,
    /// The line that is being read.
    reading: Option<Reading>,
    /// Whether it is not shown as it is. Only what is left of a burst of keys is drawn: to draw a pasted line for each of its
    /// characters takes time, and output, that grow with the square of its length.
    is_stale: bool,
    /// Whether the terminal is gone.
    has_ended: bool,
}

struct Reading {
    screen: Screen,
    line: Line,
    /// Whether it must be neither shown nor stored.
    is_secret: bool,
    /// Whether it goes on with lines that are not complete.
    is_continuation: bool,
    /// The entry of the history that is shown, counted from the newest, and what was typed before.
    recalled: Option<(usize, String)>,
    /// A search backwards: what is searched.
    search: Option<String>,
    /// A completion was asked for and not answered yet: keys wait.
    is_completing: bool,
}

impl Console {
    pub(crate) fn new(terminal: Terminal, history: History) -> Self {
        Self {
            terminal,
            history,
            keys: Keys::default(),
            typed: VecDeque::new(),
            reading: None,
            is_stale: false,
            has_ended: false,
        }
    }

    /// Processes what was typed until there is something to report.
    fn edit(&mut self) -> io::Result<Option<Ready>> {
        while let Some(reading) = &self.reading {
            if reading.is_completing {
                break;
            }
            let Some(byte) = self.typed.pop_front() else { break };
            let Some(key) = self.keys.key(byte) else { continue };
            if let Some(ready) = self.press(key)? {
                self.refresh()?;
                return Ok(Some(ready));
            }
        }
        self.refresh()?;
        Ok(None)
    }

    /// Draws what has changed.
    fn refresh(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_stale) { self.redraw() } else { Ok(()) }
    }

    fn press(&mut self, key: Key) -> io::Result<Option<Ready>> {
        let Some(reading) = &mut self.reading else { return Ok(None) };
        self.is_stale = true;
        if reading.is_used_up_by_search(&self.history, key) {
            return Ok(None);
        }
        match key {
            Key::Enter => {
                let text = reading.line.text();
                reading.line.end();
                reading.draw(&mut self.terminal)?;
                self.terminal.write(b"\n")?;
                if !reading.is_secret {
                    self.history.add(&text);
                }
                self.reading = None;
                return Ok(Some(input(Input::Data(format!("{text}\n").into_bytes()))));
            }
            Key::Control('d') if reading.line.is_empty() => {
                self.terminal.write(b"\n")?;
                self.reading = None;
                return Ok(Some(input(Input::End)));
            }
            Key::Control('c') => {
                reading.line.end();
                reading.draw(&mut self.terminal)?;
                self.terminal.write(b"\n")?;
                if reading.line.is_empty() {
                    // IEx greets with "press Ctrl+C to exit", which is true of its own terminal.
                    if !reading.is_continuation {
                        self.terminal.write(b"(Ctrl-D leaves the console)\n")?;
                    }
                    // A line that is not complete yet is given up on the node.
                    self.reading = None;
                    return Ok(Some(Ready { interrupt: true, ..Ready::default() }));
                }
                reading.line = Line::default();
                reading.screen.forget();
            }
            Key::Control('l') => {
                self.terminal.write(b"\x1b[H\x1b[2J")?;
                reading.screen.forget();
            }
            Key::Tab if !reading.is_secret => {
                reading.is_completing = true;
                return Ok(Some(Ready { complete: Some(reading.line.before_cursor()), ..Ready::default() }));
            }
            Key::Up | Key::Control('p') => reading.recall(&self.history, true),
            Key::Down | Key::Control('n') => reading.recall(&self.history, false),
            Key::Control('r') if !reading.is_secret => reading.search = Some(String::new()),
            key => reading.line.apply(key),
        }
        Ok(None)
    }

    fn redraw(&mut self) -> io::Result<()> {
        match &mut self.reading {
            Some(reading) => reading.draw(&mut self.terminal),
            None => Ok(()),
        }
    }

    /// Reads what was typed. While nothing is read, an interrupt counts at once, and discards what was typed ahead.
    fn read(&mut self) -> io::Result<Ready> {
        let bytes = self.terminal.read()?;
        if bytes.is_empty() {
            // The terminal is gone.
            self.has_ended = true;
            return Ok(input(Input::End));
        }
        let is_busy = self.reading.as_ref().is_none_or(|reading| reading.is_completing);
        if is_busy && let Some(at) = bytes.iter().rposition(|byte| *byte == INTERRUPT) {
            self.typed.clear();
            self.typed.extend(bytes.get(at + 1..).unwrap_or_default());
            if let Some(reading) = &mut self.reading {
                reading.is_completing = false;
                return Ok(Ready::default());
            }
            return Ok(Ready { interrupt: true, ..Ready::default() });
        }
        self.typed.extend(bytes);
        Ok(self.edit()?.unwrap_or_default())
    }
}

fn input(input: Input) -> Ready {
    Ready { input: Some(input), ..Ready::default() }
}

impl Reading {
    fn draw(&mut self, terminal: &mut Terminal) -> io::Result<()> {
        let columns = usize::from(terminal.geometry().columns);
        let bytes = match (&self.search, self.is_secret) {
            (Some(searched), _) => self.screen.draw_search(searched, &self.line, columns),
            (None, true) => self.screen.draw(&Line::default(), columns),
            (None, false) => self.screen.draw(&self.line, columns),
        };
        terminal.write(&bytes)
    }

    /// Whether a key, pressed while the history is searched, means nothing else.
    fn is_used_up_by_search(&mut self, history: &History, key: Key) -> bool {
        let Some(searched) = &mut self.search else { return false };
        match key {
            Key::Character(character) => searched.push(character),
            Key::Backspace => {
                searched.pop();
            }
            Key::Control('r') => {}
            Key::Control('c' | 'g') => {
                self.search = None;
                self.line = Line::default();
                return true;
            }
            _ => {
                self.search = None;
                return false;
            }
        }
        let is_again = key == Key::Control('r');
        let searched = searched.clone();
        let current = self.line.text();
        if let Some(found) = history.search(&searched, is_again.then_some(current.as_str())) {
            self.line = Line::from(found);
        }
        true
    }

    fn recall(&mut self, history: &History, older: bool) {
        let next = match (&self.recalled, older) {
            (None, true) => Some(0),
            (None, false) => return,
            (Some((index, _)), true) => Some(index + 1),
            (Some((index, _)), false) => index.checked_sub(1),
        };
        let typed = self.recalled.as_ref().map_or_else(|| self.line.text(), |(_, typed)| typed.clone());
        match next {
            None => {
                self.line = Line::from(typed.as_str());
                self.recalled = None;
            }
            Some(index) => {
                if let Some(entry) = history.entry(index) {
                    self.line = Line::from(entry);
                    self.recalled = Some((index, typed));
                }
            }
        }
    }
}

impl Device for Console {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let Some(reading) = &mut self.reading else { return self.terminal.write(text) };
        // What comes while a line is edited goes above it.
        let mut bytes = reading.screen.erase();
        bytes.extend_from_slice(text);
        if !text.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        self.terminal.write(&bytes)?;
        self.redraw()
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(self.terminal.geometry())
    }

    fn begin_read(&mut self, prompt: &Prompt) -> io::Result<()> {
        self.reading = Some(Reading {
            screen: Screen::new(&shown(prompt)),
            line: Line::default(),
            is_secret: prompt.kind == ReadKind::Password,
            is_continuation: prompt.is_continuation,
            recalled: None,
            search: None,
            is_completing: false,
        });
        self.redraw()
    }

    fn wait(&mut self, connection: BorrowedFd<'_>, timeout: Duration) -> io::Result<Ready> {
        // What was typed ahead comes first.
        if let Some(ready) = self.edit()? {
            return Ok(ready);
        }
        let started = Instant::now();
        loop {
            let left = timeout.saturating_sub(started.elapsed());
            // A negative descriptor is not waited for.
            let typed = if self.has_ended { -1 } else { self.terminal.input() };
            let descriptors = [connection.as_raw_fd(), typed, self.terminal.signals()];
            let [connection, has_typed, has_signal] = poll(descriptors, left)?;
            if has_signal {
                self.terminal.restore_and_end();
            }
            let mut ready = if has_typed { self.read()? } else { Ready::default() };
            ready.connection = connection;
            if connection || ready != Ready::default() || left.is_zero() {
                return Ok(ready);
            }
        }
    }

    fn wants_interrupts(&self) -> bool {
        true
    }

    fn can_hide_input(&self) -> bool {
        true
    }

    fn completed(&mut self, expansion: &str, matches: &[String]) -> io::Result<()> {
        let columns = usize::from(self.terminal.geometry().columns);
        // It was given up meanwhile: what is typed now is another line.
        let Some(reading) = self.reading.as_mut().filter(|reading| reading.is_completing) else {
            return Ok(());
        };
        reading.is_completing = false;
        reading.line.insert(expansion);
        if expansion.is_empty() && matches.is_empty() {
            self.terminal.write(b"\x07")?;
        } else if expansion.is_empty() || matches.len() > 1 {
            let mut bytes = reading.screen.erase();
            bytes.extend(screen::columns(matches, columns).into_bytes());
            self.terminal.write(&bytes)?;
        }
        self.redraw()
    }
}

/// The prompt, which is of dots where a line goes on. Elixir before 1.19 does that itself; OTP's terminal does it for
/// newer ones.
fn shown(prompt: &Prompt) -> String {
    let text = String::from_utf8_lossy(&prompt.text);
    if prompt.is_continuation { text.replacen("iex", "...", 1) } else { text.into_owned() }
}

/// The window of whatever terminal standard output is.
fn geometry() -> Geometry {
    window_size(io::stdout().as_raw_fd()).unwrap_or(Geometry { columns: 80, rows: 24 })
}
