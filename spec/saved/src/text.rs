//! How what a section says stands there: JSON with a fact to a line, in one spelling alone.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vmlock_spec::json;

/// Writes a value, a fact to a line.
///
/// # Errors
/// It has no JSON.
pub fn write<T: Serialize>(value: &T) -> Result<String, String> {
    json::to_lines(value).map_err(|e| e.to_string())
}

/// Reads a value, which has to be written as [`write`] does: no unknown field, none missing, none twice, and one
/// spelling alone.
///
/// # Errors
/// In words, where it is something else.
pub fn read<T: DeserializeOwned + Serialize>(text: &str) -> Result<T, String> {
    let value: T = json::from_str(text).map_err(|e| e.to_string())?;
    let written = write(&value)?;
    if written != text {
        let mut lines = written.lines().zip(text.lines());
        let line = 1 + lines
            .by_ref()
            .take_while(|(own, other)| own == other)
            .count();
        return Err(format!("line {line} is not as vmlock writes it"));
    }
    Ok(value)
}
