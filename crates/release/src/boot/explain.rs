//! A script that tells how far it has come, for `beamship explain-boot`.
//!
//! Between the instructions stand calls of `prim_file:write_file/2`, which is part of the runtime itself and so works from the
//! first instruction on, in every OTP. Each writes a line at once, without any process, to a pipe of its own: what the system prints
//! meanwhile cannot get between (`erlang:display/1` writes one character after the other, and a log message in the midst of
//! them). Whoever reads the lines knows when each step was over. A step is as many instructions in a row as belong together.

use camino::Utf8Path;
use etf::{Atom, AtomEncoding, EncodeError, Term};

use super::script::apply;
use super::start_module;

/// What a part of the start does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Modules are loaded.
    Load,
    /// The processes that come before all applications are started.
    Kernel,
    /// What the applications say about themselves is read.
    Resources,
    /// The configuration is evaluated: `runtime.exs` and other providers.
    Configuration,
    /// An application is started.
    Start,
    /// Any other call.
    Call,
}

/// A part of the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The application that it is about, or the function that is called; none when it is about several.
    pub subject: Option<String>,
    /// How many modules the script loads in it.
    pub modules: usize,
}

/// A script with marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentedBootScript {
    /// The bytes of the `.boot` file.
    pub boot: Vec<u8>,
    /// What stands between the marks.
    pub steps: Vec<Step>,
}

/// The `.boot` file with marks in it, and its steps; none when the given one is not a script as `systools` writes it. The
/// mark of a number stands before the step with this index, and one more after the last: the number, written to the named pipe
/// `marks` as a line. In interactive mode the runtime passes over what is loaded after `kernel_load_completed`.
///
/// # Errors
///
/// When the term cannot be encoded.
pub fn instrument_boot_script(
    boot: &[u8],
    is_interactive: bool,
    marks: &Utf8Path,
) -> Result<Option<InstrumentedBootScript>, EncodeError> {
    let Ok(script) = etf::decode(boot) else { return Ok(None) };
    let Some((script, steps)) = with_marks(&script, is_interactive, marks) else { return Ok(None) };
    // Every supported OTP reads UTF-8.
    Ok(Some(InstrumentedBootScript { boot: etf::encode(&script, AtomEncoding::Utf8)?, steps }))
}

