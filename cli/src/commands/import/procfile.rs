//! `name: command` lines, as foreman, honcho and overmind read them.

use std::path::Path;

use anet_protocol::secret::is_secret;
use anet_protocol::variable_name;
use serde_json::Map;

use super::found::{Effect, Found, program};
use crate::failure::Failure;

/// Characters that only a shell understands.
const SHELL: &[char] = &['|', '&', ';', '<', '>', '(', ')', '$', '`', '*', '?', '~', '#'];
/// foreman: the first process gets this port, each further one a hundred more.
const FIRST_PORT: u16 = 5000;
const BETWEEN_PORTS: u16 = 100;

/// Reads the file; programs run in `here`, with `variables` from the `.env` beside it.
///
/// # Errors
/// Names the line that cannot be read.
pub(super) fn read(text: &str, here: &Path, variables: &[(String, String)]) -> Result<Found, Failure> {
    let mut found = Found::default();
    let first_port = match variables.iter().find(|(key, _)| key == "PORT") {
        Some((_, port)) => port.parse().map_err(|error| Failure::message(format!("PORT in .env: {error}")))?,
        None => FIRST_PORT,
    };
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| Failure::message(format!("line {}: {what}", index + 1));
        let (name, command) = line.split_once(':').ok_or_else(|| wrong("it is not `name: command`"))?;
        let (name, command) = (name.trim(), command.trim());
        if command.is_empty() {
            return Err(wrong("it names no command"));
        }
        let port = u16::try_from(found.programs.len()).ok().and_then(|number| number.checked_mul(BETWEEN_PORTS));
        let port = port.and_then(|more| first_port.checked_add(more)).ok_or_else(|| wrong("no port is left for it"))?;
        let mut env = variables.to_vec();
        set(&mut env, "PORT", &port.to_string());
        let command = take_assignments(command, &mut env);
        if command.is_empty() {
            return Err(wrong("it names no command"));
        }
        let arguments = if command.contains(SHELL) {
            found.leave_out(
                name,
                "command",
                Effect::otherwise("it uses the shell, so it is run by `sh -c`; a stop reaches both"),
            );
            vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()]
        } else {
            shlex::split(command).ok_or_else(|| wrong("a quotation does not end"))?
        };
        for key in secrets_in(command) {
            let how = "it stays in the command, where others on this machine see it; move it into its .env";
            found.leave_out(name, &key, Effect::otherwise(how));
        }
        let mut new = program(name.to_owned(), arguments, here.to_owned(), env, Map::new());
        if command.contains("$PORT") || command.contains("${PORT}") {
            new.port = Some(port);
        }
        found.programs.push(new);
    }
    Ok(found)
}

/// Moves the `KEY=value` words before the program into its environment, as the shell would; what only a shell can
/// make a value of stays.
fn take_assignments<'command>(command: &'command str, env: &mut Vec<(String, String)>) -> &'command str {
    let mut rest = command;
    while let Some((key, after)) = rest.split_once('=').filter(|(key, _)| variable_name::check_name(key).is_ok()) {
        let Some(length) = word_length(after) else { return rest };
        let (word, remaining) = after.split_at(length);
        let value = if word.is_empty() { Some(vec![String::new()]) } else { shlex::split(word) };
        let (false, Some([value])) = (word.contains(SHELL), value.as_deref()) else { return rest };
        set(env, key, value);
        rest = remaining.trim_start();
    }
    rest
}

/// How long the first word is, quotations included; `None` when one does not end.
fn word_length(text: &str) -> Option<usize> {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            _ if is_escaped => is_escaped = false,
            (None | Some('"'), '\\') => is_escaped = true,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, blank) if blank.is_whitespace() => return Some(at),
            _ => {}
        }
    }
    (quote.is_none() && !is_escaped).then_some(text.len())
}

/// The names of secrets that are written into a command.
fn secrets_in(command: &str) -> Vec<String> {
    let words = command.split_whitespace().filter_map(|word| word.split_once('='));
    let secret = words.filter(|(key, value)| {
        variable_name::check_name(key).is_ok() && is_secret(key, value.trim_matches(['"', '\'']))
    });
    secret.filter(|(_, value)| !value.trim_matches('"').starts_with('$')).map(|(key, _)| key.to_owned()).collect()
}

fn set(env: &mut Vec<(String, String)>, key: &str, value: &str) {
    env.retain(|(known, _)| known != key);
    env.push((key.to_owned(), value.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_line_is_a_program_and_a_shell_is_used_only_where_it_is_needed() {
        let text = "# a comment\nweb: bundle exec 'puma -C' config.rb\n\nworker: rake jobs | tee log\n";
        let found = read(text, Path::new("/app"), &[]).unwrap();
        let commands: Vec<_> = found.programs.iter().map(|program| program.command.join("|")).collect();
        assert_eq!(commands, ["bundle|exec|puma -C|config.rb", "sh|-c|rake jobs | tee log"]);
        assert_eq!((found.left_out.len(), found.left_out[0].program.as_str()), (1, "worker"));
    }

    #[test]
    fn a_secret_before_the_program_goes_into_its_env_file_and_not_into_the_command() {
        let text =
            "web: RAILS_ENV=production API_KEY='correct horse' ./web --x=1\nshell: export DB_SECRET=s3cr3t && ./x\n";
        let found = read(text, Path::new("/app"), &pairs(&[("DB_PASSWORD", "pw"), ("RAILS_ENV", "test")])).unwrap();
        let web = &found.programs[0];
        assert_eq!(web.command, ["./web", "--x=1"]);
        assert_eq!(web.env, pairs(&[("PORT", "5000"), ("RAILS_ENV", "production")]));
        assert_eq!(web.secrets, pairs(&[("DB_PASSWORD", "pw"), ("API_KEY", "correct horse")]));
        let told: Vec<_> = found.left_out.iter().map(|left| left.key.as_str()).collect();
        assert_eq!(told, ["command", "DB_SECRET"]);
    }

    #[test]
    fn an_assignment_that_needs_the_shell_stays_in_it() {
        let found = read("web: URL=$BASE/x A=1 ./web", Path::new("/app"), &[]).unwrap();
        assert_eq!(found.programs[0].command, ["sh", "-c", "URL=$BASE/x A=1 ./web"]);
    }

    #[test]
    fn each_program_has_the_port_that_foreman_would_give_it() {
        let text = "web: ./web -p $PORT\nother: ./other\napi: ./api --port=${PORT}";
        for (variables, ports) in [(vec![], ["5000", "5100", "5200"]), (pairs(&[("PORT", "80")]), ["80", "180", "280"])]
        {
            let found = read(text, Path::new("/app"), &variables).unwrap();
            let given: Vec<_> = found.programs.iter().map(|program| program.env.last().unwrap().1.as_str()).collect();
            assert_eq!(given, ports);
            let declared: Vec<_> =
                found.programs.iter().map(|program| program.port.map(|port| port.to_string())).collect();
            assert_eq!(declared, [Some(ports[0].to_owned()), None, Some(ports[2].to_owned())]);
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for (text, line) in
            [("web: a\nnonsense", "line 2"), ("web:", "line 1"), ("web: 'open", "line 1"), ("web: A=1", "line 1")]
        {
            let failure = read(text, Path::new("/app"), &[]).unwrap_err();
            assert!(format!("{:#}", failure.error).contains(line), "{text}");
        }
    }
}
