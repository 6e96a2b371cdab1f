//! pm2's ecosystem file in JSON, and the `dump.pm2` of `pm2 save`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::found::{Effect, Found, program, put};
use crate::failure::Failure;

/// Keys whose meaning is kept, or that only tell pm2 about itself.
const KNOWN: [&str; 18] = [
    "name",
    "script",
    "pm_exec_path",
    "args",
    "cwd",
    "pm_cwd",
    "env",
    "interpreter",
    "exec_interpreter",
    "instances",
    "autorestart",
    "exec_mode",
    "max_memory_restart",
    "kill_timeout",
    "restart_delay",
    "exp_backoff_restart_delay",
    "min_uptime",
    "stop_exit_codes",
];

/// Keys with which a person asks for something that is not taken over, and that `pm2 save` writes too.
const IN_DUMPS: [&str; 4] = ["watch", "cron_restart", "wait_ready", "listen_timeout"];

/// Variables that `pm2 save` copies from the shell of whoever started the program.
const OF_THE_SHELL: [&str; 9] = ["PATH", "HOME", "PWD", "OLDPWD", "SHELL", "USER", "LOGNAME", "SHLVL", "_"];

fn effect(key: &str) -> Effect {
    match key {
        "max_restarts" => Effect::anyway("starts are tried again without end, with growing pauses"),
        "treekill" => Effect::anyway("a stop always reaches everything that the program started"),
        "out_file" | "error_file" | "log_file" | "log_date_format" | "merge_logs" | "pm_out_log_path"
        | "pm_err_log_path" | "time" => Effect::anyway("its output is kept with times, see `anet node logs`"),
        "wait_ready" | "listen_timeout" => {
            Effect::dropped("pm2's ready message is not understood; see `anet run --notify`")
        }
        "watch" | "ignore_watch" => Effect::dropped("nothing is restarted when a file changes"),
        "cron_restart" => Effect::dropped("nothing is restarted by the clock"),
        _ => Effect::dropped("it has no counterpart"),
    }
}

/// What the app says about how it is to be kept; keys that are written in a way that is not understood are left out.
fn policy(found: &mut Found, name: &str, app: &Map<String, Value>) -> Map<String, Value> {
    // pm2 stops by SIGINT, and programs that were written for it may know no other signal.
    let mut policy = Map::from_iter([("stop-signal".to_owned(), json!("INT"))]);
    let pause = if app.get("exp_backoff_restart_delay").is_some_and(|pause| duration(pause).is_some()) {
        if app.contains_key("restart_delay") {
            found.leave_out(name, "restart_delay", Effect::dropped("`exp_backoff_restart_delay` counts, as for pm2"));
        }
        None
    } else {
        // 0 is what pm2 does without it.
        app.get("restart_delay").filter(|pause| **pause != 0)
    };
    let mut take = |from: &str, key: &str, read: fn(&Value) -> Option<Value>| match app.get(from) {
        None | Some(Value::Null) => {}
        Some(written) => match read(written) {
            Some(value) => put(&mut policy, key, value),
            None => found.leave_out(name, from, Effect::Dropped(format!("{written} is not understood"))),
        },
    };
    if app.get("autorestart") == Some(&Value::Bool(false)) {
        take("autorestart", "restart", |_| Some(json!("never")));
    } else {
        take("stop_exit_codes", "restart", |codes| is_zero(codes).then(|| json!("on-failure")));
    }
    take("kill_timeout", "stop-grace", duration);
    take("exp_backoff_restart_delay", "start-backoff.first", duration);
    if pause.is_some() {
        take("restart_delay", "start-backoff.first", duration);
    }
    take("min_uptime", "start-backoff.stable-after", duration);
    take("max_memory_restart", "memory-high", |size| {
        let bytes = match size {
            Value::String(text) => anet_protocol::byte_size::parse(text.trim_end_matches(['B', 'b'])).ok(),
            other => other.as_u64(),
        };
        Some(json!(anet_protocol::byte_size::format(bytes?)))
    });
    policy
}

fn is_zero(codes: &Value) -> bool {
    codes.as_u64() == Some(0) || codes.as_array().is_some_and(|codes| codes.len() == 1 && codes[0] == 0)
}