fn with_marks(script: &Term, is_interactive: bool, marks: &Utf8Path) -> Option<(Term, Vec<Step>)> {
    let [tag, identity, Term::List(instructions)] = script.as_tuple()? else { return None };
    if !tag.is_atom("script") {
        return None;
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut result = Vec::with_capacity(instructions.len() * 2);
    let mut loads_nothing = false;
    let mut application = None;
    for instruction in instructions {
        let [name, argument @ ..] = instruction.as_tuple()? else { return None };
        match argument.first() {
            None if name.is_atom("kernel_load_completed") => loads_nothing = is_interactive,
            Some(path) if name.is_atom("path") => application = only_application(path),
            _ => {}
        }
        if let Some(step) = step(instruction, application.as_deref())
            .filter(|step| step.kind != StepKind::Load || !loads_nothing)
        {
            match steps.last_mut() {
                Some(last) if last.kind == step.kind && last.subject == step.subject => {
                    last.modules += step.modules;
                }
                _ => {
                    result.push(mark(marks, steps.len()));
                    steps.push(step);
                }
            }
        }
        result.push(instruction.clone());
    }
    result.push(mark(marks, steps.len()));
    Some((Term::Tuple(vec![tag.clone(), identity.clone(), Term::List(result)]), steps))
}

fn mark(marks: &Utf8Path, number: usize) -> Term {
    // Binaries, which are bytes in every encoding of file names.
    apply("prim_file", "write_file", vec![Term::binary(marks.as_str()), Term::binary(format!("{number}\n"))])
}

/// The step that an instruction belongs to; none when it is part of whichever comes before it.
fn step(instruction: &Term, application: Option<&str>) -> Option<Step> {
    let step =
        |kind, subject: Option<&str>, modules| Step { kind, subject: subject.map(str::to_owned), modules };
    match instruction.as_tuple()? {
        [name, modules] if name.is_atom("primLoad") => {
            Some(step(StepKind::Load, application, modules.as_list().map_or(0, <[Term]>::len)))
        }
        [name, _, _] if name.is_atom("kernelProcess") => Some(step(StepKind::Kernel, None, 0)),
        // The same modules follow, for what cannot be loaded in this way.
        _ if start_module::is_load_first(instruction) => Some(step(StepKind::Load, application, 0)),
        [name, call] if name.is_atom("apply") => {
            let [module, function, Term::List(arguments)] = call.as_tuple()? else { return None };
            let (module, function) = (module.as_atom()?.as_str(), function.as_atom()?.as_str());
            let first = arguments.first().and_then(Term::as_atom).map(Atom::as_str);
            match (module, function) {
                ("application", "load") => Some(step(StepKind::Resources, None, 0)),
                ("application", "start_boot") => Some(step(StepKind::Start, first, 0)),
                ("Elixir.Config.Provider", "boot") => Some(step(StepKind::Configuration, None, 0)),
                // The cookie, what a fast start does besides, marks: they take no time.
                ("erlang" | "erl_eval" | "beamship_start" | "prim_file", _) => None,
                _ => Some(step(StepKind::Call, Some(&format!("{module}:{function}")), 0)),
            }
        }
        _ => None,
    }
}

/// The application of a path that has a single one, consolidated protocols apart.
fn only_application(path: &Term) -> Option<String> {
    let mut names = path.as_list()?.iter().filter_map(Term::to_text).filter_map(|directory| {
        // A version may have dashes (`1.0.0-rc.1`), the name of an application has none.
        let (name, _) = directory.strip_suffix("/ebin")?.rsplit('/').next()?.split_once('-')?;
        Some(name.to_owned())
    });
    let name = names.next()?;
    names.next().is_none().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"{script,{"demo","1"},[{preLoaded,[init]},{path,["$ROOT/lib/kernel-9/ebin","$ROOT/lib/stdlib-5/ebin"]},
        {primLoad,[error_handler,gen]},{kernel_load_completed},{path,["x/consolidated","$RELEASE_LIB/demo-0.1.0-rc.1/ebin"]},
        {primLoad,[a,b]},{kernelProcess,heart,{heart,start,[]}},{kernelProcess,logger,{logger_server,start_link,[]}},
        {apply,{application,load,[x]}},{apply,{application,load,[y]}},{apply,{application,start_boot,[kernel,permanent]}},
        {apply,{erlang,set_cookie,[x]}},{apply,{'Elixir.Config.Provider',boot,[]}},{progress,started}]}."#;

    fn kinds(is_interactive: bool) -> (String, Vec<(StepKind, Option<String>, usize)>) {
        let script = etf::text::consult(SCRIPT.as_bytes()).unwrap().remove(0);
        let (script, steps) = with_marks(&script, is_interactive, "/tmp/marks".into()).unwrap();
        (
            etf::text::plain(&script),
            steps.into_iter().map(|step| (step.kind, step.subject, step.modules)).collect(),
        )
    }

    #[test]
    fn instructions_that_belong_together_are_a_step() {
        let (script, steps) = kinds(false);
        let expected = vec![
            (StepKind::Load, None, 2),
            (StepKind::Load, Some("demo".to_owned()), 2),
            (StepKind::Kernel, None, 0),
            (StepKind::Resources, None, 0),
            (StepKind::Start, Some("kernel".to_owned()), 0),
            (StepKind::Configuration, None, 0),
        ];
        assert_eq!(steps, expected);
        assert_eq!(script.matches("prim_file").count(), steps.len() + 1);
        // "6\n", as numbers.
        assert!(script.contains("{progress,started},{apply,{prim_file,write_file,[<<"), "{script}");
        assert!(script.ends_with(",<<54,10>>]}}]}"), "{script}");
    }

    #[test]
    fn in_interactive_mode_nothing_is_loaded_after_the_kernel() {
        let (_, steps) = kinds(true);
        assert_eq!(steps[0], (StepKind::Load, None, 2));
        assert_eq!(steps[1].0, StepKind::Kernel);
    }

    #[test]
    fn something_else_is_not_a_script() {
        for bytes in [b"".as_slice(), b"\x83a\x01", b"nonsense"] {
            assert_eq!(instrument_boot_script(bytes, false, "/tmp/marks".into()).unwrap(), None);
        }
    }
}
