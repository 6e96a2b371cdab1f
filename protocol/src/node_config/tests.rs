use proptest::prelude::*;

use super::*;

const UPSTREAM: &str = r#"{
  "anet_version": "0.1.0",
  "node_id": "n_a1b2c3d4",
  "node_name": "Reviewer",
  "runtime": "claude",
  "token": "ntok_0123456789abcdef0123456789abcdef",
  "tools": ["all"],
  "env": {
    "ANTHROPIC_BASE_URL": "https://example.org",
    "ANTHROPIC_AUTH_TOKEN": {"_envRef": "ANTHROPIC_AUTH_TOKEN_N_A1B2C3D4"}
  },
  "flags": {"maxTurns": 50},
  "logLevel": "debug",
  "fromTheFuture": [1, {"x": null}]
}"#;

fn parse(text: &str) -> Result<NodeConfig, NodeConfigError> {
    NodeConfig::parse(text, "config.json")
}

#[test]
fn a_file_of_the_older_tools_is_read() {
    let config = parse(UPSTREAM).unwrap();
    assert_eq!(config.alias(), Some("Reviewer"));
    assert_eq!(config.node_id(), Some("n_a1b2c3d4"));
    assert_eq!(config.runtime(), Some(Runtime::ClaudeAgentSdk));
    assert_eq!(config.token().unwrap().expose_secret(), "ntok_0123456789abcdef0123456789abcdef");
    assert_eq!((config.hub(), config.network_id(), config.model()), (None, None, None));
    assert_eq!(config.command(), None);
    assert_eq!((config.timeout_seconds(), config.max_concurrent()), (None, 1));
    assert_eq!(
        config.env(),
        [
            ("ANTHROPIC_BASE_URL".to_owned(), EnvValue::Plain("https://example.org".to_owned())),
            ("ANTHROPIC_AUTH_TOKEN".to_owned(), EnvValue::Reference("ANTHROPIC_AUTH_TOKEN_N_A1B2C3D4".to_owned())),
        ]
    );
}

#[test]
fn unknown_fields_and_the_order_survive_a_rewrite() {
    let mut config = parse(UPSTREAM).unwrap();
    let keys: Vec<String> = config.fields().keys().cloned().collect();
    config.set_token(None);
    config.set_model(Some("opus"));
    config.set_env("ANTHROPIC_BASE_URL", None);
    let text = config.to_text();
    assert!(text.ends_with("}\n") && text.contains("\n  \"logLevel\": \"debug\",\n"));
    let reread = parse(&text).unwrap();
    assert_eq!(reread, config);
    let mut expected: Vec<String> = keys.into_iter().filter(|key| key != "token").collect();
    expected.push("model".to_owned());
    assert_eq!(reread.fields().keys().cloned().collect::<Vec<_>>(), expected);
    assert_eq!(reread.fields()["fromTheFuture"], json!([1, {"x": null}]));
}

#[test]
fn a_new_file_holds_the_fields_of_the_contract() {
    let config = NodeConfig::new("counter", "n_00000001", Runtime::Command);
    assert_eq!(
        parse(&config.to_text()).unwrap().fields(),
        json!({
            "anet_version": "0.1.0", "node_id": "n_00000001", "node_name": "counter", "runtime": "command",
            "channels": ["server:commhub"], "env": {}, "flags": {},
        })
        .as_object()
        .unwrap()
    );
}

#[test]
fn what_is_set_is_read_back() {
    let mut config = NodeConfig::new("a", "n_1", Runtime::Command);
    config.set_alias("b");
    config.set_node_id("n_2");
    config.set_runtime(Runtime::CodexSdk);
    config.set_hub(Some("http://h:1"));
    config.set_token(Some(&SecretString::from("ntok_x")));
    config.set_network_id(Some("net_1"));
    config.set_model(Some("m"));
    config.set_command(&["./x.sh".to_owned(), "--flag".to_owned()]);
    config.set_timeout_seconds(Some(90));
    config.set_max_concurrent(3);
    config.set_env("A", Some(EnvValue::Plain("1".to_owned())));
    config.set_env("B", Some(EnvValue::Reference("B_N_2".to_owned())));
    let config = parse(&config.to_text()).unwrap();
    assert_eq!((config.alias(), config.node_id()), (Some("b"), Some("n_2")));
    assert_eq!((config.runtime(), config.hub()), (Some(Runtime::CodexSdk), Some("http://h:1")));
    assert_eq!(config.token().unwrap().expose_secret(), "ntok_x");
    assert_eq!((config.network_id(), config.model()), (Some("net_1"), Some("m")));
    assert_eq!(config.command().unwrap(), ["./x.sh", "--flag"]);
    assert_eq!((config.timeout_seconds(), config.max_concurrent()), (Some(90), 3));
    assert_eq!(config.env()[1], ("B".to_owned(), EnvValue::Reference("B_N_2".to_owned())));
}

