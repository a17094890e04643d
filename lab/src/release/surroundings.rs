//! What builds of a release have around them: nothing of the caller's that changes bytes; and the second time another
//! home, time zone and language, of which none may be in the bytes either.

use crate::cross;
use crate::failure::Result;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// What is set beside what the caller has.
#[derive(Debug, Default)]
pub struct Surroundings(Vec<(&'static str, OsString)>);

impl Surroundings {
    /// Others than the caller's, with this folder as the home.
    pub fn other(home: &Path) -> Result<Self> {
        let mut set = vec![
            ("CARGO_HOME", cross::cargo_home()?.into()),
            ("HOME", home.into()),
            // POSIX's form, for which no list of zones has to be there.
            ("TZ", "FAR-13:45".into()),
            ("LANG", "tr_TR.UTF-8".into()),
            ("LC_ALL", "tr_TR.UTF-8".into()),
        ];
        if env::var_os("RUSTUP_HOME").is_none()
            && let Some(own) = env::var_os("HOME")
        {
            set.push(("RUSTUP_HOME", Path::new(&own).join(".rustup").into()));
        }
        Ok(Self(set))
    }

    /// The build in them. What it sets itself, it keeps.
    pub fn around(&self, mut build: Command) -> Command {
        let own: Vec<OsString> = build
            .get_envs()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| name.to_owned())
            .collect();
        for (name, _) in env::vars_os() {
            if !own.contains(&name) && changes_bytes(&name.to_string_lossy()) {
                build.env_remove(name);
            }
        }
        build.envs(self.0.iter().map(|(name, value)| (name, value)));
        build
    }
}

/// Whether cargo or rustc take a variable of the environment as how to build: "Environment Variables" in cargo's book,
/// of cargo 1.95. What is told by name beside them is where things are.
fn changes_bytes(name: &str) -> bool {
    const BEGIN: [&str; 4] = [
        "CARGO_PROFILE_",
        "CARGO_BUILD_",
        "CARGO_TARGET_",
        "CARGO_UNSTABLE_",
    ];
    const WHOLE: [&str; 8] = [
        "CARGO_INCREMENTAL",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "SOURCE_DATE_EPOCH",
    ];
    WHOLE.contains(&name) || BEGIN.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_bytes_is_dropped_and_what_says_where_things_are_is_not() {
        for name in [
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_INCREMENTAL",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_BUILD_RUSTC_WRAPPER",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS",
        ] {
            assert!(changes_bytes(name), "{name}");
        }
        for name in [
            "PATH",
            "CARGO_HOME",
            "RUSTUP_TOOLCHAIN",
            "CARGO_NET_OFFLINE",
        ] {
            assert!(!changes_bytes(name), "{name}");
        }
    }

    #[test]
    fn a_build_keeps_what_it_sets_and_has_another_home_the_second_time() {
        let mut build = Command::new("cargo");
        build.env("CARGO_ENCODED_RUSTFLAGS", "ours");
        let other = Surroundings::other(Path::new("/elsewhere")).unwrap();
        let build = other.around(build);
        let value = |name: &str| {
            let found = build.get_envs().find(|(key, _)| *key == name);
            found.and_then(|(_, value)| value).map(OsString::from)
        };
        assert_eq!(value("CARGO_ENCODED_RUSTFLAGS"), Some("ours".into()));
        assert_eq!(value("HOME"), Some("/elsewhere".into()));
        assert!(value("CARGO_HOME").is_some_and(|home| home != "/elsewhere/.cargo"));
    }
}
