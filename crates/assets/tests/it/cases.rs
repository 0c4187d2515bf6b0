//! Digesting.

use beamship_assets::{AssetsError, Encoder, Options, digest};
use camino::Utf8Path;

use crate::place::{NOW, Place, compatible};

/// Phoenix's own fixture, in small.
const FILES: [(&str, &str); 8] = [
    ("app.js", "x\n//# sourceMappingURL=app.js.map\n"),
    ("app.js.map", "{\"version\":3,\"file\":\"app.js\"}"),
    (
        "css/app.css",
        ".a{b:url(\"/phoenix.png\")}.c{d:url('../images/relative.png')}.e{f:url(http://host/absolute.png)}",
    ),
    ("foo.css", ".foo { background-color: red }\n"),
    ("images/relative.png", "relative"),
    ("manifest.json", "{\"name\": \"app\"}"),
    ("phoenix.png", "phoenix"),
    ("precompressed.js.gz", "already"),
];

fn all_encoders() -> Vec<Encoder> {
    vec![Encoder::gzip(None), Encoder::brotli(Some(5)), Encoder::zstandard(Some(3))]
}

/// `md5` of `phoenix`.
const PHOENIX: &str = "1bf69ccfecf5ffccdfa3ecd7ac7c9a3e";

#[test]
fn d01_a_missing_directory_is_an_error() {
    let path = Utf8Path::new("/nowhere/static");
    let error = digest(path, path, &compatible(), &()).unwrap_err();
    assert!(matches!(error, AssetsError::NoInput { .. }));
    assert!(error.to_string().contains("/nowhere/static"));
}

#[test]
fn d02_d07_originals_digested_and_compressed_files() {
    let place = Place::new(&FILES);
    place.digest(&compatible()).unwrap();
    for path in ["app.js", "app.js.map", "css/app.css", "manifest.json"] {
        let digested = place.latest(path);
        for file in [path, &digested, &format!("{path}.gz"), &format!("{digested}.gz")] {
            assert!(place.has(file), "{file}");
        }
        assert!(digested.starts_with(path.split('.').next().unwrap()), "{digested}");
    }
    assert!(place.has("phoenix.png") && !place.has("phoenix.png.gz"));
    assert!(place.text("cache_manifest.json").contains("\n  \"version\":1,\n"));
    assert!(place.latest("images/relative.png").starts_with("images/relative-"));
}

#[test]
fn d03_d05_d06_entries_of_the_manifest() {
    let place = Place::new(&FILES);
    place.put("foo-288ea8c7954498e65663c817382eeac4.css", "old");
    let old = |path: &str| {
        format!(
            "\"{path}\":{{\"digest\":\"d\",\"logical_path\":\"foo.css\",\"mtime\":7,\"sha512\":\"x\",\"size\":1}}"
        )
    };
    let text = format!(
        "{{\"version\":1,\"latest\":{{}},\"digests\":{{{},{}}}}}",
        old("foo-288ea8c7954498e65663c817382eeac4.css"),
        old("gone-00000000000000000000000000000000.css")
    );
    place.put("cache_manifest.json", &text);
    place.digest(&compatible()).unwrap();
    let manifest = place.manifest();
    assert_eq!(manifest.digests["foo-288ea8c7954498e65663c817382eeac4.css"].mtime, 7);
    assert!(!manifest.digests.contains_key("gone-00000000000000000000000000000000.css"));
    let entry = &manifest.digests[&manifest.latest["phoenix.png"]];
    assert_eq!(entry.mtime, NOW + 62_167_219_200);
    assert_eq!((entry.logical_path.as_str(), entry.size), ("phoenix.png", 7));
    assert_eq!(entry.digest, manifest.latest["phoenix.png"]["phoenix-".len()..][..32]);
    assert_eq!(entry.sha512.as_ref().unwrap().len(), 88);

    // With Phoenix the time is that of the last run; usually it is that of the first one that made the file.
    place.digest(&Options { modified: NOW + 60, ..compatible() }).unwrap();
    assert_eq!(place.manifest().digests[&place.latest("phoenix.png")].mtime, NOW + 60 + 62_167_219_200);
    place.digest(&Options::usual(NOW + 120)).unwrap();
    assert_eq!(place.manifest().digests[&place.latest("phoenix.png")].mtime, NOW + 60 + 62_167_219_200);
}

#[test]
fn d04_d09_a_second_run_adds_nothing() {
    for options in [compatible(), Options::usual(NOW)] {
        let place = Place::new(&FILES);
        place.digest(&options).unwrap();
        let before = place.files();
        assert!(before.keys().all(|path| !path.contains(".gz.gz") && !path.starts_with("precompressed.js-")));
        place.digest(&options).unwrap();
        assert_eq!(place.files(), before);
        assert!(!place.has("cache_manifest.json.gz"));
    }
}

#[test]
fn d08_changed_content_is_another_file() {
    let place = Place::new(&FILES);
    place.digest(&compatible()).unwrap();
    let first = place.latest("foo.css");
    place.put("foo.css", ".foo { background-color: blue }\n");
    place.digest(&compatible()).unwrap();
    assert_ne!(place.latest("foo.css"), first);
    assert!(place.has(&first) && place.manifest().digests.contains_key(&first));
}

