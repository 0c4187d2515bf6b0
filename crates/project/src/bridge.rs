//! The bridge as its callers see it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use etf::{AtomEncoding, Term};

use crate::description::{NextStep, ReleaseDescription, ReleaseLocation};
use crate::error::{BridgeError, Phase};
use crate::fields::{Fields, Malformed};
use crate::options::BridgeOptions;
use crate::output::{Collector, Output};
use crate::request::{CompileOptions, ReleaseRequest};
use crate::survey::Survey;
use crate::virtual_machine::{Lost, StartFailure, VirtualMachine};

/// How long markers may be missing after a reply. They are written before it; only a project that has closed its own
/// output makes this time pass.
const MARKERS: Duration = Duration::from_secs(5);
/// How long the ends of the streams may be missing after the end of the virtual machine. Only a process that it left
/// behind makes this time pass.
const ENDS: Duration = Duration::from_secs(1);

/// A Mix project, loaded in an Elixir virtual machine that answers questions about it.
///
/// After [`BridgeError::Refused`] it can be asked again. After another error the project is in the state in which a failed
/// `mix` leaves it, and nothing but dropping the bridge makes sense. Dropping it ends the virtual machine.
#[derive(Debug)]
pub struct Bridge {
    virtual_machine: VirtualMachine,
    collector: Collector,
    request: u64,
    information: ProjectInformation,
    loading: Outcome<()>,
    /// [`BridgeOptions::digest`].
    digest: Option<Utf8PathBuf>,
}

/// What a call returns, how long it took, and what was printed meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<T> {
    /// The answer.
    pub value: T,
    /// Wall time.
    pub duration: Duration,
    /// What Mix and the project printed.
    pub output: Output,
}

/// What is known about a project as soon as it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectInformation {
    /// Version of Elixir.
    pub elixir_version: String,
    /// Major version of OTP.
    pub otp_release: u32,
    /// `Mix.env()`.
    pub mix_env: String,
    /// `Mix.target()`.
    pub mix_target: String,
    /// The project's aliases. One called `release` is something that `mix release` would run and beamship does not.
    pub aliases: Vec<String>,
    /// The build directory: `_build/prod`.
    pub build_path: Utf8PathBuf,
    /// Where dependencies are fetched to.
    pub deps_path: Utf8PathBuf,
    /// The project's own application, or those of the umbrella.
    pub own_applications: Vec<String>,
}

/// What is compiled by the content of its sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalSources {
    /// The project's applications, and those of path dependencies.
    pub applications: Vec<LocalApplication>,
    /// Directories with sources of theirs that are outside of their own: `elixirc_paths`, `erlc_paths` and `erlc_include_path`
    /// may lead anywhere.
    pub source_directories: Vec<Utf8PathBuf>,
}

/// An application of the project or of a path dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalApplication {
    /// Its name.
    pub name: String,
    /// The directory in which it is compiled.
    pub directory: Utf8PathBuf,
}

/// What became of the dependencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependencies {
    /// Whether something had to be fetched; otherwise the lock was satisfied.
    pub fetched: bool,
    /// How many dependencies the project has, indirect ones included.
    pub count: u32,
}

impl Bridge {
    /// Starts Elixir in the project's directory and loads the project, as `mix` does.
    ///
    /// # Errors
    ///
    /// When there is no project or no Elixir, or when loading fails: `mix.exs` raises, has a syntax error, or ends the
    /// virtual machine.
    pub fn start(options: &BridgeOptions) -> Result<Self, BridgeError> {
        let started = Instant::now();
        check_project(options)?;
        let collector = Collector::new(random_token()?, options.sink.is_some());
        let virtual_machine =
            VirtualMachine::start(options, &collector).map_err(|failure| match failure {
                StartFailure::Exited(status) => {
                    BridgeError::Exited { phase: Phase::Load, status, output: collector.take_rest(ENDS) }
                }
                StartFailure::Other(error) => error,
            })?;
        let empty = ProjectInformation {
            elixir_version: String::new(),
            otp_release: 0,
            mix_env: String::new(),
            mix_target: String::new(),
            aliases: Vec::new(),
            build_path: Utf8PathBuf::new(),
            deps_path: Utf8PathBuf::new(),
            own_applications: Vec::new(),
        };
        let loading = Outcome { value: (), duration: Duration::ZERO, output: Output::default() };
        let digest = options.digest.clone();
        let mut bridge = Self { virtual_machine, collector, request: 0, information: empty, loading, digest };
        let hello = bridge.call(Phase::Load, "hello", Term::nil(), information)?;
        bridge.information = hello.value;
        bridge.loading = Outcome { value: (), duration: started.elapsed(), output: hello.output };
        Ok(bridge)
    }