/// A time as pm2 has it: milliseconds, or a text of a number with `h`, `m`, `s` or nothing behind it.
fn duration(value: &Value) -> Option<Value> {
    let text = match value {
        Value::Number(_) => value.as_u64()?.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let digits = text.trim_end_matches(['h', 'm', 's']);
    let (number, unit) = (digits.parse::<u64>().ok()?, &text[digits.len()..]);
    match unit {
        "" => Some(json!(format!("{number}ms"))),
        "h" | "m" | "s" => Some(json!(format!("{number}{unit}"))),
        _ => None,
    }
}

/// Reads the file; relative paths are meant from `here`.
///
/// # Errors
/// When it is no JSON, or an app has no name or script.
pub(super) fn read(text: &str, here: &Path, path: &Path) -> Result<Found, Failure> {
    let is_code =
        path.extension().is_some_and(|extension| ["js", "cjs", "mjs", "ts"].iter().any(|code| extension == *code));
    if is_code {
        return Err(Failure::message("it is a program, and is not run to find out what it says")
            .hint("pm2 writes what it knows as JSON: `pm2 save`, then `anet import pm2 ~/.pm2/dump.pm2`"));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Failure::message(format!("it is not the JSON that pm2 writes: {error}"))
            .hint("of another kind of file pm2 makes JSON itself: `pm2 save`, then `anet import pm2 ~/.pm2/dump.pm2`")
    })?;
    let is_dump = value.is_array();
    let apps = match &value {
        Value::Array(apps) => apps.clone(),
        Value::Object(members) => match members.get("apps") {
            Some(Value::Array(apps)) => apps.clone(),
            _ => vec![value.clone()],
        },
        _ => return Err(Failure::message("it is neither a list of apps nor an object with `apps`")),
    };
    let mut found = Found::default();
    for (index, app) in apps.iter().enumerate() {
        let app = app.as_object().ok_or_else(|| Failure::message(format!("app {index} is no object")))?;
        add(&mut found, app, here, is_dump).map_err(|failure| failure.context(format!("app {index}")))?;
    }
    Ok(found)
}

fn add(found: &mut Found, app: &Map<String, Value>, here: &Path, is_dump: bool) -> Result<(), Failure> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| app.get(*key)?.as_str());
    let script = text(&["script", "pm_exec_path"]).ok_or_else(|| Failure::message("it has no `script`"))?;
    let stem = Path::new(script).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = text(&["name"]).unwrap_or(stem).to_owned();
    let directory = text(&["cwd", "pm_cwd"]).map_or_else(|| here.to_owned(), |cwd| here.join(cwd));
    let mut command: Vec<String> =
        interpreter(script, text(&["interpreter", "exec_interpreter"])).into_iter().collect();
    command.push(script.to_owned());
    match app.get("args") {
        None | Some(Value::Null) => {}
        Some(Value::String(args)) => {
            let args = shlex::split(args).ok_or_else(|| Failure::message("a quotation in `args` does not end"))?;
            command.extend(args);
        }
        Some(Value::Array(args)) => command.extend(args.iter().map(plain)),
        Some(_) => return Err(Failure::message("`args` is neither a text nor a list")),
    }
    let mut env = Vec::new();
    for (key, value) in app.get("env").and_then(Value::as_object).into_iter().flatten() {
        let is_pm2s_own = is_dump
            && (OF_THE_SHELL.contains(&key.as_str())
                || key.starts_with("PM2_")
                || key.starts_with("pm_")
                || value.is_object()
                || value.is_array()
                || app.get(key) == Some(value));
        if !is_pm2s_own {
            env.push((key.clone(), plain(value)));
        }
    }
    let count = app.get("instances").and_then(Value::as_u64).unwrap_or(1);
    if app.get("instances").is_some_and(Value::is_string) || count == 0 || count > 1000 {
        found.leave_out(
            &name,
            "instances",
            Effect::otherwise("a number that depends on the machine becomes one program"),
        );
    }
    if app.get("exec_mode").and_then(Value::as_str).is_some_and(|mode| mode.starts_with("cluster")) {
        found.leave_out(&name, "exec_mode", Effect::dropped("programs do not share a port; put a proxy before them"));
    }
    let policy = policy(found, &name, app);
    // `pm2 save` writes each instance, all under one name.
    let is_taken = |name: &str| found.programs.iter().any(|program| program.name == name);
    let mut number = 0;
    let mut numbered = name.clone();
    while is_dump && is_taken(&numbered) {
        number += 1;
        numbered = format!("{name}-{number}");
    }
    let name = numbered;
    let count = if (1..=1000).contains(&count) && !is_dump { count } else { 1 };
    for number in 0..count {
        let name = if count == 1 { name.clone() } else { format!("{name}-{number}") };
        let env = env.clone();
        found.programs.push(program(name, command.clone(), PathBuf::clone(&directory), env, policy.clone()));
    }
    // Most of what `pm2 save` writes is pm2's own; what is switched off is not missed.
    let is_asked = |key: &str| {
        let is_known = if is_dump { !IN_DUMPS.contains(&key) } else { KNOWN.contains(&key) };
        !is_known && !matches!(app.get(key), None | Some(Value::Null | Value::Bool(false)))
    };
    for key in app.keys().filter(|key| is_asked(key)) {
        found.leave_out(&name, key, effect(key));
    }
    Ok(())
}

