//! Comments and headings of other languages.

use super::Scanner;

/// What begins a comment elsewhere, and the languages where it does.
const COMMENTS: [(&str, &str); 4] = [
    ("--", "Lua and SQL"),
    ("<!--", "XML"),
    (";", "INI files"),
    ("%", "TeX"),
];

impl Scanner<'_> {
    /// A line that is a comment elsewhere; says whether it is one.
    pub(super) fn other_comment(&mut self, start: usize) -> bool {
        let line = self.line(start);
        let comment = COMMENTS.iter().find(|(sign, _)| {
            // `--memory` is an option.
            let rest = line.strip_prefix(sign);
            let rest = rest.filter(|rest| *sign != "--" || rest.starts_with([' ', '\t']));
            let rest = rest.map(str::trim_start);
            rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['=', ';', '}']))
        });
        let begins = self.source.text[..start]
            .rsplit('\n')
            .next()
            .is_some_and(|before| before.trim().is_empty());
        let Some((sign, where_)) = comment.filter(|_| begins) else {
            return false;
        };
        self.comment(start, sign, where_);
        true
    }

    /// `[cpu]` of TOML and INI files, alone in its line; says whether it is one.
    pub(super) fn table(&mut self, start: usize) -> bool {
        let line = self.line(start);
        let name = line.trim_matches(['[', ']', ' ']);
        let of_names = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty()
            || !line.starts_with('[')
            || !line.ends_with(']')
            || !name.chars().all(of_names)
        {
            return false;
        }
        self.at = start + line.len();
        let last = name.rsplit('.').next().unwrap_or(name);
        let help = format!("a node has its block in braces: `{last} … {{`");
        let message = format!("`{line}` is a table of TOML");
        self.report(&message, start..self.at, "this heading", help);
        true
    }

    /// `# …` anywhere; says whether it is a comment.
    pub(super) fn hash_comment(&mut self, start: usize) -> bool {
        const KEYWORDS: [&str; 6] = ["true", "false", "null", "inf", "-inf", "nan"];
        let line = self.line(start);
        let text = line.trim_start_matches('#');
        let ends = |c: char| c.is_whitespace() || u8::try_from(c).is_ok_and(super::ends_word);
        let end = text.find(ends);
        let word = &text[..end.unwrap_or(text.len())];
        let one = line.len() - text.len() == 1;
        if one && KEYWORDS.contains(&word) {
            return false;
        }
        let lower = word.to_ascii_lowercase();
        if one && KEYWORDS.contains(&lower.as_str()) {
            self.at = start + 1 + word.len();
            let message = format!("`#{word}` is no keyword");
            self.report(
                &message,
                start..self.at,
                "letters count",
                format!("write `#{lower}`"),
            );
            return true;
        }
        let whose = match line.starts_with("#!") {
            true => "scripts",
            false => "YAML, TOML and shells",
        };
        self.comment(start, "#", whose);
        true
    }

    pub(super) fn comment(&mut self, start: usize, sign: &str, whose: &str) {
        let line = self.line(start);
        self.at = start + line.len();
        let text = line
            .trim_end_matches("-->")
            .trim_matches(['#', ';', '-', '<', '!', '%', ' ', '\t']);
        let help = match super::literal::shown(text) {
            // An attribute of Rust's.
            text if text.starts_with("[allow(") || text.starts_with("[expect(") => {
                let code = text.split(['(', ',', ')']).nth(1).unwrap_or("…").trim();
                // A lint of Rust's is no warning here.
                let code = if code.contains("::") { code } else { "…" };
                format!("write `allow \"{code}\" reason=\"…\"`, in the `vm` block")
            }
            text if text.is_empty() || sign == "#" && line.starts_with("#!") => {
                "a comment begins with `//`".to_owned()
            }
            text => format!("write `// {text}`"),
        };
        let message = format!("`{sign}` begins a comment in {whose}, not in KDL");
        self.report(
            &message,
            start..start + sign.len(),
            "this is no comment",
            help,
        );
    }

    /// The rest of the line.
    fn line(&self, start: usize) -> String {
        let line = self.source.text[start..].lines().next().unwrap_or("");
        line.trim_end().to_owned()
    }
}
