//! A file's address, as clients and settings of editors write it (RFC 8089), and its path.

use std::path::{Path, PathBuf};

/// The address of an absolute path.
pub fn of_path(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    let mut url = match text.starts_with('/') {
        true => "file://".to_owned(),
        false => "file:///".to_owned(),
    };
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b':' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// The path of a file's address; `None` for an address of something else.
pub fn to_path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let rest = rest.split(['?', '#']).next()?;
    // Between the slashes stands a host: none, or this one.
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    if !rest.starts_with('/') {
        return None;
    }
    let bytes = rest.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = match bytes[at] {
            b'%' => rest.get(at + 1..at + 3),
            _ => None,
        };
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    let text = String::from_utf8(out).ok()?;
    // `/c:/…` is `c:/…`.
    let drive = text.as_bytes().get(2) == Some(&b':') && text.as_bytes()[1].is_ascii_alphabetic();
    match drive && cfg!(windows) {
        true => Some(PathBuf::from(&text[1..])),
        false => Some(PathBuf::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_address_has_no_letter_that_means_something_else() {
        assert_eq!(
            of_path(Path::new("/home/u/a b#c/é")),
            "file:///home/u/a%20b%23c/%C3%A9"
        );
        assert_eq!(of_path(Path::new("C:\\u\\x")), "file:///C:/u/x");
    }

    #[test]
    fn a_path_comes_back() {
        for path in ["/a b/#?/%41/é🦀.vm.kdl", "/"] {
            let path = Path::new(path);
            assert_eq!(to_path(&of_path(path)).as_deref(), Some(path));
        }
        // As VS Code escapes more, and others less.
        assert_eq!(to_path("file:///a%2Db%3A").unwrap(), Path::new("/a-b:"));
        assert_eq!(to_path("file:///a b%zz").unwrap(), Path::new("/a b%zz"));
        assert_eq!(to_path("file://localhost/a").unwrap(), Path::new("/a"));
        for other in [
            "untitled:Untitled-1",
            "http://a/b",
            "file://host/a",
            "",
            "file:///%ff",
        ] {
            assert_eq!(to_path(other), None, "{other}");
        }
    }
}
