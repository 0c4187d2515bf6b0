//! The clock and the time zone.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diagnosis::Findings;

use super::DoctorContext;
use crate::environment::env_var;

/// Time zone data, where `TZDIR` does not say something else.
const ZONES: &str = "/usr/share/zoneinfo";

/// There was no beamship before 2026: the clock cannot be right.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// Clocks of two machines differ by a few seconds.
const TOLERANCE: Duration = Duration::from_secs(60);

pub(super) fn check(context: &DoctorContext<'_>, findings: &mut Findings) {
    let built = context.release.root.join(contract::START_ERL_DATA);
    let built = std::fs::metadata(built).and_then(|metadata| metadata.modified());
    clock(SystemTime::now(), built.unwrap_or(UNIX_EPOCH), findings);
    zone(findings);
}

fn clock(now: SystemTime, built: SystemTime, findings: &mut Findings) {
    let earliest = built.max(UNIX_EPOCH + EARLIEST);
    let message = format!("{} UTC", date(now));
    if earliest <= now + TOLERANCE {
        return findings.ok("clock", format_args!("{message}"));
    }
    let reason = if built == earliest {
        format!("the release was built later, {} UTC", date(built))
    } else {
        "that is long ago".to_owned()
    };
    findings.error(
        "clock",
        format_args!("{message}, but {reason}: certificates, tokens and timestamps will be wrong"),
        format_args!("set the clock; systemd-timesyncd or chrony keep it right"),
    );
}

fn zone(findings: &mut Findings) {
    let check = "time_zone";
    let zones = PathBuf::from(env_var("TZDIR").unwrap_or_else(|| ZONES.into()));
    let Some(given) = env_var("TZ") else {
        let local = std::fs::read_link("/etc/localtime").unwrap_or_default();
        return match local.strip_prefix(ZONES) {
            Ok(name) => findings.ok(check, format_args!("{}, by /etc/localtime", name.display())),
            Err(_) if Path::new("/etc/localtime").exists() => {
                findings.ok(check, format_args!("by /etc/localtime"));
            }
            Err(_) => findings.ok(check, format_args!("UTC")),
        };
    };
    let given = given.to_string_lossy();
    let name = given.trim_start_matches(':');
    // An absolute path replaces the directory.
    let is_known = name.is_empty() || is_rule(name) || zones.join(name).is_file();
    if is_known {
        return findings.ok(check, format_args!("{name}, by TZ"));
    }
    findings.warning(
        check,
        format_args!("TZ is `{name}`, of which {} has no data: local time is UTC", zones.display()),
        format_args!("install the package tzdata, or leave TZ unset"),
    );
}

/// Whether it says by itself what it means: `UTC`, `CET-1CEST`, `<+03>-3`.
fn is_rule(name: &str) -> bool {
    let digits = name.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    matches!(name, "UTC" | "GMT")
        || name.starts_with('<')
        || (name.len() - digits.len() >= 3
            && digits.trim_start_matches(['+', '-']).starts_with(|digit: char| digit.is_ascii_digit()))
}

/// `2026-11-26 23:14`, in UTC.
fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut days = seconds / 86_400;
    let (minute, hour) = (seconds / 60 % 60, seconds / 3600 % 24);
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    // A file's time may be any number.
    while days >= 365 + u64::from(is_leap(year)) && year < 9999 {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02} {hour:02}:{minute:02}", days + 1)
}

#[cfg(test)]
mod tests {
    use diagnosis::Severity;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00"),
            (951_782_400, "2000-02-29 00:00"),
            (1_767_225_600, "2026-01-01 00:00"),
            (1_795_734_857, "2026-11-26 23:14"),
            (4_107_542_399, "2100-02-28 23:59"),
            (4_107_542_400, "2100-03-01 00:00"),
        ] {
            assert_eq!(date(at(seconds)), expected);
        }
        assert!(date(at(u64::MAX >> 2)).starts_with("9999-"));
    }

    #[test]
    fn a_clock_before_the_build_is_wrong() {
        let now = at(1_795_734_857);
        let clock = |now, built| {
            let mut findings = Findings::new();
            clock(now, built, &mut findings);
            findings.iter().next().unwrap().clone()
        };
        assert_eq!(clock(now, now).severity, Severity::Ok);
        assert_eq!(clock(now, UNIX_EPOCH).severity, Severity::Ok);
        assert_eq!(clock(now, now + Duration::from_secs(30)).severity, Severity::Ok);
        let wrong = clock(now, now + Duration::from_secs(3600));
        assert_eq!(wrong.severity, Severity::Error);
        assert!(wrong.message.contains("was built later, 2026-11-27 00:14 UTC"), "{}", wrong.message);
        assert!(clock(at(60), UNIX_EPOCH).message.contains("1970-01-01 00:01 UTC, but that is long ago"));
    }

    #[test]
    fn rules_need_no_data() {
        for rule in ["UTC", "GMT", "CET-1CEST", "UTC0", "EST5EDT", "<+03>-3"] {
            assert!(is_rule(rule), "{rule}");
        }
        for name in ["Europe/Berlin", "CET", "", "Nowhere", "/etc/localtime"] {
            assert!(!is_rule(name), "{name}");
        }
    }
}
