//! Locks in git, by git itself: merged by resolving again, shown by field, and never merged in silence into what no
//! description says.

use crate::scratch::{Scratch, err, out, root, vmlock};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A description whose lines stand apart, so that two people can change one each.
const SPEC: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    // 1
    // 2
    // 3
    cpu "neoverse-n1" count=2 {
        // a
        // 4
        // 5
        // 6
        // b
    }
    // 7
    // 8
    // 9
    memory "256MiB"
    // 10
    // 11
    // 12
    boot kernel="vmlinuz"
}
"#;

/// A git repository with blanks and quotes in its path, set up, with one description and its lock in `machines/`.
struct Repository {
    _scratch: Scratch,
    top: PathBuf,
}

impl Repository {
    fn new(name: &str) -> Self {
        let repository = Self::bare_of_setup(name);
        let setup = vmlock(&repository.top, &["git", "setup"]);
        assert_eq!(setup.status.code(), Some(0), "{}", err(&setup));
        repository.write("web", SPEC);
        repository.lock("web");
        repository.commit("begin");
        repository
    }

    fn bare_of_setup(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let top = scratch.0.join("it's a \"100%\" repository");
        fs::create_dir_all(top.join("machines")).unwrap();
        let repository = Self {
            top,
            _scratch: scratch,
        };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    /// Where a file of a machine is.
    fn path(&self, file: &str) -> PathBuf {
        self.top.join("machines").join(file)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn write(&self, name: &str, spec: &str) {
        fs::write(self.path(&format!("{name}.vm.kdl")), spec).unwrap();
    }

    fn lock(&self, name: &str) {
        let output = vmlock(&self.top, &["lock", &format!("machines/{name}.vm.kdl")]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }

    /// Changes a description, locks it and commits both.
    fn change(&self, from: &str, to: &str) {
        let spec = self.read("web.vm.kdl");
        assert!(spec.contains(from), "{spec}");
        self.write("web", &spec.replacen(from, to, 1));
        self.lock("web");
        self.commit(to.trim());
    }

    fn commit(&self, words: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", words]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = git(&self.top, arguments);
        assert!(
            output.status.success(),
            "git {arguments:?}: {}{}",
            out(&output),
            err(&output)
        );
        out(&output)
    }

    /// Whether git cannot do it without us.
    fn stops(&self, arguments: &[&str]) -> String {
        let output = git(&self.top, arguments);
        assert!(!output.status.success(), "git {arguments:?} did not stop");
        format!("{}{}", out(&output), err(&output))
    }

    /// Two branches, each with a change of its own: on `topic` the first, on `main` the second.
    fn fork(&self, topic: (&str, &str), main: (&str, &str)) {
        self.git(&["checkout", "-q", "-b", "topic"]);
        self.change(topic.0, topic.1);
        self.git(&["checkout", "-q", "main"]);
        self.change(main.0, main.1);
    }

    /// That all locks are what their descriptions say, and nothing waits.
    fn is_whole(&self) {
        let check = vmlock(&self.top, &["lock", "--check"]);
        assert_eq!(
            check.status.code(),
            Some(0),
            "{}{}",
            out(&check),
            err(&check)
        );
        assert_eq!(self.git(&["status", "--porcelain"]), "");
    }
}

/// git as it is on a machine where nobody has configured it.
fn git(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "somebody")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "s@example.org")))
        .env("GIT_EDITOR", "true")
        .env("GIT_PAGER", "cat")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// Two changes of one register, on one line of the lock: git's own merge has a conflict there.
const CRC32: (&str, &str) = ("        // a\n", "        hide \"crc32\"\n");
const DP: (&str, &str) = ("        // b\n", "        set \"ID_AA64ISAR0_EL1.DP\" 0\n");

