//! Settings of the hub: flags, variables, and how they are kept.

use anet_tests::{World, call, kill_process, process_is_alive, processes_of, wait_until};

const START: [&str; 4] = ["hub", "start", "--port", "0"];
const SECRET: &str = "3e8d1c5f0b7a4962a1d4f6c8";

fn registration(world: &World) -> String {
    let status = world.anet(&["hub", "status", "--json"]).done().json();
    status["auth"]["registration"].as_str().unwrap().to_owned()
}

#[test]
fn a_misspelt_variable_stops_the_start_and_the_right_name_is_told() {
    let world = World::new();
    for command in [&START[..], &["hub", "run", "--port", "0"]] {
        let run = world.anet_with(&[("ANET_REGISTRATON", "closed")], command).failed(2);
        assert!(run.stderr.contains("ANET_REGISTRATON, did you mean ANET_REGISTRATION?"), "{run:?}");
        let run = world.anet_with(&[("COMMHUB_DEV_OPENED", "1")], command).failed(2);
        assert!(run.stderr.contains("did you mean COMMHUB_DEV_OPEN?"), "{run:?}");
    }
    assert_eq!(processes_of(&world.home), [], "nothing was started");
    let _other_commands = world.anet_with(&[("ANET_REGISTRATON", "closed")], &["supervisor", "status"]).failed(1);
}

#[test]
fn a_value_that_does_not_fit_stops_the_start_with_its_rule() {
    let world = World::new();
    for (name, value, rule) in [
        ("ANET_LOGIN_IDLE", "soon", "use a time such as"),
        ("COMMHUB_CORS_ORIGINS", "*", "COMMHUB_CORS_ORIGINS"),
        ("ANET_TRUSTED_PROXIES", "everybody", "10.0.0.0/8"),
    ] {
        let run = world.anet_with(&[(name, value)], &START).failed(2);
        assert!(run.stderr.contains(name) && run.stderr.contains(rule), "{run:?}");
    }
    assert_eq!(processes_of(&world.home), [], "nothing was started");
}

#[test]
fn a_placeholder_is_no_secret_and_is_not_repeated() {
    let world = World::new();
    let placeholder = "generate-a-random-64-char-string";
    for name in ["ANET_SESSION_SECRET", "AI_PARTNER_JWT_SECRET", "COMMHUB_AUTH_TOKEN"] {
        let run = world.anet_with(&[(name, placeholder)], &START).failed(2);
        assert!(run.stderr.contains("placeholder") && !run.stderr.contains(placeholder), "{run:?}");
        let run = world.anet_with(&[(name, "0123456789abcde")], &START).failed(2);
        assert!(run.stderr.contains("16 characters"), "{run:?}");
    }
    let _run = world.anet(&[&START[..], &["--token", "changeme"]].concat()).failed(2);
    assert_eq!(processes_of(&world.home), [], "nothing was started");
}

#[test]
fn a_variable_of_the_other_product_is_read_under_its_prefix_alone() {
    let world = World::new();
    let both = [("AI_PARTNER_AUTH_ENABLED", "false"), ("ANET_AUTH", "on")];
    let run = world.anet_with(&both, &START).failed(2);
    assert!(run.stderr.contains("ANET_AUTH and AI_PARTNER_AUTH_ENABLED"), "{run:?}");

    let run = world.anet_with(&[("AUTH_ENABLED", "false"), ("AI_PARTNER_ALLOW_REGISTRATION", "false")], &START).done();
    assert!(run.stderr.contains("AUTH_ENABLED is not read") && run.stderr.contains("ANET_AUTH"), "{run:?}");
    let status = world.anet(&["hub", "status", "--json"]).done().json();
    assert_eq!((&status["auth"]["auth"], &status["auth"]["registration"]), (&"login".into(), &"invite".into()));
}

