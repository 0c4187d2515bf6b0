//! `beamship man`.

use std::io::Write;

use clap::CommandFactory;

use crate::arguments::Arguments;

/// Prints the manual page.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
    Ok(anstream::stdout().write_all(&page)?)
}
