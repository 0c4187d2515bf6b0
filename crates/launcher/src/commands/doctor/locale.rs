//! The encoding of file names and output, which the virtual machine takes from the locale.

#![allow(unsafe_code, reason = "only the C library knows which locales it has")]

use std::ffi::CStr;

use diagnosis::Findings;

use super::DoctorContext;
use crate::environment::env_var;
use crate::vm_arguments::has_flag;

pub(super) fn check(context: &DoctorContext<'_>, findings: &mut Findings) {
    let encoding = encoding();
    let variable = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| Some((name, env_var(name)?)));
    let locale = match variable {
        Some((name, value)) => format!("{name}={}", value.display()),
        None => "no locale is set".to_owned(),
    };
    if encoding == "UTF-8" {
        findings.ok("locale", format_args!("UTF-8 ({locale})"));
    } else if has_flag(context.environment, "+fnu") {
        findings
            .ok("locale", format_args!("{encoding} ({locale}); file names are UTF-8 nevertheless, by +fnu"));
    } else {
        findings.warning(
            "locale",
            format_args!(
                "{encoding} ({locale}): file names with other characters do not work, and neither does IEx"
            ),
            format_args!("set LANG=C.UTF-8; a locale by another name has to be installed"),
        );
    };
}

/// The one of the locale that the environment names, as the virtual machine asks for it. A locale that is not installed
/// has none of its own.
fn encoding() -> String {
    // SAFETY: no other thread runs in this process, and the text is copied before anything else is called.
    let name = unsafe {
        libc::setlocale(libc::LC_CTYPE, c"".as_ptr());
        let name = libc::nl_langinfo(libc::CODESET);
        if name.is_null() { c"" } else { CStr::from_ptr(name) }
    };
    name.to_string_lossy().into_owned()
}
