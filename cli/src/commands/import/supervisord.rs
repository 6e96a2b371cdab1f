//! The `[program:x]` sections of a supervisord.conf.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use configparser::ini::Ini;
use serde_json::{Map, Value, json};

use super::found::{Effect, Found, program, put};
use crate::failure::Failure;

/// Those that both know.
const STOP_SIGNALS: [&str; 6] = ["TERM", "HUP", "INT", "QUIT", "USR1", "USR2"];

/// What becomes of a key that is not taken over.
fn effect(key: &str) -> Effect {
    match key {
        "stdout_logfile" | "stderr_logfile" | "redirect_stderr" => {
            Effect::anyway("its output is kept, see `anet node logs`")
        }
        "startretries" => Effect::anyway("starts are tried again without end, with growing pauses"),
        "stopasgroup" | "killasgroup" => Effect::anyway("a stop always reaches everything that the program started"),
        "umask" => Effect::anyway("files are closed to others"),
        "user" => Effect::dropped("a program runs as the user of its supervisor"),
        "priority" => Effect::dropped("programs are started at the same time"),
        "exitcodes" => Effect::dropped("0 is the only code that counts as expected"),
        _ => Effect::dropped("it has no counterpart"),
    }
}

/// What a key says about how the program is to be kept, as a key of `supervisor.toml` and its value; `None` where that
/// cannot be said.
fn policy(key: &str, value: &str) -> Option<(&'static str, Value)> {
    let seconds = || value.parse::<u64>().ok().map(|seconds| json!(format!("{seconds}s")));
    Some(match key {
        "autorestart" => {
            let word = match value {
                "true" => "always",
                "false" => "never",
                "unexpected" => "on-failure",
                _ => return None,
            };
            ("restart", json!(word))
        }
        "stopwaitsecs" => ("stop-grace", seconds()?),
        "startsecs" => ("start-backoff.stable-after", seconds()?),
        "stopsignal" => ("stop-signal", json!(STOP_SIGNALS.into_iter().find(|name| *name == value)?)),
        "stdout_logfile_maxbytes" => {
            let bytes = anet_protocol::byte_size::parse(value.trim_end_matches(['B', 'b'])).ok()?;
            // There it means without end.
            let bytes = Some(bytes).filter(|bytes| *bytes > 0)?;
            ("log-max-bytes", json!(anet_protocol::byte_size::format(bytes)))
        }
        // The file that is written counts here.
        "stdout_logfile_backups" => ("log-files", json!(value.parse::<u32>().ok()?.checked_add(1)?)),
        _ => return None,
    })
}

/// What of the section of supervisord itself would reach its programs; `environment` does.
const OF_ALL_PROGRAMS: [&str; 5] = ["directory", "minfds", "minprocs", "umask", "user"];

/// What the file leaves to whoever reads it: its directory, and the environment from which `%(ENV_X)s` is expanded.
struct Surroundings<'import> {
    here: &'import Path,
    environment: &'import [(OsString, OsString)],
    /// What `[supervisord]` gives to every program.
    of_all: Vec<(String, String)>,
}