#[test]
fn d10_d12_d15_stylesheets_name_digested_files() {
    let place = Place::new(&FILES);
    place.digest(&compatible()).unwrap();
    let digested = place.text(&place.latest("css/app.css"));
    let phoenix = place.latest("phoenix.png");
    let relative = place.latest("images/relative.png");
    assert_eq!(
        digested,
        format!(
            ".a{{b:url(\"/{phoenix}?vsn=d\")}}.c{{d:url('../{relative}?vsn=d')}}.e{{f:url(http://host/absolute.png)}}"
        )
    );
    assert_eq!(place.text("css/app.css"), FILES[2].1);
    let manifest = place.manifest();
    let plain = &manifest.digests[&manifest.latest["foo.css"]];
    let rewritten = &manifest.digests[&manifest.latest["css/app.css"]];
    assert_ne!(plain.sha512, rewritten.sha512);
    assert!(phoenix.len() == "phoenix-.png".len() + PHOENIX.len());
}

#[test]
fn d11_without_a_version() {
    let place = Place::new(&FILES);
    place.digest(&Options { adds_vsn: false, ..compatible() }).unwrap();
    let digested = place.text(&place.latest("css/app.css"));
    assert!(digested.contains(&format!("url(\"/{}\")", place.latest("phoenix.png"))), "{digested}");
}

#[test]
fn d13_d14_d16_source_maps_follow_their_file() {
    let place = Place::new(&FILES);
    place.digest(&compatible()).unwrap();
    let script = place.latest("app.js");
    assert_eq!(place.latest("app.js.map"), format!("{script}.map"));
    assert_eq!(place.text(&script), format!("x\n//# sourceMappingURL=./{script}.map\n"));
    assert_eq!(place.text("app.js"), FILES[0].1);
    assert_eq!(place.text(&place.latest("app.js.map")), format!("{{\"version\":3,\"file\":\"./{script}\"}}"));
}

#[test]
fn d25_a_compressor_takes_its_extensions() {
    let options = Options::usual(NOW);
    assert!(options.compresses("a/app.css") && !options.compresses("a.png"));
    let place = Place::new(&[("long.css", &"a".repeat(1000)), ("short.css", &"b".repeat(1000))]);
    let options = Options { encoders: all_encoders(), ..options };
    place.digest(&options).unwrap();
    place.put("short.css", "a");
    place.digest(&options).unwrap();
    for suffix in ["gz", "br", "zst"] {
        assert!(
            place.has(&format!("long.css.{suffix}"))
                && place.has(&format!("{}.{suffix}", place.latest("long.css")))
        );
        assert!(
            !place.has(&format!("short.css.{suffix}")),
            "what does not shrink is not written, and nothing old stays"
        );
    }
}

/// Gzip as usual, nothing else, and only stylesheets.
fn fewer() -> [Options; 3] {
    let usual = Options::usual(NOW);
    [
        usual.clone(),
        Options { encoders: Vec::new(), ..usual.clone() },
        Options { extensions: vec![".css".to_owned()], ..usual },
    ]
}

#[test]
fn a_changed_file_leaves_no_compressed_one_that_holds_the_file_of_before() {
    for options in fewer() {
        let place = Place::new(&[
            ("app.js", &"before ".repeat(100)),
            ("same.js", &"same ".repeat(100)),
            ("own.js", &"own ".repeat(100)),
        ]);
        place.digest(&Options { encoders: all_encoders(), ..Options::usual(NOW) }).unwrap();
        let before = place.latest("app.js");
        place.put("app.js", &"after ".repeat(100));
        place.put("new.js", "new");
        place.put("new.js.zst", "of the project");
        place.digest(&options).unwrap();
        for suffix in [".br", ".zst"] {
            assert!(!place.has(&format!("app.js{suffix}")), "it would be sent instead of app.js");
            assert!(place.has(&format!("{before}{suffix}")));
            assert!(place.has(&format!("same.js{suffix}")), "it is not wrong");
        }
        let compresses = !options.encoders.is_empty() && options.compresses("app.js");
        assert_eq!(place.has("app.js.gz"), compresses);
        assert!(place.has("new.js.zst"));
    }
}

#[test]
fn a_digested_file_that_keeps_its_name_leaves_no_compressed_one_of_before() {
    let css = format!("a{{b:url(x.png)}}{}", " ".repeat(100));
    let place = Place::new(&[("app.css", &css), ("x.png", "1")]);
    let options = Options { content_digests: false, ..Options::usual(NOW) };
    place.digest(&Options { encoders: all_encoders(), ..options.clone() }).unwrap();
    let digested = place.latest("app.css");
    place.put("x.png", "2");
    place.digest(&options).unwrap();
    assert_eq!(place.latest("app.css"), digested);
    assert!(place.has(&format!("{digested}.gz")) && !place.has(&format!("{digested}.br")));
    assert!(place.has("app.css.br"), "the original is the same");
}

#[test]
fn a_compressed_file_that_somebody_else_has_made_stays() {
    let files = [("t.txt", "t"), ("assets/app-7ZZ2QBJP.js", "a")];
    let place = Place::new(&files);
    let compressed = files.map(|(path, _)| format!("{path}.gz"));
    compressed.iter().for_each(|path| place.put(path, "of the project"));
    for _ in 0..2 {
        place.digest(&Options::usual(NOW)).unwrap();
        place.put("t.txt", "u");
        assert!(compressed.iter().all(|path| place.text(path) == "of the project"));
    }
    // With `--compat` it is replaced, as with Phoenix, and is beamship's own from then on.
    place.digest(&compatible()).unwrap();
    assert_ne!(place.files()["t.txt.gz"], b"of the project");
    place.digest(&Options::usual(NOW)).unwrap();
    assert!(!place.has("t.txt.gz"), "it is larger than the file");
}
