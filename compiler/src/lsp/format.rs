//! A text laid out, as `vmlock fmt` does it: edits of the gaps alone, so that an editor keeps its place.

use super::view::View;
use crate::language::layout;
use gen_lsp_types::TextEdit;

/// What has to be edited; nothing where it is laid out, or does not parse.
pub fn format(view: &View) -> Option<Vec<TextEdit>> {
    if !view.is_kdl() {
        return None;
    }
    let edits = layout::edits(&view.analysis.source).ok()?;
    Some(
        edits
            .into_iter()
            .map(|edit| view.edit(edit.span, edit.text))
            .collect(),
    )
}
