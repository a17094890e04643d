//! Names of one's own: which a baseline, a CPU model or a kernel cannot have.

use crate::diagnostic::Diagnostic;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::resolve;

/// What to say of a name that nothing can have.
pub fn not_a_name(name: &str) -> Option<Diagnostic> {
    let words = format!("`{name}` cannot be a name");
    let help = "1 to 63 ASCII letters, digits, `-`, `_` and `.`, which does not come first";
    (!resolve::is_name(name)).then(|| Diagnostic::error("usage::name", words).help(help))
}

/// Why no model of that name could be imported.
pub fn unfit_name(name: &str) -> Option<Diagnostic> {
    if let Some(unfit) = not_a_name(name) {
        return Some(unfit);
    }
    let catalogue = Catalogue::builtin();
    let ours = catalogue.reserved(name)?;
    let words = match (ours == name, catalogue.cpu(name)) {
        (true, Some(_)) => format!("`{name}` is the name of a CPU model of the catalogue"),
        (true, None) => format!("`{name}` is the name of a baseline of the catalogue"),
        (false, _) => format!(
            "`{name}` and `{ours}` of the catalogue would be revisions of one thing, and no file decides what that means"
        ),
    };
    Some(Diagnostic::error("import::name-taken", words).help(format!(
        "no description could import it: give yours a name of its own, such as `my-{name}`"
    )))
}