#[test]
fn settings_are_kept_over_restarts_of_the_hub_and_the_death_of_the_supervisor() {
    let world = World::new();
    let _started = world.anet_with(&[("ANET_REGISTRATION", "closed"), ("ANET_SESSION_SECRET", SECRET)], &START).done();
    assert_eq!(registration(&world), "closed");
    let _restarted = world.anet(&["hub", "restart"]).done();
    assert_eq!(registration(&world), "closed");

    let (supervisor, hub) = (world.supervisor_pid(), world.hub_pid());
    kill_process(supervisor);
    wait_until("it is dead", || (!process_is_alive(supervisor)).then_some(()));
    let _back = world.anet(&["supervisor", "start"]).done();
    assert_eq!(world.hub_pid(), hub, "the hub was taken over");
    kill_process(hub);
    wait_until("the hub is replaced", || {
        let status = world.anet(&["supervisor", "status", "--json"]).done().json();
        (status["hub"]["state"] == "running" && status["hub"]["pid"] != hub).then_some(())
    });
    assert_eq!(registration(&world), "closed");
    let same = [("ANET_REGISTRATION", "closed"), ("AI_PARTNER_SESSION_SECRET", SECRET)];
    let again = world.anet_with(&same, &START).done();
    assert!(again.stderr.contains("was already running"), "{again:?}");
    for (pid, command_line) in processes_of(&world.home) {
        assert!(!command_line.contains(SECRET), "{pid}: {command_line}");
    }
}

#[test]
fn other_settings_than_those_the_hub_runs_with_are_told_and_change_nothing() {
    let world = World::new();
    let _started = world.anet_with(&[("ANET_REGISTRATION", "invite"), ("ANET_SESSION_SECRET", SECRET)], &START).done();
    let pid = world.hub_pid();
    let run = world.anet(&[&START[..], &["--registration", "open"]].concat()).failed(1);
    assert!(run.stderr.contains("ANET_REGISTRATION is `invite`, asked for was `open`"), "{run:?}");
    assert!(run.stderr.contains("ANET_SESSION_SECRET is a secret, asked for was unset"), "{run:?}");
    assert!(!run.stderr.contains(SECRET) && run.stderr.contains("hint: anet hub stop"), "{run:?}");
    assert_eq!((world.hub_pid(), registration(&world).as_str()), (pid, "invite"));
    let run = world.anet_with(&[("COMMHUB_DB", "/elsewhere.db")], &["hub", "start", "--port", "1"]).failed(1);
    assert!(run.stderr.contains("asked for was 127.0.0.1:1") && run.stderr.contains("/elsewhere.db"), "{run:?}");
}

#[test]
fn a_master_token_of_upstream_reads_and_cannot_write() {
    let world = World::new();
    let started = world.anet(&[&START[..], &["--token", SECRET]].concat()).done();
    assert!(started.stderr.contains("deprecated"), "{started:?}");
    assert!(!started.stderr.contains(SECRET), "{started:?}");
    world.create_node("writer", "cat");
    // It acts as the first administrator, whom the hub has only now.
    let _restarted = world.anet(&["hub", "restart"]).done();
    let url = world.anet(&["hub", "status", "--json"]).done().json()["url"].as_str().unwrap().to_owned();
    let (status, answer) = call(&url, "GET", "/api/status", Some(SECRET), None);
    assert_eq!((status, &answer["sessions"][0]["alias"]), (200, &"writer".into()), "{answer}");
    let task = serde_json::json!({"alias": "writer", "task": "hello"});
    let (status, answer) = call(&url, "POST", "/api/task", Some(SECRET), Some(&task));
    assert_eq!(status, 401, "{answer}");
    assert_eq!(world.anet(&["tasks", "--json"]).done().json()["tasks"].as_array().map(Vec::len), Some(0));
}

#[test]
fn where_accounts_are_made_by_invite_one_is_needed() {
    let world = World::new();
    let _started = world.anet_with(&[("ANET_REGISTRATION", "invite")], &START).done();
    let url = world.anet(&["hub", "status", "--json"]).done().json()["url"].as_str().unwrap().to_owned();
    let ann = world.person("ann", &url);
    let refused = ann.register(&[]).failed(1);
    assert!(refused.stderr.contains("by invite"), "{refused:?}");
    let code = world.anet(&["hub", "invite", "create"]).done().stdout;
    let _registered = ann.register(&["--invite", code.trim()]).done();
    let me = ann.anet(&["whoami", "--json"]).done().json();
    assert_eq!((&me["user"]["username"], &me["user"]["role"]), (&"ann".into(), &"user".into()));
    let used = world.person("bob", &url).register(&["--invite", code.trim()]).failed(1);
    assert!(!used.stderr.contains(code.trim()), "{used:?}");
}
