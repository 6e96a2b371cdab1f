//! The whole command line as a newcomer reads it, so that every change of a flag shows in review.

use std::process::Command;

fn help(path: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anet"));
    command.args(path).arg("--help").env_clear().env("HOME", "/nonexistent").env("COLUMNS", "100");
    let output = command.output().expect("anet runs");
    assert!(output.status.success(), "anet {path:?} --help: {output:?}");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

/// The names of the subcommands that a help text lists.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    // Continued descriptions are indented deeper than names.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).filter(|name| name != "help").collect()
}

fn reference(path: &[&str], pages: &mut Vec<String>) {
    let text = help(path);
    pages.push(format!("$ anet {}\n{}", [path, &["--help"]].concat().join(" "), text.trim_end()));
    for name in subcommands(&text) {
        reference(&[path, &[name.as_str()]].concat(), pages);
    }
}

#[test]
fn every_command_explains_itself() {
    let mut pages = Vec::new();
    reference(&[], &mut pages);
    insta::assert_snapshot!("cli-reference", pages.join("\n\n"));
}

#[test]
fn a_wrong_command_line_is_a_usage_error_on_stderr() {
    for arguments in
        [vec!["nonsense"], vec!["send"], vec!["tasks", "nonsense"], vec!["node", "create", "x", "--env", "=1"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anet"));
        let output = command.args(&arguments).env_clear().env("HOME", "/nonexistent").output().expect("anet runs");
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{arguments:?}: {output:?}");
    }
}

#[test]
fn help_does_nothing_but_print() {
    let home = tempfile::tempdir().unwrap();
    for path in [["hub", "start"], ["node", "create"], ["supervisor", "run"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anet"));
        command.args(path).arg("--help").env_clear().env("HOME", home.path());
        let output = command.output().expect("anet runs");
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing was started or written");
}

#[test]
fn completions_and_manual_pages_are_generated_for_every_shell() {
    let directory = tempfile::tempdir().unwrap();
    let anet = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anet"));
        let output = command.args(arguments).env_clear().env("HOME", directory.path()).output().expect("anet runs");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for shell in ["bash", "zsh", "fish"] {
        assert!(anet(&["completions", shell]).contains("supervisor"), "{shell}");
    }
    let pages = directory.path().join("man");
    anet(&["man", pages.to_str().unwrap()]);
    let page = std::fs::read_to_string(pages.join("anet-node-start.1")).unwrap();
    assert!(page.contains("anet\\-node\\-start") || page.contains("anet node start"), "{page}");
}
