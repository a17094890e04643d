//! Scripts by which shells complete.

use crate::{FORMAT, SHELLS, VERBS, flags};
use std::fmt::Write as _;

/// Completions for a shell; nothing where there are none for it.
pub fn completions(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

fn bash() -> String {
    let verbs: Vec<&str> = VERBS.iter().map(|v| v.name).collect();
    let mut cases = String::new();
    for verb in VERBS {
        let words: Vec<String> = flags(verb).map(|f| format!("--{}", f.long)).collect();
        let rest = if verb.name == "completions" {
            SHELLS.join(" ")
        } else {
            String::new()
        };
        let _ = writeln!(
            cases,
            "    {}) words=\"{} {rest}\" ;;",
            verb.name,
            words.join(" ")
        );
    }
    format!(
        "_vmlock_run() {{\n  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" words=\"\"\n  \
         case \"${{COMP_WORDS[1]}}\" in\n{cases}  esac\n  \
         [ \"$COMP_CWORD\" -eq 1 ] && words=\"{} --help --version\"\n  \
         [ \"${{COMP_WORDS[COMP_CWORD-1]}}\" = --format ] && words=\"{}\"\n  \
         COMPREPLY=( $(compgen -W \"$words\" -- \"$word\") )\n}}\n\
         complete -o default -F _vmlock_run vmlock-run\n",
        verbs.join(" "),
        FORMAT.choices.join(" ")
    )
}

fn zsh() -> String {
    let mut out = String::from(
        "#compdef vmlock-run\n_vmlock_run() {\n  if (( CURRENT == 2 )); then\n    local -a verbs=(\n",
    );
    for verb in VERBS {
        let _ = writeln!(out, "      '{}:{}'", verb.name, quoted(verb.summary));
    }
    out.push_str("    )\n    _describe command verbs\n    return\n  fi\n  case $words[2] in\n");
    for verb in VERBS {
        let _ = write!(out, "    {}) _arguments", verb.name);
        for flag in flags(verb) {
            let _ = write!(
                out,
                " '--{}[{}]",
                flag.long,
                quoted(flag.help).replace(['[', ']'], "")
            );
            match (flag.value, flag.choices) {
                (Some(value), []) => _ = write!(out, ":{value}:_files'"),
                (Some(value), choices) => _ = write!(out, ":{value}:({})'", choices.join(" ")),
                (None, _) => out.push('\''),
            }
        }
        match verb.argument {
            Some("SHELL") => _ = write!(out, " '2:shell:({})'", SHELLS.join(" ")),
            Some(what) => _ = write!(out, " '2:{what}:_files'"),
            None => {}
        }
        out.push_str(" ;;\n");
    }
    out.push_str("  esac\n}\n_vmlock_run \"$@\"\n");
    out
}

fn quoted(text: &str) -> String {
    text.replace('\'', "").replace(':', "\\:")
}

fn fish() -> String {
    let mut out = String::new();
    for verb in VERBS {
        let _ = writeln!(
            out,
            "complete -c vmlock-run -n __fish_use_subcommand -f -a {} -d '{}'",
            verb.name,
            verb.summary.replace('\'', "")
        );
        for flag in flags(verb) {
            let short = flag.short.map_or_else(String::new, |c| format!(" -s {c}"));
            let value = match (flag.value, flag.choices) {
                (None, _) => String::new(),
                (Some(_), []) => " -r".to_owned(),
                (Some(_), choices) => format!(" -x -a '{}'", choices.join(" ")),
            };
            let _ = writeln!(
                out,
                "complete -c vmlock-run -n '__fish_seen_subcommand_from {}' -l {}{short}{value} -d '{}'",
                verb.name,
                flag.long,
                flag.help.replace('\'', "")
            );
        }
    }
    let _ = writeln!(
        out,
        "complete -c vmlock-run -n '__fish_seen_subcommand_from completions' -x -a '{}'",
        SHELLS.join(" ")
    );
    out
}