/// What runs the script, where it is not a program itself.
fn interpreter(script: &str, named: Option<&str>) -> Option<String> {
    match named {
        Some("none" | "") => None,
        Some(named) => Some(named.to_owned()),
        None => match Path::new(script).extension().and_then(|extension| extension.to_str()) {
            Some("js" | "cjs" | "mjs") => Some("node".to_owned()),
            Some("py") => Some("python3".to_owned()),
            Some("sh") => Some("sh".to_owned()),
            _ => None,
        },
    }
}

/// A text as it is, anything else as JSON writes it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Found, Failure> {
        super::read(text, Path::new("/app"), Path::new("/app/ecosystem.config.json"))
    }

    #[test]
    fn a_realistic_file_becomes_programs_and_what_is_left_is_named() {
        insta::assert_debug_snapshot!(read(include_str!("testdata/ecosystem.config.json")).unwrap());
    }

    #[test]
    fn a_dump_gives_the_programs_without_the_shell_that_started_them() {
        let dump = r#"[{"name":"api","pm_exec_path":"/app/api.js","pm_cwd":"/app","exec_interpreter":"node","args":["--x"],
            "status":"online","env":{"PATH":"/bin","PM2_HOME":"/p","name":"api","PORT":8080,"DB_SECRET":"s"}}]"#;
        let found = read(dump).unwrap();
        let api = &found.programs[0];
        assert_eq!(api.command, ["node", "/app/api.js", "--x"]);
        assert_eq!(api.env, [("PORT".to_owned(), "8080".to_owned())]);
        assert_eq!(api.secrets, [("DB_SECRET".to_owned(), "s".to_owned())]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason() {
        for text in
            ["{", "7", r#"{"apps":[7]}"#, r#"{"apps":[{"name":"a"}]}"#, r#"{"apps":[{"script":"a","args":"'"}]}"#]
        {
            assert!(read(text).is_err(), "{text}");
        }
        let failure = super::read("", Path::new("/"), Path::new("ecosystem.config.js")).unwrap_err();
        assert!(failure.hints[0].contains("pm2 save"));
        let failure = read("apps:\n  - script: a.js\n").unwrap_err();
        assert!(failure.hints[0].contains("pm2 save"));
    }

    #[test]
    fn times_are_read_as_pm2_reads_them_and_no_key_is_dropped_in_silence() {
        let app = |more: &str| format!(r#"{{"apps":[{{"name":"a","script":"./a",{more}}}]}}"#);
        let found = read(&app(r#""min_uptime":"10s","kill_timeout":"3000","restart_delay":100"#)).unwrap();
        let expected = json!({
            "stop-signal": "INT", "stop-grace": "3000ms",
            "start-backoff": { "first": "100ms", "stable-after": "10s" },
        });
        assert_eq!((json!(found.programs[0].policy), found.left_out), (expected, vec![]));
        let found = read(&app(r#""restart_delay":100,"exp_backoff_restart_delay":50"#)).unwrap();
        assert_eq!(found.programs[0].policy["start-backoff"], json!({ "first": "50ms" }));
        assert_eq!(found.left_out.iter().map(|left| left.key.as_str()).collect::<Vec<_>>(), ["restart_delay"]);
        let found = read(&app(r#""min_uptime":"soon","watch":false,"cron_restart":null"#)).unwrap();
        assert_eq!(found.left_out.iter().map(|left| left.key.as_str()).collect::<Vec<_>>(), ["min_uptime"]);
    }

    #[test]
    fn a_dump_with_several_instances_gives_each_a_name_and_tells_what_a_person_asked_for() {
        let one = r#"{"name":"api","pm_exec_path":"/app/api","watch":true,"pm_id":0,"vizion":true}"#;
        let found = read(&format!("[{one},{one},{one}]")).unwrap();
        let names: Vec<_> = found.programs.iter().map(|program| program.name.as_str()).collect();
        assert_eq!(names, ["api", "api-1", "api-2"]);
        assert!(found.left_out.iter().all(|left| left.key == "watch"), "{:?}", found.left_out);
    }
}