    /// What is known about the project.
    pub fn information(&self) -> &ProjectInformation {
        &self.information
    }

    /// How long [`Bridge::start`] took and what was printed; `mix.exs` can cause warnings.
    pub fn loading(&self) -> &Outcome<()> {
        &self.loading
    }

    /// `mix deps.get --only ENV`, where it has something to do. Hex and Rebar are installed when they are needed and not
    /// there.
    ///
    /// # Errors
    ///
    /// When Mix reports one.
    pub fn fetch_dependencies(&mut self) -> Result<Outcome<Dependencies>, BridgeError> {
        self.call(Phase::Dependencies, "fetch_dependencies", Term::nil(), |answer| {
            Ok(Dependencies { fetched: answer.boolean("fetched")?, count: answer.number("dependencies")? })
        })
    }

    /// What [`Bridge::compile`] compiles by the content of its sources. Nothing when dependencies are wrong, which `compile`
    /// then reports.
    ///
    /// # Errors
    ///
    /// When the virtual machine has ended.
    pub fn local_sources(&mut self) -> Result<Outcome<LocalSources>, BridgeError> {
        let application = |fields: &Fields<'_>| {
            Ok(LocalApplication { name: fields.text("name")?, directory: fields.path("directory")? })
        };
        self.call(Phase::Compile, "local_sources", Term::nil(), |answer| {
            let applications: Result<_, _> = answer.maps("applications")?.iter().map(application).collect();
            Ok(LocalSources {
                applications: applications?,
                source_directories: answer.paths("source_directories")?,
            })
        })
    }

    /// `mix compile`, as `mix release` runs it first.
    ///
    /// # Errors
    ///
    /// When something does not compile.
    pub fn compile(&mut self, options: &CompileOptions) -> Result<Outcome<()>, BridgeError> {
        self.call(Phase::Compile, "compile", options.to_term(), |_| Ok(()))
    }

    /// Runs the project's alias `assets.deploy`; false when there is none. It comes after [`Bridge::compile`], which compiles
    /// once more what the assets have changed when it is called again.
    ///
    /// # Errors
    ///
    /// When a task of the alias fails.
    pub fn deploy_assets(&mut self) -> Result<Outcome<bool>, BridgeError> {
        let digest = self.digest.as_ref();
        let digest = digest.map_or_else(|| Term::atom("nil"), |program| Term::binary(program.as_str()));
        self.call(Phase::Assets, "deploy_assets", digest, |answer| answer.boolean("deployed"))
    }

    /// What the project consists of. Nothing is compiled for it.
    ///
    /// # Errors
    ///
    /// When the configuration of the project raises.
    pub fn survey(&mut self) -> Result<Outcome<Survey>, BridgeError> {
        self.call(Phase::Survey, "survey", Term::atom("nil"), Survey::from_fields)
    }

    /// Which release is meant and where it goes. It comes after [`Bridge::compile`].
    ///
    /// # Errors
    ///
    /// When there is no such release, or an option is wrong.
    pub fn locate_release(
        &mut self,
        request: &ReleaseRequest,
    ) -> Result<Outcome<ReleaseLocation>, BridgeError> {
        self.call(Phase::Describe, "locate_release", request.to_term(), ReleaseLocation::from_fields)
    }

    /// Runs the custom steps before `:assemble` if asked to, evaluates the options of a release, the configuration and the templates. It comes after [`Bridge::compile`].
    ///
    /// # Errors
    ///
    /// When there is no such release, an option is wrong, or the project's code raises.
    pub fn describe_release(
        &mut self,
        request: &ReleaseRequest,
    ) -> Result<Outcome<ReleaseDescription>, BridgeError> {
        self.call(Phase::Describe, "describe_release", request.to_term(), |answer| {
            ReleaseDescription::from_term(answer.whole())
        })
    }

    /// Runs custom steps of the release that was described: first those after `:assemble`, then, after each
    /// [`NextStep::Tar`], those that follow it. The release has to be at its place.
    ///
    /// # Errors
    ///
    /// When a step raises, or returns something other than the release.
    pub fn continue_steps(&mut self) -> Result<Outcome<NextStep>, BridgeError> {
        self.call(Phase::Steps, "continue_steps", Term::nil(), NextStep::from_fields)
    }

    /// Ends the virtual machine in good order and returns what it printed last.
    ///
    /// # Errors
    ///
    /// When it does not end with success.
    pub fn stop(mut self) -> Result<Outcome<()>, BridgeError> {
        let started = Instant::now();
        let mut outcome = self.call(Phase::Stop, "stop", Term::nil(), |_| Ok(()))?;
        let status = self.virtual_machine.wait().map_err(|source| BridgeError::Io {
            action: "wait for the end of",
            subject: "elixir".to_owned(),
            source,
        })?;
        outcome.output.append(&self.collector.take_rest(ENDS));
        outcome.duration = started.elapsed();
        if status.success() {
            Ok(outcome)
        } else {
            Err(BridgeError::Exited { phase: Phase::Stop, status, output: outcome.output })
        }
    }

    /// Process id of the virtual machine.
    pub fn process_id(&self) -> u32 {
        self.virtual_machine.id()
    }

    fn call<T>(
        &mut self,
        phase: Phase,
        name: &str,
        argument: Term,
        read: impl Fn(Fields<'_>) -> Result<T, Malformed>,
    ) -> Result<Outcome<T>, BridgeError> {
        let started = Instant::now();
        self.request += 1;
        let marker = self.collector.marker(self.request);
        let request = Term::Tuple(vec![Term::binary(marker), Term::atom(name), argument]);
        let answer = match self.exchange(&request) {
            Ok(answer) => answer,
            Err(Trouble::Lost(Lost::Exited(status))) => {
                return Err(BridgeError::Exited { phase, status, output: self.collector.take_rest(ENDS) });
            }
            Err(Trouble::Lost(Lost::Io(source))) => {
                return Err(BridgeError::Io { action: "talk to", subject: "elixir".to_owned(), source });
            }
            Err(Trouble::Terms(reason)) => {
                let output = self.collector.take(self.request, MARKERS);
                return Err(BridgeError::Protocol { phase, reason, output });
            }
        };
        let output = self.collector.take(self.request, MARKERS);
        let text = |term: &Term| term.as_binary().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let protocol = |reason: String, output| BridgeError::Protocol { phase, reason, output };
        let Some([kind, content]) = answer.as_tuple() else {
            return Err(protocol("the answer is not a pair".to_owned(), output));
        };
        match kind.as_atom().map(etf::Atom::as_str) {
            Some("ok") => match read(Fields::new(content)) {
                Ok(value) => Ok(Outcome { value, duration: started.elapsed(), output }),
                Err(malformed) => Err(protocol(malformed.to_string(), output)),
            },
            Some("failed") => {
                Err(BridgeError::Failed { phase, message: text(content).unwrap_or_default(), output })
            }
            Some("refused") => {
                Err(BridgeError::Refused { phase, message: text(content).unwrap_or_default(), output })
            }
            _ => Err(protocol(format!("the answer is of the kind {kind:?}"), output)),
        }
    }

    fn exchange(&mut self, request: &Term) -> Result<Term, Trouble> {
        let packet =
            etf::encode(request, AtomEncoding::Utf8).map_err(|error| Trouble::Terms(error.to_string()))?;
        self.virtual_machine.send(&packet).map_err(Trouble::Lost)?;
        let packet = self.virtual_machine.receive().map_err(Trouble::Lost)?;
        etf::decode(&packet).map_err(|error| Trouble::Terms(error.to_string()))
    }
}

