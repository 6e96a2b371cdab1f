use anet_tests::{Person, World};

fn names(person: &Person) -> Vec<String> {
    let networks = person.anet(&["network", "ls", "--json"]).done().json()["networks"].clone();
    let names = networks.as_array().unwrap().iter().map(|network| network["network_name"].as_str().unwrap().to_owned());
    names.collect()
}

#[test]
fn a_network_is_shared_by_invite_and_a_member_does_what_the_role_allows() {
    let world = World::new();
    let url = world.start_hub();
    let ann = world.person("ann", &url);
    let _registered = ann.register(&[]).done();
    let _created = world.anet(&["network", "create", "team"]).done();
    let _chosen = world.anet(&["network", "use", "team"]).done();
    world.start_node("writer", "tr a-z A-Z");
    let code = world.anet(&["network", "invite", "--role", "viewer"]).done().stdout;

    let joined = ann.anet(&["network", "join", code.trim()]).done();
    assert!(joined.stderr.contains("joined team as viewer"), "{joined:?}");
    let used = ann.anet(&["network", "join", code.trim()]).failed(1);
    assert!(!used.stderr.contains(code.trim()), "{used:?}");
    let members = world.anet(&["network", "members", "--json"]).done().json()["members"].clone();
    let of = |name: &str| {
        members.as_array().unwrap().iter().find(|member| member["username"] == name).unwrap()["role"].clone()
    };
    assert_eq!((of("admin"), of("ann")), ("owner".into(), "viewer".into()), "{members}");

    assert!(ann.anet(&["status"]).done().stdout.contains("writer"), "a viewer sees");
    let refused = ann.anet(&["send", "writer", "hello"]).failed(1);
    assert!(refused.stderr.contains("permission_denied"), "and does nothing: {refused:?}");
    let _made_member = world.anet(&["network", "role", "ann", "member"]).done();
    assert_eq!(ann.anet(&["send", "writer", "hello", "--wait"]).done().stdout, "HELLO\n");
    let _not_hers = ann.anet(&["network", "role", "admin", "viewer"]).failed(1);

    let removed = world.anet(&["network", "remove", "ann"]).done();
    assert!(removed.stderr.contains("ann is out of team"), "{removed:?}");
    let _gone = ann.anet(&["send", "writer", "hello"]).failed(1);
    assert_eq!(names(&ann), ["default"]);
}

#[test]
fn a_member_leaves_and_an_owner_gives_the_network_away_or_deletes_it() {
    let world = World::new();
    let url = world.start_hub();
    let ann = world.person("ann", &url);
    let _registered = ann.register(&[]).done();
    let _created = world.anet(&["network", "create", "team"]).done();
    let _chosen = world.anet(&["network", "use", "team"]).done();
    let code = world.anet(&["network", "invite", "--uses", "2"]).done().stdout;
    let _joined = ann.anet(&["network", "join", code.trim()]).done();
    let left = ann.anet(&["network", "leave", "team"]).done();
    assert!(left.stderr.contains("left team") && left.stderr.contains("commands act in default"), "{left:?}");
    assert_eq!(names(&ann), ["default"]);

    let _joined = ann.anet(&["network", "join", code.trim()]).done();
    let _owners_stay = world.anet(&["network", "leave", "team"]).failed(1);
    let given = world.anet(&["network", "transfer", "ann"]).done();
    assert!(given.stderr.contains("ann owns team now"), "{given:?}");
    let asked = ann.anet(&["network", "delete", "team"]).failed(1);
    assert!(asked.stderr.contains("--force"), "{asked:?}");
    assert_eq!(names(&ann).len(), 2, "nothing was done");
    let deleted = ann.anet(&["network", "delete", "team", "--force"]).done();
    assert!(deleted.stderr.contains("team is deleted"), "{deleted:?}");
    assert_eq!(names(&ann), ["default"]);
}