#[test]
fn what_both_sides_changed_is_resolved_again() {
    let repository = Repository::new("git-merge");
    repository.fork(CRC32, DP);
    let without = git(
        &repository.top,
        &[
            "-c",
            "merge.vmlock.driver=git merge-file %A %O %B",
            "merge",
            "-q",
            "topic",
        ],
    );
    assert!(!without.status.success(), "texts merge by themselves");
    repository.git(&["merge", "--abort"]);
    let merge = git(&repository.top, &["merge", "-m", "both", "topic"]);
    assert!(merge.status.success(), "{}{}", out(&merge), err(&merge));
    let words = "machines/web.vm.lock.json: resolved again, from the merged machines/web.vm.kdl";
    assert!(err(&merge).contains(words), "{}", err(&merge));
    let lock = repository.read("web.vm.lock.json");
    let line = lock
        .lines()
        .find(|line| line.contains("\"ID_AA64ISAR0_EL1\""))
        .unwrap();
    assert!(line.contains("0x0000000010201120"), "{line}");
    repository.is_whole();
}

/// Each machine of a file has a lock, and both sides change all of them.
#[test]
fn all_machines_of_a_file_are_resolved_again() {
    let repository = Repository::new("git-machines");
    let several = format!("{SPEC}vm \"db\" from=\"web\" {{\n    memory \"1GiB\"\n}}\n");
    repository.write("web", &several);
    repository.lock("web");
    repository.commit("another machine");
    repository.fork(CRC32, DP);
    repository.git(&["merge", "-q", "--no-edit", "topic"]);
    repository.is_whole();
    for lock in ["web.vm.lock.json", "web.db.vm.lock.json"] {
        assert!(
            repository.read(lock).contains("0x0000000010201120"),
            "{lock}"
        );
    }
    // A machine that one side takes away while the other changes it.
    repository.git(&["checkout", "-q", "-b", "without"]);
    let spec = repository.read("web.vm.kdl");
    repository.write("web", &spec.replace("vm \"db\"", "vm \"data\""));
    repository.lock("web");
    fs::remove_file(repository.path("web.db.vm.lock.json")).unwrap();
    repository.commit("it has another name");
    repository.git(&["checkout", "-q", "main"]);
    repository.change("count=2", "count=3");
    repository.stops(&["merge", "-q", "--no-edit", "without"]);
}

/// A kernel that a machine boots since the merge alone: its digest stands in no lock of that machine.
#[test]
fn what_a_file_holds_that_nobody_booted_is_no_guess() {
    let repository = Repository::new("git-boots");
    for kernel in ["k1", "k2", "k3"] {
        fs::write(repository.path(kernel), kernel).unwrap();
    }
    let several = format!("{SPEC}vm \"db\" from=\"web\" {{\n    boot kernel=\"k2\"\n}}\n");
    repository.write("web", &several.replace("vmlinuz", "k1"));
    repository.lock("web");
    repository.commit("two kernels");
    repository.git(&["checkout", "-q", "-b", "topic"]);
    repository.change("    boot kernel=\"k2\"\n", "    // none of its own\n");
    repository.git(&["checkout", "-q", "main"]);
    repository.change("kernel=\"k1\"", "kernel=\"k3\"");
    // Both sides change the lock of `db`: there, what it boots; here, its memory.
    repository.change("256MiB", "512MiB");
    let words = repository.stops(&["merge", "-q", "--no-edit", "topic"]);
    assert!(words.contains("says what `k3`"), "{words}");
}

/// git merges descriptions by a driver of somebody's own where nothing else is said of them.
#[test]
fn a_default_driver_of_ones_own_is_not_taken_for_gits() {
    let repository = Repository::new("git-default");
    repository.fork(CRC32, DP);
    repository.git(&["config", "merge.ours.driver", "true"]);
    repository.git(&["config", "merge.default", "ours"]);
    let words = repository.stops(&["merge", "-q", "--no-edit", "topic"]);
    assert!(words.contains("merge=ours"), "{words}");
}