#[test]
fn the_alias_may_stand_under_older_names_and_is_renamed_there_too() {
    assert_eq!(parse(r#"{"alias":"a","name":"n"}"#).unwrap().alias(), Some("n"));
    let mut config = parse(r#"{"alias":"a"}"#).unwrap();
    config.set_alias("b");
    assert_eq!(config.fields(), json!({"alias": "b", "node_name": "b"}).as_object().unwrap());
}

#[test]
fn empty_and_null_fields_count_as_absent() {
    let config =
        parse(r#"{"token":"","hub":null,"runtime":"","env":null,"command":null,"max_concurrent":null}"#).unwrap();
    assert!(config.token().is_none() && config.hub().is_none() && config.runtime().is_none());
    assert!(config.env().is_empty() && config.command().is_none());
    assert_eq!(config.max_concurrent(), 1);
}

#[test]
fn the_identity_of_an_old_file_is_derived_from_its_directory() {
    // The SHA-1 of "abc" is a9993e36…
    assert_eq!(derive_node_id("abc"), "n_a9993e36");
}

#[test]
fn broken_json_is_named_with_its_place() {
    let error = parse("{\n  \"token\": \"ntok_secret\",\n  oops\n}").unwrap_err();
    assert_eq!(error.to_string(), "config.json:3:3: key must be a string");
    assert!(matches!(parse(""), Err(NodeConfigError::Syntax { line: 1, column: 0, .. })));
    assert!(matches!(parse("{} {}"), Err(NodeConfigError::Syntax { line: 1, column: 4, .. })));
    for text in ["[]", "1", "null", "\"x\""] {
        assert_eq!(parse(text).unwrap_err().to_string(), "config.json: the file must hold one JSON object");
    }
}

#[test]
fn a_field_of_the_wrong_kind_is_named() {
    for (text, field) in [
        (r#"{"token":1}"#, "token"),
        (r#"{"node_id":{}}"#, "node_id"),
        (r#"{"alias":["x"]}"#, "alias"),
        (r#"{"env":[]}"#, "env"),
        (r#"{"env":{"A":1}}"#, "env.A"),
        (r#"{"env":{"A":{"ref":"B"}}}"#, "env.A"),
        (r#"{"env":{"A":{"_envRef":""}}}"#, "env.A"),
        (r#"{"env":{"A":"x\u0000"}}"#, "env.A"),
        (r#"{"env":{"A=B":"x"}}"#, "env"),
        (r#"{"command":"ls -l"}"#, "command"),
        (r#"{"command":[]}"#, "command"),
        (r#"{"command":[""]}"#, "command"),
        (r#"{"command":["ls",1]}"#, "command"),
        (r#"{"timeout_seconds":-1}"#, "timeout_seconds"),
        (r#"{"timeout_seconds":1.5}"#, "timeout_seconds"),
        (r#"{"max_concurrent":0}"#, "max_concurrent"),
        (r#"{"max_concurrent":"2"}"#, "max_concurrent"),
        (r#"{"max_concurrent":4294967297}"#, "max_concurrent"),
    ] {
        match parse(text) {
            Err(NodeConfigError::Field { field: named, .. }) => assert_eq!(named, field, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn an_unknown_runtime_is_an_error_and_never_a_guess() {
    let error = parse(r#"{"runtime":"gpt"}"#).unwrap_err();
    assert!(error.to_string().starts_with("config.json: unknown runtime `gpt`; known are"));
}

#[test]
fn neither_debug_output_nor_an_error_shows_a_secret() {
    let mut config = parse(UPSTREAM).unwrap();
    config.set_env("OPENAI_API_KEY", Some(EnvValue::Plain("sk-secret".to_owned())));
    let shown = format!("{config:?} {:?} {:?}", config.env(), config.token());
    assert!(!shown.contains("sk-secret") && !shown.contains("0123456789abcdef"), "{shown}");
    for text in [r#"{"token":"sk-secret""#, r#"{"token":["sk-secret"]}"#, r#"{"env":{"A":["sk-secret"]}}"#] {
        let error = parse(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sk-secret"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in "[{}\\[\\]\":,a-z0-9 \n]{0,60}") {
        if let Ok(config) = parse(&text) {
            prop_assert_eq!(parse(&config.to_text()).unwrap(), config);
        }
    }
}
