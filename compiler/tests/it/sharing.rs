//! What machines share without copying it, and what is said of them that no guest sees: the locks are those of
//! descriptions that are written out in full.

use crate::scratch::{Scratch, err};
use std::fs;

/// A machine, whole.
const WHOLE: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=1
    memory "64MiB"
}
"#;

impl Scratch {
    /// The bytes of a file.
    fn bytes(&self, name: &str) -> String {
        let path = self.0.join(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

#[test]
fn what_is_said_for_people_is_in_no_lock() {
    let scratch = Scratch::new("about");
    scratch.lock("web", WHOLE);
    let plain = scratch.bytes("web.vm.lock.json");
    let said = "vm \"web\" {\n    description \"serves the shop\"\n    labels team=\"shop\" \"1st\"=\"é\"\n";
    scratch.lock("web", &WHOLE.replace("vm \"web\" {\n", said));
    assert_eq!(scratch.bytes("web.vm.lock.json"), plain);
    // It goes over into the other form and back.
    let convert = |from: &str, to: &str| {
        let output = scratch.vmlock(&["convert", from, "-o", to]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        scratch.bytes(to)
    };
    let json = convert("web.vm.kdl", "other.vm.json");
    assert!(json.contains("\"team\": \"shop\"") && json.contains("serves the shop"));
    let kdl = convert("other.vm.json", "again.vm.kdl");
    assert!(kdl.contains("labels \"1st\"=\"é\" team=\"shop\""), "{kdl}");
    // What is no name, given twice, or no text.
    scratch.write(
        "bad.vm.kdl",
        &WHOLE.replace(
            "vm \"web\" {\n",
            "vm \"web\" {\n    labels \"a b\"=\"x\" c=\"x\" c=\"y\" d=1 \"e\"\n",
        ),
    );
    let output = scratch.vmlock(&["lock", "bad.vm.kdl"]);
    let words = err(&output);
    for part in [
        "spec::bad-name",
        "the label `c` is given twice",
        "write `d=\"1\"`",
        "`labels` takes no value",
        "4 errors",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
}
