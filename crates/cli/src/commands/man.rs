//! `beamship man`.

use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::output;

/// Prints the manual page.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
    Ok(output::print(page)?)
}
