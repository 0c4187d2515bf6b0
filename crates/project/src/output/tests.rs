use super::*;

const SHORT: Duration = Duration::from_secs(20);

fn collect(pieces: &[&str]) -> Vec<Event> {
    let mut scanner = Scanner::new(Stream::Output, marker_start("t"));
    let mut events: Vec<Event> = pieces.iter().flat_map(|piece| scanner.scan(piece.as_bytes())).collect();
    events.extend(scanner.finish());
    // Pieces that follow each other are one text.
    let mut joined: Vec<Event> = Vec::new();
    for event in events {
        match (joined.last_mut(), event) {
            (Some(Event::Text { phase, bytes }), Event::Text { phase: next, bytes: more })
                if *phase == next =>
            {
                bytes.extend(more);
            }
            (_, event) => joined.push(event),
        }
    }
    joined
}

fn text(phase: u64, text: &str) -> Event {
    Event::Text { phase, bytes: text.as_bytes().to_vec() }
}

#[test]
fn markers_are_found_wherever_the_pieces_are_cut() {
    let whole = "one\u{1e}t:1\u{1e}\ntwo\n\u{1e}t:2\u{1e}\nthree";
    let expected = [text(1, "one"), Event::Marker(1), text(2, "two\n"), Event::Marker(2), text(3, "three")];
    for cut in 0..=whole.len() {
        for second in cut..=whole.len() {
            let pieces = [&whole[..cut], &whole[cut..second], &whole[second..]];
            assert_eq!(collect(&pieces), expected, "cut at {cut} and {second}");
        }
    }
}

#[test]
fn what_only_looks_like_a_marker_is_text() {
    assert_eq!(collect(&["a\u{1e}b\u{1e}", "t", "x\u{1e}t:"]), [text(1, "a\u{1e}b\u{1e}tx\u{1e}t:")]);
}

#[test]
fn text_after_a_marker_belongs_to_the_next_phase() {
    let collector = Collector::new("t".to_owned(), false);
    let first = collector.marker(1);
    let second = collector.marker(2);
    collector.read(Stream::Output, std::io::Cursor::new(format!("a{first}b{second}")), None);
    collector.read(Stream::Error, std::io::Cursor::new(format!("x{first}{second}y")), None);
    let mut phase: Vec<char> = collector.take(1, SHORT).text().chars().collect();
    phase.sort_unstable();
    assert_eq!(phase, ['a', 'x']);
    assert_eq!(collector.take(2, SHORT).text(), "b");
    assert_eq!(collector.take_rest(SHORT).text(), "y");
}

#[test]
fn a_stream_that_ends_without_its_marker_does_not_hold_up_the_phase() {
    let collector = Collector::new("t".to_owned(), false);
    collector.read(Stream::Output, std::io::Cursor::new("said"), None);
    collector.read(Stream::Error, std::io::Cursor::new(""), None);
    assert_eq!(collector.take(1, SHORT).text(), "said");
}

#[test]
fn the_sink_sees_everything_but_markers() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let copy = Arc::clone(&seen);
    let sink: Sink = Arc::new(move |_, bytes: &[u8]| copy.lock().unwrap().extend_from_slice(bytes));
    let collector = Collector::new("t".to_owned(), true);
    let marker = collector.marker(1);
    collector.read(Stream::Output, std::io::Cursor::new(format!("a\n{marker}b\n")), Some(sink));
    collector.read(Stream::Error, std::io::Cursor::new(""), None);
    let output = collector.take_rest(SHORT);
    assert!(output.is_forwarded());
    assert_eq!(*seen.lock().unwrap(), b"a\nb\n");
}

#[test]
fn too_much_output_keeps_its_end() {
    let mut output = Output::default();
    for number in 0..300 {
        output.push(if number % 2 == 0 { Stream::Output } else { Stream::Error }, &vec![b'.'; 64 << 10]);
    }
    output.push(Stream::Error, b"the reason");
    let text = output.text();
    assert!(text.starts_with("… ") && text.ends_with("the reason"));
    let (notice, kept) = text.split_once('\n').unwrap();
    let omitted: usize = notice.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(omitted > 0 && kept.len() <= KEPT_BYTES);
}

#[test]
fn warnings_are_recognised() {
    let printed = |text: &str| {
        let mut output = Output::default();
        output.push(Stream::Error, text.as_bytes());
        output.has_warnings()
    };
    assert!(printed("\u{1b}[33mwarning: \u{1b}[0mvariable \"x\" is unused\n"));
    assert!(printed("src/a.erl:3:5: Warning: function f/0 is unused\n"));
    assert!(!printed("Compiling 3 files (.ex)\nGenerated warning_app app\n"));
}
