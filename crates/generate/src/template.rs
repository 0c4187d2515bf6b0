//! Templates and the files that they make.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it goes, relative to the project.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Its text.
    pub text: String,
}

/// A template does not fit what is put into it: always a defect.
#[derive(Debug, thiserror::Error)]
#[error("cannot generate `{path}`: {reason}")]
pub struct TemplateError {
    path: String,
    reason: minijinja::Error,
}

impl File {
    /// Makes a file of a template.
    pub(crate) fn render(
        path: &str,
        mode: u32,
        template: &str,
        values: &Value,
    ) -> Result<Self, TemplateError> {
        let mut syntax = SyntaxConfig::builder();
        // A tag on a line of its own leaves no empty line.
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        let failed = |reason| TemplateError { path: path.to_owned(), reason };
        let mut environment = Environment::new();
        // A misspelled name is an error, not an empty text.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax.map_err(failed)?);
        let text = environment.render_str(template, values).map_err(failed)?;
        Ok(Self { path: path.to_owned(), mode, text })
    }
}