/// Reads the file; `here` is its directory, `environment` the one from which `%(ENV_X)s` is expanded.
///
/// # Errors
/// When it cannot be read, or a program has no command or a wrong one.
pub(super) fn read(text: &str, here: &Path, environment: &[(OsString, OsString)]) -> Result<Found, Failure> {
    check_lines(text)?;
    let mut ini = Ini::new_cs();
    ini.set_multiline(true);
    ini.set_inline_comment_symbols(Some(&[]));
    // A comment at the end of a line begins with a blank and a semicolon.
    let text: String = text.lines().map(|line| line.split(" ;").next().unwrap_or_default().to_owned() + "\n").collect();
    let sections = ini.read(text).map_err(Failure::message)?;
    let mut found = Found::default();
    let of_supervisord = sections.get("supervisord");
    for (key, _) in of_supervisord.into_iter().flatten().filter(|(key, _)| OF_ALL_PROGRAMS.contains(&key.as_str())) {
        found.leave_out("supervisord", key, effect(key));
    }
    let of_all = of_supervisord.and_then(|values| values.get("environment")?.as_deref()).unwrap_or_default();
    let of_all = self::environment(of_all).map_err(|failure| failure.context("[supervisord]"))?;
    let surroundings = Surroundings { here, environment, of_all };
    let mut names: Vec<&String> = sections.keys().collect();
    names.sort();
    for section in names {
        let Some(name) = section.strip_prefix("program:") else {
            if ["group:", "eventlistener:", "fcgi-program:", "include"].iter().any(|kind| section.starts_with(kind)) {
                found.leave_out(section, "section", Effect::dropped("only [program:…] sections are taken over"));
            }
            continue;
        };
        let values: BTreeMap<&str, &str> =
            sections[section].iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?))).collect();
        add(&mut found, name, &values, &surroundings).map_err(|failure| failure.context(format!("[{section}]")))?;
    }
    Ok(found)
}

/// A line that is neither a section, a comment, a continuation nor `key=value`, named by its number.
fn check_lines(text: &str) -> Result<(), Failure> {
    for (index, line) in text.lines().enumerate() {
        let begins = line.trim_start();
        let is_continued = begins.len() < line.len();
        if !begins.is_empty() && !is_continued && !begins.starts_with(['[', ';', '#']) && !begins.contains(['=', ':']) {
            return Err(Failure::message(format!("line {}: it is not `key=value`", index + 1)));
        }
    }
    Ok(())
}

fn add(
    found: &mut Found,
    name: &str,
    values: &BTreeMap<&str, &str>,
    surroundings: &Surroundings<'_>,
) -> Result<(), Failure> {
    let here = surroundings.here;
    let command = values.get("command").ok_or_else(|| Failure::message("it has no command"))?;
    let count: u32 = values.get("numprocs").map_or(Ok(1), |count| count.parse()).map_err(Failure::failed)?;
    if count == 0 || count > 1000 {
        return Err(Failure::message(format!("numprocs is {count}, and can be 1 to 1000")));
    }
    let first: u32 = values.get("numprocs_start").map_or(Ok(0), |first| first.parse()).map_err(Failure::failed)?;
    let mut variables = surroundings.of_all.clone();
    for (key, value) in environment(values.get("environment").copied().unwrap_or_default())? {
        variables.retain(|(known, _)| *known != key);
        variables.push((key, value));
    }
    let mut policies = Map::from_iter([("restart".to_owned(), json!("on-failure"))]);
    for (key, value) in values {
        match (*key, policy(key, value)) {
            (_, Some((key, value))) => put(&mut policies, key, value),
            (
                "command" | "directory" | "environment" | "numprocs" | "numprocs_start" | "autostart" | "process_name",
                None,
            ) => {}
            (key, None) => found.leave_out(name, key, effect(key)),
        }
    }
    for number in first..first + count {
        let name = if count == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let expand = |text: &str| expand(text, &name, number, surroundings);
        let command = shlex::split(&expand(command)?).filter(|parts| !parts.is_empty());
        let command = command.ok_or_else(|| Failure::message("a quotation of its command does not end"))?;
        let directory = match values.get("directory") {
            Some(directory) => here.join(expand(directory)?),
            None => here.to_owned(),
        };
        let env = variables.iter().map(|(key, value)| Ok((key.clone(), expand(value)?)));
        let env = env.collect::<Result<_, Failure>>()?;
        found.programs.push(program(name.clone(), command, directory, env, policies.clone()));
    }
    if values.get("autostart") == Some(&"true") || !values.contains_key("autostart") {
        found.leave_out(
            name,
            "autostart",
            Effect::dropped("an import starts nothing; once you have, it comes back by itself"),
        );
    }
    Ok(())
}