#[test]
fn rebase_cherry_pick_and_revert_resolve_again() {
    let repository = Repository::new("git-rebase");
    repository.fork(CRC32, DP);
    repository.git(&["checkout", "-q", "topic"]);
    repository.change("256MiB", "512MiB");
    repository.git(&["branch", "kept"]);
    repository.git(&["rebase", "-q", "main"]);
    repository.is_whole();
    assert_eq!(
        repository
            .git(&["rev-list", "--count", "main..topic"])
            .trim(),
        "2"
    );
    // Each commit on the way has the lock of its own description.
    repository.git(&["checkout", "-q", "topic~1"]);
    repository.is_whole();
    repository.git(&["checkout", "-q", "main"]);
    repository.git(&["cherry-pick", "kept~1"]);
    repository.is_whole();
    repository.git(&["revert", "--no-edit", "main~1"]);
    repository.is_whole();
    let spec = repository.read("web.vm.kdl");
    assert!(spec.contains("crc32") && !spec.contains("DP"), "{spec}");
}

#[test]
fn what_is_pulled_and_squashed_is_resolved_again() {
    let repository = Repository::new("git-pull");
    repository.fork(CRC32, DP);
    let top = repository.top.to_str().unwrap().to_owned();
    repository.git(&["clone", "-q", &top, "../clone"]);
    let clone = repository.top.join("../clone");
    // A clone has the attributes, and no driver until it is set up.
    let stopped = git(&clone, &["merge", "-q", "-m", "both", "origin/topic"]);
    assert!(!stopped.status.success());
    assert!(git(&clone, &["merge", "--abort"]).status.success());
    let setup = vmlock(&clone, &["git", "setup"]);
    assert_eq!(setup.status.code(), Some(0), "{}", err(&setup));
    let pull = git(&clone, &["pull", "-q", "--no-rebase", "origin", "topic"]);
    assert!(pull.status.success(), "{}{}", out(&pull), err(&pull));
    let check = vmlock(&clone, &["lock", "--check"]);
    assert_eq!(check.status.code(), Some(0), "{}", out(&check));
    repository.git(&["merge", "-q", "--squash", "topic"]);
    repository.commit("squashed");
    repository.is_whole();
}

#[test]
fn a_work_tree_beside_and_one_that_is_none_merge_alike() {
    let repository = Repository::new("git-worktree");
    repository.fork(CRC32, DP);
    repository.git(&["worktree", "add", "-q", "-b", "other", "../be side", "main"]);
    let beside = repository.top.join("../be side");
    let merge = git(&beside, &["merge", "-q", "-m", "both", "topic"]);
    assert!(merge.status.success(), "{}{}", out(&merge), err(&merge));
    let check = vmlock(&beside, &["lock", "--check"]);
    assert_eq!(check.status.code(), Some(0), "{}", out(&check));
    let merged = fs::read_to_string(beside.join("machines/web.vm.lock.json")).unwrap();
    // Without a work tree, as a forge does it.
    let top = repository.top.to_str().unwrap();
    let bare = repository.top.join("../bare.git");
    repository.git(&["clone", "-q", "--bare", top, "../bare.git"]);
    let setup = vmlock(&bare, &["git", "setup"]);
    assert_eq!(setup.status.code(), Some(0), "{}", err(&setup));
    let tree = git(&bare, &["merge-tree", "--write-tree", "main", "topic"]);
    assert!(tree.status.success(), "{}{}", out(&tree), err(&tree));
    let lock = format!("{}:machines/web.vm.lock.json", out(&tree).trim());
    assert_eq!(out(&git(&bare, &["cat-file", "blob", &lock])), merged);
}

