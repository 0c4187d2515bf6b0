//! Two builds at once into one target.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::directory::lock::TargetLock;
use crate::directory::target::Target;

/// A tree whose files all hold the same text.
fn uniform(text: &str) -> Tree {
    let names: Vec<String> = (0..40).map(|number| format!("lib/a-{}/file-{number}", number % 7)).collect();
    tree(&names.iter().map(|name| (name.as_str(), text)).collect::<Vec<_>>())
}

#[test]
fn each_release_is_whole_while_others_are_written() {
    let place = place();
    let trees = ["one", "two", "three"].map(uniform);
    write(&trees[0], &place.target, &options(), &()).unwrap();
    fs::write(place.target.join("database"), "rows").unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = trees
            .iter()
            .map(|tree| {
                let target = &place.target;
                scope.spawn(move || {
                    for _ in 0..8 {
                        write(tree, target, &options(), &()).unwrap();
                    }
                })
            })
            .collect();
        // There is no moment without the user's files.
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(fs::read_to_string(place.target.join("database")).unwrap(), "rows");
                looks += 1;
            }
            looks
        });
        let results: Vec<_> = writers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok), "a writer failed");
        assert!(reader.join().unwrap() > 0);
    });
    let mut found = snapshot(&place.target);
    assert_eq!(found.remove("database").as_deref(), Some("rows"));
    assert!(trees.iter().any(|tree| expected(tree) == found), "a mixture");
    assert_eq!(place.beside(), [""; 0]);
}

#[test]
fn the_second_build_waits_and_says_so() {
    let place = place();
    let heard = Heard::default();
    let told = Barrier::new(2);
    struct Tells<'test>(&'test Heard, &'test Barrier);
    impl Progress for Tells<'_> {
        fn files(&self, _done: usize, _total: usize) {}

        fn message(&self, text: &str) {
            self.0.message(text);
            self.1.wait();
        }
    }
    let lock = TargetLock::acquire(&Target::resolve(&place.target).unwrap(), &()).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| write(&uniform("x"), &place.target, &options(), &Tells(&heard, &told)));
        told.wait();
        assert!(!place.target.exists(), "it did not wait");
        drop(lock);
        second.join().unwrap().unwrap();
    });
    assert_eq!(heard.messages(), [format!("waiting for another build that writes to `{}`", place.target)]);
    assert_eq!(snapshot(&place.target), expected(&uniform("x")));
    assert_eq!(place.beside(), [""; 0]);
}
