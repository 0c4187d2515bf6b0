//! Makes the launcher depend on nothing but libc.
//!
//! Rust's standard library asks for `libgcc_s.so` for unwinding. The launcher is copied into images that may hold
//! nothing but libc, so what it needs of that library is linked into it. Without a `gcc` that says where the static
//! library is, it is linked as usual.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_linux_gnu = std::env::var("TARGET").is_ok_and(|target| target.ends_with("-linux-gnu"));
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if !is_linux_gnu || !is_release {
        return;
    }
    let Ok(output) = Command::new("gcc").arg("-print-file-name=libgcc_eh.a").output() else { return };
    let library = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if Path::new(&library).is_absolute() {
        println!(
            "cargo:rustc-link-arg-bin=beamship-launcher=-Wl,--push-state,--whole-archive,{library},--pop-state"
        );
    }
}