#[test]
fn imported_files_are_merged_first() {
    let repository = Repository::new("git-import");
    // A CPU model of a recorded host, as a user makes one.
    let report = crate::scratch::report_of("neoverse-n1", "6.12");
    let cpu = vmlock(
        &repository.top,
        &[
            "cpu",
            &report,
            "--name",
            "silicon",
            "-o",
            "machines/silicon.kdl",
        ],
    );
    assert_eq!(cpu.status.code(), Some(0), "{}", err(&cpu));
    repository.change("    // 1\n", "    import \"silicon.kdl\"\n");
    repository.change("\"neoverse-n1\"", "\"silicon\"");
    repository.git(&["checkout", "-q", "-b", "topic"]);
    // Ours is the description, theirs the model: no single file was changed on both sides but the lock.
    let text = repository.read("silicon.kdl");
    let line = text
        .lines()
        .find(|line| line.contains("ID_AA64ISAR0_EL1"))
        .unwrap();
    let value = line
        .split_whitespace()
        .find(|word| word.starts_with("0x"))
        .unwrap();
    let number = u64::from_str_radix(&value[2..].replace('_', ""), 16).unwrap();
    let other = format!("{:#018x}", number & !(0xf << 44));
    fs::write(
        repository.path("silicon.kdl"),
        text.replacen(value, &other, 1),
    )
    .unwrap();
    repository.lock("web");
    repository.commit("model");
    repository.git(&["checkout", "-q", "main"]);
    repository.change(CRC32.0, CRC32.1);
    repository.git(&["merge", "-q", "-m", "both", "topic"]);
    repository.is_whole();
}

/// The page about all this, which shows what is printed.
fn page() -> String {
    fs::read_to_string(root().join("docs/git.md")).unwrap()
}

#[test]
fn a_conflict_says_why_and_is_no_lock() {
    let repository = Repository::new("git-conflict");
    repository.fork(("256MiB", "512MiB"), ("256MiB", "1GiB"));
    let words = repository.stops(&["merge", "topic"]);
    assert!(words.contains("git::unresolved"), "{words}");
    assert!(
        words.contains("machines/web.vm.kdl has conflicts of its own"),
        "{words}"
    );
    let lock = repository.read("web.vm.lock.json");
    let mut lines = lock.lines();
    assert_eq!(lines.next(), Some("<<<<<<< vmlock"));
    assert_eq!(lines.next(), Some("======="));
    let third = lines.next().unwrap();
    assert!(
        third.starts_with(">>>>>>> machines/web.vm.kdl has conflicts of its own; once "),
        "{third}"
    );
    // The page has it as it is told in the description's own folder.
    let block = format!(
        "```text\n<<<<<<< vmlock\n=======\n{}\n```\n",
        third.replace("machines/", "")
    );
    assert!(page().contains(&block), "docs/git.md lacks: {block}");
    assert!(
        lock.contains("<<<<<<< HEAD") && lock.contains(">>>>>>> topic"),
        "{lock}"
    );
    let check = vmlock(
        &repository.top,
        &[
            "check",
            "machines/web.vm.lock.json",
            "--host",
            &crate::scratch::report_of("neoverse-n1", "6.12"),
        ],
    );
    assert_ne!(check.status.code(), Some(0));
    assert!(
        err(&check).contains("lock::conflict-marker"),
        "{}",
        err(&check)
    );
    // What the conflict says to do ends it.
    repository.write("web", &SPEC.replace("256MiB", "1GiB"));
    repository.lock("web");
    repository.git(&["add", "-A"]);
    repository.git(&["commit", "-q", "-m", "merged"]);
    repository.is_whole();
}

#[test]
fn what_does_not_fit_together_is_a_conflict() {
    let repository = Repository::new("git-meaning");
    // Each is right by itself; together they are two statements of one field.
    let other = "        set \"ID_AA64ISAR0_EL1.CRC32\" 0\n";
    repository.fork(CRC32, ("        // b\n", other));
    let words = repository.stops(&["merge", "topic"]);
    assert!(
        words.contains("the merged machines/web.vm.kdl has"),
        "{words}"
    );
    assert!(words.contains("ID_AA64ISAR0_EL1.CRC32"), "{words}");
    assert_eq!(
        repository
            .git(&["diff", "--name-only", "--diff-filter=U"])
            .trim(),
        "machines/web.vm.lock.json"
    );
    let spec = repository.read("web.vm.kdl");
    assert!(!spec.contains("<<<<<<<"), "{spec}");
}

