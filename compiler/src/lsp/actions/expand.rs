//! A baseline written out: a file of the user's own with all that it states, under another name, which the description
//! imports in its place. The guest sees the same, and each statement can be changed from then on.

use super::suggestion::line_in;
use crate::language::nodes::{self, Value};
use crate::lsp::cursor::Slot;
use crate::lsp::definition::text_of;
use crate::lsp::outline::{Outline, unquoted};
use crate::lsp::view::View;
use crate::uri;
use gen_lsp_types::{
    CodeAction, CodeActionKind, CreateFile, DocumentChange, Edit,
    OptionalVersionedTextDocumentIdentifier, Position, Range, TextDocumentEdit,
    TextDocumentIdentifier, TextEdit, WorkspaceEdit,
};
use vmlock_spec::resolve::is_name;

/// The action for the baseline at a position.
pub fn of(view: &View, position: Position) -> Option<CodeAction> {
    let cursor = view.cursor(position)?;
    let Slot::Value(index) = cursor.slot else {
        return None;
    };
    let path = cursor.path();
    if nodes::at(&path)?.value(index)? != Value::Baseline || !view.document.on_disk {
        return None;
    }
    let name = unquoted(view.words(cursor.span.clone()));
    let statements = statements(name)?;
    let read = view
        .analysis
        .compiled_at(cursor.span.start)?
        .read
        .as_ref()?;
    let folder = view.document.path.parent()?;
    let base = format!("{}-{name}", read.spec.name);
    let catalogue = view.analysis.catalogue_at(cursor.span.start)?;
    let free = |name: &String| {
        catalogue.baseline(name).is_none()
            && is_name(name)
            && !folder.join(format!("{name}.kdl")).exists()
    };
    let own = (1..100)
        .map(|n| {
            if n == 1 {
                base.clone()
            } else {
                format!("{base}-{n}")
            }
        })
        .find(free)?;
    let file = format!("{own}.kdl");
    let text = format!(
        "// What the catalogue states of {name}: the guest sees the same until a statement is changed.\n{}\n",
        statements.replacen(&format!("\"{name}\""), &format!("\"{own}\""), 1)
    );
    let vm = view.analysis.outline.inside(None).find(|(_, node)| {
        let here = node.name.start <= cursor.span.start && cursor.span.start < node.end;
        here && view.words(node.name.clone()) == "vm"
    })?;
    let block = vm.1.block.clone().filter(|_| vm.1.closed)?;
    let (at, line) = line_in(view.text(), block, &format!("import \"{file}\""));
    let target = folder.join(&file);
    let change = |uri: String, version: Option<i32>, edits: Vec<TextEdit>| {
        DocumentChange::TextDocumentEdit(TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier {
                version,
                text_document_identifier: TextDocumentIdentifier { uri: uri.into() },
            },
            edits: edits.into_iter().map(Edit::TextEdit).collect(),
        })
    };
    let made = TextEdit {
        range: Range::default(),
        new_text: text,
    };
    let own_edits = vec![
        view.edit(cursor.span.clone(), format!("\"{own}\"")),
        view.edit(at..at, line),
    ];
    let target = uri::of_path(&target);
    Some(CodeAction {
        title: format!("Write {name} out into {file}"),
        kind: Some(CodeActionKind::RefactorRewrite),
        edit: Some(WorkspaceEdit {
            document_changes: Some(vec![
                DocumentChange::CreateFile(CreateFile {
                    uri: target.clone().into(),
                    options: None,
                    annotation_id: None,
                }),
                change(target, None, vec![made]),
                change(
                    view.document.uri.clone(),
                    Some(view.document.version),
                    own_edits,
                ),
            ]),
            ..WorkspaceEdit::default()
        }),
        ..CodeAction::default()
    })
}

/// The node of a baseline of the catalogue, as it is written there.
fn statements(name: &str) -> Option<&'static str> {
    let (_, text, span) = text_of("baseline", name)?;
    let outline = Outline::of(text);
    let node = outline
        .nodes
        .iter()
        .find(|node| node.values().next() == Some(&span))?;
    text.get(node.name.start..node.end)
}
