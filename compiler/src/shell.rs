//! Paths in commands that are told to be pasted into a shell.

use std::borrow::Cow;

/// A path as one word of a POSIX shell: quoted where the shell would read anything else in it, and no flag for the
/// program that is given it.
pub fn word(path: &str) -> Cow<'_, str> {
    let path = match path.starts_with('-') {
        true => Cow::Owned(format!("./{path}")),
        false => Cow::Borrowed(path),
    };
    match shlex::try_quote(&path) {
        Ok(Cow::Owned(quoted)) => Cow::Owned(quoted),
        // Nothing had to be quoted. A path with a NUL, which is not quoted, names no file.
        Ok(Cow::Borrowed(_)) | Err(_) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_one_word_and_runs_nothing() {
        let hostile = [
            "",
            "a b",
            "$(id)",
            "`id`",
            "a;id",
            "a'b",
            "a\"b",
            "'\"$(id)\"'",
            "a\nb",
            "!!",
            "^a",
            "~",
            "*",
            "a\\",
            "a&b|c>d",
            "#",
            "a=b",
            "{a,b}",
            "\u{e4}\u{202e}",
        ];
        for text in hostile {
            let script = format!("printf '%s.' {}", word(text));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            let read = String::from_utf8(output.stdout).unwrap();
            assert_eq!(read, format!("{text}."), "{script}");
        }
    }

    #[test]
    fn what_needs_no_quotes_is_as_it_was_and_none_is_a_flag() {
        assert_eq!(word("locks/web-1.vm.lock.json"), "locks/web-1.vm.lock.json");
        assert_eq!(word("--host"), "./--host");
        assert_eq!(word("-$(id)"), "'./-$(id)'");
    }
}