#[test]
fn where_git_does_not_say_what_it_merges_nothing_is_guessed() {
    let repository = Repository::new("git-stash");
    fs::write(repository.path("vmlinuz"), "a kernel").unwrap();
    fs::write(repository.top.join(".gitignore"), "vmlinuz\n").unwrap();
    repository.lock("web");
    repository.commit("the kernel's digest");
    let spec = repository.read("web.vm.kdl");
    repository.write("web", &spec.replacen(CRC32.0, CRC32.1, 1));
    repository.lock("web");
    repository.git(&["stash", "-q"]);
    repository.change(DP.0, DP.1);
    let words = repository.stops(&["stash", "pop"]);
    assert!(
        words.contains("git::unresolved") && words.contains("Stash"),
        "{words}"
    );
    // The kernel has gone; both sides know which one is meant, and so does the lock that is made of both.
    fs::remove_file(repository.path("vmlinuz")).unwrap();
    repository.lock("web");
    let digest = repository.read("web.vm.lock.json");
    assert!(
        digest.contains("\"path\": \"vmlinuz\", \"digest\": \"sha256-"),
        "{digest}"
    );
    let check = vmlock(&repository.top, &["lock", "--check"]);
    assert_eq!(check.status.code(), Some(0), "{}", out(&check));
}

/// That a merge stopped at the lock, and that the lock is none until the description makes it anew.
fn stopped(repository: &Repository, words: &str, why: &str) {
    assert!(words.contains("CONFLICT"), "{words}");
    let lock = repository.read("web.vm.lock.json");
    assert!(
        lock.starts_with("<<<<<<< vmlock\n=======\n>>>>>>> "),
        "{lock}"
    );
    assert!(lock.lines().nth(2).unwrap().contains(why), "{lock}");
    repository.lock("web");
    repository.commit("merged by hand");
    repository.is_whole();
}

#[test]
fn what_is_not_certain_is_a_conflict() {
    // Description and lock of two bases, which git makes one of.
    let repository = Repository::new("git-crossed");
    repository.fork(CRC32, DP);
    repository.git(&["branch", "before"]);
    repository.git(&["merge", "-q", "-m", "one way", "topic"]);
    repository.change("count=2", "count=4");
    repository.git(&["checkout", "-q", "topic"]);
    repository.git(&["merge", "-q", "-m", "the other", "before"]);
    repository.change("256MiB", "512MiB");
    let words = repository.stops(&["merge", "main"]);
    stopped(&repository, &words, "merged common ancestors");
    // Ours is the index, which is no commit.
    let repository = Repository::new("git-picked");
    repository.git(&["checkout", "-q", "-b", "topic"]);
    repository.change(CRC32.0, CRC32.1);
    repository.change(DP.0, DP.1);
    repository.git(&["checkout", "-q", "main"]);
    repository.change("256MiB", "512MiB");
    repository.git(&["cherry-pick", "-n", "topic~1"]);
    let words = repository.stops(&["cherry-pick", "-n", "topic"]);
    stopped(&repository, &words, "HEAD");
    // The description is merged in a way of its own.
    let repository = Repository::new("git-union");
    fs::write(repository.path(".gitattributes"), "*.kdl merge=union\n").unwrap();
    repository.commit("union");
    repository.fork(CRC32, DP);
    let words = repository.stops(&["merge", "topic"]);
    stopped(&repository, &words, "merge=union");
    // A git that knows nothing of commits leaves these as they are.
    let repository = Repository::new("git-old");
    let driver = repository.git(&["config", "merge.vmlock.driver"]);
    let old = driver.trim().replace("%S %X %Y", "%%S %%X %%Y");
    repository.git(&["config", "merge.vmlock.driver", &old]);
    repository.fork(CRC32, DP);
    let words = repository.stops(&["merge", "topic"]);
    stopped(&repository, &words, "2.44");
}