/// `%(program_name)s`, `%(process_num)02d`, `%(here)s`, `%(ENV_X)s` and `%%`; others need a value that is nowhere here.
fn expand(text: &str, name: &str, number: u32, surroundings: &Surroundings<'_>) -> Result<String, Failure> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            expanded.push('%');
            rest = after;
            continue;
        }
        let unknown = || Failure::message(format!("`%{after}` has no value here"));
        let (key, format) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')).ok_or_else(unknown)?;
        let end = format.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(unknown)?;
        let width: usize = format[..end].trim_start_matches('0').parse().unwrap_or(0);
        match key {
            "program_name" => expanded.push_str(name),
            "process_num" => drop(write!(expanded, "{number:0width$}")),
            "here" => expanded.push_str(&surroundings.here.to_string_lossy()),
            _ if key.starts_with("ENV_") => {
                let name = key.trim_start_matches("ENV_");
                let value = surroundings.environment.iter().find(|(known, _)| known == name);
                let value = value.and_then(|(_, value)| value.to_str()).ok_or_else(|| {
                    Failure::message(format!("`%({key})s`: {name} is not set here"))
                        .hint(format!("give the command with it: {name}=… anet import supervisord …"))
                })?;
                expanded.push_str(value);
            }
            _ => return Err(Failure::message(format!("`%({key})` has no value here; write it out"))),
        }
        rest = &format[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// `KEY="value",KEY2=value`.
fn environment(text: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) =
            rest.split_once('=').ok_or_else(|| Failure::message("its environment is not KEY=\"value\",…"))?;
        let after = after.trim_start();
        let (value, after) = match after.chars().next().filter(|quote| matches!(quote, '"' | '\'')) {
            Some(quote) => after[1..]
                .split_once(quote)
                .ok_or_else(|| Failure::message("a quotation in its environment does not end"))?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        pairs.push((key.trim().to_owned(), value.trim().to_owned()));
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realistic_file_becomes_programs_and_what_is_left_is_named() {
        let found = read(include_str!("testdata/supervisord.conf"), Path::new("/etc"), &[]).unwrap();
        insta::assert_debug_snapshot!(found);
    }

    #[test]
    fn a_mistake_names_its_section() {
        for text in [
            "[program:a]\ndirectory=/x",
            "[program:a]\ncommand='open",
            "[program:a]\ncommand=x %(ENV_HOME)s",
            "[program:a]\ncommand=x\nnumprocs=many",
            "[program:a]\ncommand=x\nenvironment=NOTHING",
        ] {
            let failure = read(text, Path::new("/etc"), &[]).unwrap_err();
            assert!(format!("{:#}", failure.error).contains("[program:a]"), "{text}");
        }
    }

    #[test]
    fn what_all_programs_share_and_the_importers_environment_are_taken_over_and_what_is_not_is_named() {
        let text = "[supervisord]\nenvironment=A=\"1\",B=%(ENV_HOME)s\numask=022\nlogfile=/x\n\
            [program:a]\ncommand=x %(ENV_HOME)s/bin\nenvironment=A=2\n";
        let environment = [("HOME".into(), "/home/ada".into())];
        let found = read(text, Path::new("/etc"), &environment).unwrap();
        let of = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(found.programs[0].env, [of("B", "/home/ada"), of("A", "2")]);
        assert_eq!(found.programs[0].command, ["x", "/home/ada/bin"]);
        let left: Vec<_> = found.left_out.iter().map(|left| (left.program.as_str(), left.key.as_str())).collect();
        assert_eq!(left, [("supervisord", "umask"), ("a", "autostart")]);
        let failure = read(text, Path::new("/etc"), &[]).unwrap_err();
        assert!(format!("{:#}", failure.error).contains("HOME is not set here") && failure.hints.len() == 1);
        let failure = read("[program:a]\ncommand=x\n  --more\nnonsense\n", Path::new("/etc"), &[]).unwrap_err();
        assert!(format!("{:#}", failure.error).starts_with("line 4: "), "{:#}", failure.error);
    }
}
