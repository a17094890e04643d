//! What others read: the manual's pages, and the scripts of shells that complete.

use crate::scratch::{Scratch, err, out};
use std::fs;

#[test]
fn every_page_that_a_manual_page_names_is_written() {
    let scratch = Scratch::new("manual");
    let output = scratch.vmlock(&["man", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let mut named = 0;
    for page in ["vmlock", "vmlock-git"] {
        let text = fs::read_to_string(scratch.0.join(format!("{page}.1"))).unwrap();
        let text = ["\\fB", "\\fR"]
            .iter()
            .fold(text.replace("\\-", "-"), |text, font| {
                text.replace(font, "")
            });
        for other in text.lines().filter_map(|line| line.strip_suffix("(1)")) {
            assert!(
                scratch.0.join(format!("{other}.1")).exists(),
                "{page} names {other}"
            );
            named += 1;
        }
    }
    assert!(named > 15, "only {named} pages are named");
    assert!(scratch.0.join("vmlock-git-setup.1").exists());
}

#[test]
fn every_shell_has_a_script_that_asks_vmlock() {
    let scratch = Scratch::new("completions-all");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = scratch.vmlock(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(
            out(&output).contains("VMLOCK_COMPLETE"),
            "{shell}: {}",
            out(&output)
        );
    }
}
