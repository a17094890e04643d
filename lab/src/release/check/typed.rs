//! What README says to type for a release, typed for each file that it can be said of.

use crate::emulate::Ended;
use crate::failure::{Failure, Result};

/// What README has these lines under.
const HEADING: &str = "## Installing";
/// How they begin.
const APT: &str = "apt install ./";
const TAR: &str = "tar -xzf ";
const PODMAN: &str = "podman ";
const RUN: &str = "podman run ";
/// How the name of an image begins that was loaded.
const IMAGE: &str = "localhost/";

/// What is looked at once a package is installed: each thing that holds is told. `dpkg` finds files that are not as they were
/// packed, by their MD5 sums.
const INSTALLED: &str = r#"
$name --version
test -s /var/lib/dpkg/info/$name.md5sums && dpkg --verify $name && echo "holds: verified"
test "$(command -v $name)" = /usr/bin/$name && echo "holds: where it belongs"
gzip -t /usr/share/man/man1/$name.1.gz /usr/share/doc/$name/*.gz && echo "holds: pages"
bash -n /usr/share/bash-completion/completions/$name && echo "holds: completions"
apt remove $name
test ! -e /usr/bin/$name && echo "holds: removed"
"#;
/// The same of an archive.
const UNPACKED: &str = r#"
/usr/local/bin/$name --version
test "$(command -v $name)" = /usr/local/bin/$name && echo "holds: where it belongs"
gzip -t /usr/local/share/man/man1/$name.1.gz /usr/local/share/doc/$name/*.gz && echo "holds: pages"
bash -n /usr/local/share/bash-completion/completions/$name && echo "holds: completions"
rm -r /usr/local/bin
"#;

/// README's lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Typed {
    /// What is typed for a file of the release, in the folder where it is.
    files: Vec<Line>,
    podman: Vec<String>,
}

/// A line for a file.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    file: String,
    program: String,
    command: String,
    look: &'static str,
}

impl Typed {
    /// What README says, of a release with these files. A file that README names is there, whichever version it is of.
    pub fn of(readme: &str, names: &[&str]) -> Result<Self> {
        let section = readme.split_once(HEADING).map(|(_, rest)| rest);
        let section = section.and_then(|rest| rest.split("\n## ").next());
        let section = section.ok_or_else(|| missing(HEADING))?;
        let commands: Vec<&str> = section.split('`').skip(1).step_by(2).collect();
        let image = names.iter().find_map(|name| {
            let version = name.strip_prefix("vmlock-")?.strip_suffix(".oci.tar")?;
            Some(version.to_owned())
        });
        let version = image.ok_or_else(|| missing("an image"))?;
        // A tag has no tilde.
        let now = |command: &str| {
            let tag = format!("vmlock:{}", version.replace('~', "-"));
            let named = command.replace("vmlock:0.1.0", "vmlock:TAG");
            named.replace("0.1.0", &version).replace("vmlock:TAG", &tag)
        };
        let starting = |start: &str| -> Result<Vec<String>> {
            let found = commands.iter().filter(|command| command.starts_with(start));
            let found: Vec<String> = found.map(|command| now(command)).collect();
            if found.is_empty() {
                return Err(missing(&format!("`{start}…`")));
            }
            // They are quoted once more where they are run.
            match found.iter().find(|command| command.contains('\'')) {
                Some(command) => Err(Failure::bug(format!("README's `{command}` is quoted"))),
                None => Ok(found),
            }
        };
        let mut files = Vec::new();
        for (start, end, look) in [(APT, ".deb", INSTALLED), (TAR, ".tar.gz", UNPACKED)] {
            let lines = starting(start)?;
            for line in &lines {
                let file = argument(line, start);
                if !names.contains(&file) {
                    return Err(missing(&format!("{file}, which README names")));
                }
            }
            for name in names.iter().filter(|name| name.ends_with(end)) {
                let program = program(name);
                files.push(Line {
                    file: (*name).to_owned(),
                    command: lines[0].replace(argument(&lines[0], start), name),
                    program: program.to_owned(),
                    look,
                });
            }
        }
        let podman = starting(PODMAN)?;
        for verb in ["podman load ", RUN] {
            if !podman.iter().any(|line| line.starts_with(verb)) {
                return Err(missing(&format!("`{verb}…`")));
            }
        }
        Ok(Self { files, podman })
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.files.len() + self.podman.len()
    }

    /// The lines for an image, in their order.
    pub fn podman(&self) -> &[String] {
        &self.podman
    }

    /// The arguments that a container is given in each line that runs one: what stands behind the image's name.
    pub fn arguments(&self) -> impl Iterator<Item = Vec<String>> {
        let runs = self.podman.iter().filter(|line| line.starts_with(RUN));
        runs.map(|line| {
            let words = line.split(' ');
            let behind = words.skip_while(|word| !word.starts_with(IMAGE)).skip(1);
            behind.map(str::to_owned).collect()
        })
    }

    /// What is typed in a Debian of that architecture, in the folder of the release.
    pub fn script(&self, architecture: &str) -> String {
        let each = |line: &Line| {
            let Line {
                file,
                program,
                command,
                look,
            } = line;
            format!("echo 'file: {file}'\nname={program} bash -ec '{command}\n{look}' || true\n")
        };
        self.of_architecture(architecture).map(each).collect()
    }

    /// The files that a program comes in, each with what is typed for it.
    pub fn commands(&self, program: &str) -> impl Iterator<Item = (&str, &str)> {
        let lines = self
            .files
            .iter()
            .filter(move |line| line.program == program);
        lines.map(|line| (line.file.as_str(), line.command.as_str()))
    }

    fn of_architecture(&self, architecture: &str) -> impl Iterator<Item = &Line> {
        let ends = [
            format!("_{architecture}.deb"),
            format!("-{architecture}.tar.gz"),
        ];
        let is_for = move |line: &&Line| ends.iter().any(|end| line.file.ends_with(end));
        self.files.iter().filter(is_for)
    }

    /// What did not hold.
    pub fn judge(&self, architecture: &str, ended: &Ended) -> Vec<String> {
        let output = String::from_utf8_lossy(&ended.stdout);
        let said: Vec<&str> = output.split("file: ").skip(1).collect();
        let mut problems = Vec::new();
        let mut tried = 0;
        for line in self.of_architecture(architecture) {
            tried += 1;
            let own = said
                .iter()
                .find(|part| part.lines().next() == Some(line.file.as_str()));
            let own: Vec<&str> =
                own.map_or_else(Vec::new, |part| part.lines().map(str::trim).collect());
            let version = format!("{} {}", line.program, env!("CARGO_PKG_VERSION"));
            if !own.iter().any(|word| *word == version) {
                problems.push(format!("after `{}` no `{version}` is told", line.command));
            }
            for word in line
                .look
                .lines()
                .filter_map(|look| look.split_once("holds: "))
            {
                let word = word.1.trim_end_matches('"');
                if !own.contains(&format!("holds: {word}").as_str()) {
                    problems.push(format!("after `{}` it does not hold: {word}", line.command));
                }
            }
        }
        if tried == 0 {
            problems.push(format!("there is nothing for {architecture}"));
        }
        if !problems.is_empty() {
            let errors = String::from_utf8_lossy(&ended.stderr);
            problems.push(format!(
                "all that was said, for {architecture}:\n{output}{errors}"
            ));
        }
        problems
    }
}

/// The file that a line is about.
fn argument<'a>(line: &'a str, start: &str) -> &'a str {
    line[start.len()..].split(' ').next().unwrap_or_default()
}

/// The program in a file of that name.
pub fn program(file: &str) -> &str {
    match file.starts_with("vmlock-run") {
        true => "vmlock-run",
        false => "vmlock",
    }
}

fn missing(what: &str) -> Failure {
    Failure::environment(format!("there is not what is to be tried: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::ARM64;

    const README: &str = "# x\n`apt install ./other.deb`\n## Installing\n| a | `apt install ./vmlock_0.1.0-1_amd64.deb` |\n\
        | b | `tar -xzf vmlock-0.1.0-linux-amd64.tar.gz -C /usr/local` | `podman load -i vmlock-0.1.0.oci.tar`, and then\n\
        `podman run localhost/vmlock:0.1.0 lock` |\n## More\n`podman no`\n";
    const NAMES: [&str; 5] = [
        "vmlock-0.1.0~quick.oci.tar",
        "vmlock_0.1.0~quick-1_amd64.deb",
        "vmlock-run_0.1.0~quick-1_arm64.deb",
        "vmlock-0.1.0~quick-linux-amd64.tar.gz",
        "SHA256SUMS",
    ];

    #[test]
    fn what_readme_says_is_typed_for_each_file() {
        let typed = Typed::of(README, &NAMES).unwrap();
        let commands: Vec<&str> = typed
            .files
            .iter()
            .map(|line| line.command.as_str())
            .collect();
        assert_eq!(
            commands,
            [
                "apt install ./vmlock_0.1.0~quick-1_amd64.deb",
                "apt install ./vmlock-run_0.1.0~quick-1_arm64.deb",
                "tar -xzf vmlock-0.1.0~quick-linux-amd64.tar.gz -C /usr/local",
            ]
        );
        assert_eq!(
            typed.podman(),
            [
                "podman load -i vmlock-0.1.0~quick.oci.tar",
                "podman run localhost/vmlock:0.1.0-quick lock",
            ]
        );
        assert_eq!(typed.arguments().collect::<Vec<_>>(), [["lock"]]);
        assert!(
            Typed::of(README, &NAMES[..1]).is_err(),
            "README names what is not there"
        );
        assert!(Typed::of("# x\n", &NAMES).is_err());
        assert!(Typed::of(&README.replace("apt install", "apt get"), &NAMES).is_err());
    }

    #[test]
    fn what_does_not_hold_is_told() {
        let typed = Typed::of(README, &NAMES).unwrap();
        assert_eq!(typed.script(ARM64.name).matches("file: ").count(), 1);
        let version = env!("CARGO_PKG_VERSION");
        let good = format!(
            "file: vmlock-run_0.1.0~quick-1_arm64.deb\nSelecting\nvmlock-run {version}\nholds: verified\n\
             holds: where it belongs\nholds: pages\nholds: completions\nholds: removed\n"
        );
        let count = |text: &str| {
            let ended = Ended {
                code: 0,
                stdout: text.as_bytes().to_vec(),
                stderr: Vec::new(),
            };
            typed.judge(ARM64.name, &ended).len()
        };
        assert_eq!(count(&good), 0);
        for line in good.lines().skip(2) {
            assert_eq!(count(&good.replace(line, "")), 2, "{line}");
        }
        assert_eq!(count(""), 7);
        assert_eq!(
            typed
                .judge(
                    "riscv64",
                    &Ended {
                        code: 0,
                        stdout: vec![],
                        stderr: vec![]
                    }
                )
                .len(),
            2
        );
    }
}