enum Trouble {
    Lost(Lost),
    Terms(String),
}

fn information(answer: Fields<'_>) -> Result<ProjectInformation, Malformed> {
    Ok(ProjectInformation {
        elixir_version: answer.text("elixir_version")?,
        otp_release: answer.number("otp_release")?,
        mix_env: answer.text("mix_env")?,
        mix_target: answer.text("mix_target")?,
        aliases: names(answer, "aliases")?,
        build_path: answer.path("build_path")?,
        deps_path: answer.path("deps_path")?,
        own_applications: names(answer, "own_applications")?,
    })
}

fn names(answer: Fields<'_>, field: &str) -> Result<Vec<String>, Malformed> {
    Ok(answer.atoms(field)?.iter().map(ToString::to_string).collect())
}

/// Without a project file Mix would start only to report that.
fn check_project(options: &BridgeOptions) -> Result<(), BridgeError> {
    let file = options.variable("MIX_EXS").unwrap_or_else(|| "mix.exs".into());
    let path = options.directory.as_std_path().join(&file);
    match fs_err::metadata(&path) {
        Ok(metadata) if metadata.is_file() => return Ok(()),
        Err(source) if !matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            let subject = path.to_string_lossy().into_owned();
            // The path is in `subject` already.
            let source = source.raw_os_error().map_or(source, std::io::Error::from_raw_os_error);
            return Err(BridgeError::Io { action: "look at", subject, source });
        }
        _ => {}
    }
    Err(BridgeError::NoProject {
        directory: options.directory.clone(),
        file: file.to_string_lossy().into_owned(),
    })
}

/// 128 random bits in hexadecimal digits.
fn random_token() -> Result<String, BridgeError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| BridgeError::Io {
        action: "get",
        subject: "random bytes".to_owned(),
        source: error.into(),
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