#[test]
fn a_digest_that_both_sides_changed_is_asked_for() {
    let repository = Repository::new("git-digest");
    fs::write(repository.top.join(".gitignore"), "vmlinuz\n").unwrap();
    repository.commit("ignored");
    let kernel = |text: &str| fs::write(repository.path("vmlinuz"), text).unwrap();
    kernel("one");
    repository.git(&["checkout", "-q", "-b", "topic"]);
    repository.change(CRC32.0, CRC32.1);
    kernel("two");
    repository.git(&["checkout", "-q", "main"]);
    repository.change(DP.0, DP.1);
    let words = repository.stops(&["merge", "topic"]);
    assert!(
        words.contains("both sides changed which file is booted"),
        "{words}"
    );
    fs::remove_file(repository.path("vmlinuz")).unwrap();
    let output = vmlock(&repository.top, &["lock", "machines/web.vm.kdl"]);
    assert_eq!(output.status.code(), Some(4), "{}", out(&output));
    assert!(
        err(&output).contains("`vmlinuz` is not there"),
        "{}",
        err(&output)
    );
    kernel("two");
    repository.lock("web");
    repository.commit("merged");
    repository.is_whole();
}

#[test]
fn a_renamed_machine_is_found_by_its_lock() {
    let repository = Repository::new("git-rename");
    repository.git(&["checkout", "-q", "-b", "topic"]);
    repository.change(CRC32.0, CRC32.1);
    repository.git(&["checkout", "-q", "main"]);
    repository.git(&["mv", "machines", "fleet of them"]);
    repository.git(&["commit", "-q", "-m", "moved"]);
    let spec = repository.top.join("fleet of them/web.vm.kdl");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, text.replacen(DP.0, DP.1, 1)).unwrap();
    let lock = vmlock(&repository.top, &["lock"]);
    assert_eq!(lock.status.code(), Some(0), "{}", err(&lock));
    repository.commit("changed there");
    repository.git(&["merge", "-q", "-m", "both", "topic"]);
    repository.is_whole();
    let lock = fs::read_to_string(repository.top.join("fleet of them/web.vm.lock.json")).unwrap();
    assert!(lock.contains("cpu/hide"), "{lock}");
}

#[test]
fn diffs_speak_of_fields() {
    let repository = Repository::new("git-diff");
    repository.change(CRC32.0, CRC32.1);
    for command in [&["diff", "HEAD~1"][..], &["log", "-p", "-1"], &["show"]] {
        let shown = repository.git(command);
        assert!(
            shown.contains("\n-ID_AA64ISAR0_EL1.CRC32 = 0x1: a guest finds it\n"),
            "{shown}"
        );
        assert!(
            shown.contains("\n+ID_AA64ISAR0_EL1.CRC32 = 0x0: a guest does not find it\n"),
            "{shown}"
        );
        let changed = |line: &&str| line.starts_with(['-', '+']) && line.contains("_EL1.");
        // One of AArch64, one of AArch32; who decided them is no field.
        assert_eq!(shown.lines().filter(changed).count(), 4, "{shown}");
        let of_field = |line: &&str| line.contains("ID_AA64ISAR0_EL1.CRC32 = ");
        let lines: Vec<&str> = shown.lines().filter(of_field).collect();
        let block = format!("```diff\n{}\n```\n", lines.join("\n"));
        assert!(page().contains(&block), "docs/git.md lacks: {block}");
    }
    // What is no lock is shown too.
    fs::write(repository.path("web.vm.lock.json"), "{}\n").unwrap();
    assert!(repository.git(&["diff"]).contains("\n+{}\n"));
    assert!(
        repository
            .git(&["format-patch", "--stdout", "-1"])
            .contains("\"id\": \"0x")
    );
}

fn tried(folder: &Path, home: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vmlock"))
        .args(arguments)
        .current_dir(folder)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    (
        output.status.code(),
        format!("{}{}", out(&output), err(&output)),
    )
}

