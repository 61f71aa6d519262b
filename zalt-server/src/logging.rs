//! The log: text for people in development, JSON in production, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{LogConfig, LogFormat};

/// Begins to write the log of this process.
///
/// # Errors
/// There is one already.
pub(crate) fn init(config: &LogConfig) -> Result<(), TryInitError> {
    let colored = std::io::stderr().is_terminal();
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(colored);
    let layer = match config.format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    // Levels by module suffice; filters on fields would bring an engine for regular expressions.
    Registry::default()
        .with(layer.with_filter(config.filter.clone()))
        .try_init()
}
