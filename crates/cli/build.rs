//! Makes the launcher depend on nothing but libc.
//!
//! Rust's standard library asks for `libgcc_s.so` for unwinding. The launcher is copied into images that may hold
//! nothing but libc, so what it needs of that library is linked into it. Without a `gcc` that says where the static
//! library is, it is linked as usual.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name| std::env::var(name).unwrap_or_default();
    let target = variable("TARGET");
    if !target.ends_with("-linux-gnu") || variable("PROFILE") != "release" {
        return;
    }
    // The library has to be that of the machine the launcher will run on.
    let gcc = if target == variable("HOST") {
        "gcc".to_owned()
    } else {
        format!("{}-linux-gnu-gcc", variable("CARGO_CFG_TARGET_ARCH"))
    };
    let Ok(output) = Command::new(gcc).arg("-print-file-name=libgcc_eh.a").output() else { return };
    let library = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if Path::new(&library).is_absolute() {
        println!(
            "cargo:rustc-link-arg-bin=beamship-launcher=-Wl,--push-state,--whole-archive,{library},--pop-state"
        );
    }
}