#[test]
fn setup_comes_twice_and_goes_again() {
    let repository = Repository::bare_of_setup("git-setup");
    let home = repository.top.join("../home");
    fs::create_dir(&home).unwrap();
    let config = fs::read_to_string(repository.top.join(".git/config")).unwrap();
    fs::write(repository.top.join(".gitattributes"), "*.kdl text").unwrap();
    let setup = |arguments: &[&str]| {
        let all: Vec<&str> = ["git", "setup"].iter().chain(arguments).copied().collect();
        // From a folder below, as people do.
        tried(&repository.top.join("machines"), &home, &all)
    };
    let (code, words) = setup(&["--check"]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("git::not-set-up"), "{words}");
    let (code, words) = setup(&[]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(words.matches(": written").count(), 2, "{words}");
    let written = fs::read_to_string(repository.top.join(".gitattributes")).unwrap();
    assert!(
        written.starts_with("*.kdl text\n# ")
            && written.ends_with("\n*.vm.lock.json text eol=lf merge=vmlock diff=vmlock\n"),
        "{written}"
    );
    let own = fs::canonicalize(env!("CARGO_BIN_EXE_vmlock")).unwrap();
    let driver = repository.git(&["config", "merge.vmlock.driver"]);
    assert_eq!(
        driver.trim(),
        format!("'{}' git merge %O %A %B %L %P %S %X %Y", own.display())
    );
    let (code, words) = setup(&[]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(words.matches(": unchanged").count(), 2, "{words}");
    assert_eq!(setup(&["--check"]).0, Some(0));
    // Somebody's own attributes further down.
    repository.write("web", SPEC);
    repository.lock("web");
    fs::write(
        repository.path(".gitattributes"),
        "*.json -merge diff=json\n",
    )
    .unwrap();
    repository.git(&["add", "-A"]);
    let (code, words) = setup(&["--check"]);
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.contains("git::attributes")
            && words.contains("diff=json")
            && words.contains("merge=unset"),
        "{words}"
    );
    assert_eq!(setup(&[]).0, Some(0));
    let (code, words) = setup(&["--remove"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(words.matches(": removed").count(), 2, "{words}");
    assert_eq!(
        fs::read_to_string(repository.top.join(".git/config")).unwrap(),
        config
    );
    assert_eq!(
        fs::read_to_string(repository.top.join(".gitattributes")).unwrap(),
        "*.kdl text\n"
    );
    let (code, words) = setup(&["--remove"]);
    assert_eq!(
        (code, words.matches(": unchanged").count()),
        (Some(0), 2),
        "{words}"
    );
}

#[test]
fn a_user_sets_up_all_repositories_without_a_change_in_any() {
    let repository = Repository::bare_of_setup("git-global");
    let home = repository.top.join("../home");
    fs::create_dir(&home).unwrap();
    let (code, words) = tried(&home, &home, &["git", "setup", "--global"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(
        fs::read_to_string(home.join(".gitconfig"))
            .unwrap()
            .contains("[merge \"vmlock\"]")
    );
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    let said = Command::new("git")
        .args(["check-attr", "merge", "--", "x.vm.lock.json"])
        .current_dir(&repository.top)
        .env("HOME", &home)
        .env_remove("XDG_CONFIG_HOME")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(out(&said).contains("merge: vmlock"), "{}", out(&said));
    let (code, words) = tried(&home, &home, &["git", "setup", "--global", "--remove"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(!home.join(".config/git/attributes").exists());
    let (code, words) = tried(&home, &home, &["git", "setup"]);
    assert_eq!(code, Some(4), "{words}");
    assert!(
        words.contains("git::failed") && words.contains("--global"),
        "{words}"
    );
}

#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let inner = Repository::new("git-inner");
    let outer = Repository::bare_of_setup("git-outer");
    outer.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        inner.top.to_str().unwrap(),
        "sub module",
    ]);
    let sub = outer.top.join("sub module");
    assert_eq!(
        vmlock(&sub, &["git", "setup", "--check"]).status.code(),
        Some(1)
    );
    assert_eq!(vmlock(&sub, &["git", "setup"]).status.code(), Some(0));
    assert_eq!(
        vmlock(&sub, &["git", "setup", "--check"]).status.code(),
        Some(0)
    );
    assert_eq!(
        vmlock(&outer.top, &["git", "setup", "--check"])
            .status
            .code(),
        Some(1)
    );
}
