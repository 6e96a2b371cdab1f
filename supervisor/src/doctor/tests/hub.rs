use super::*;

#[tokio::test]
async fn a_hub_of_another_version_is_a_warning_and_one_of_another_api_an_error() {
    let mut scene = Scene::new();
    for (answer, expected, words) in [
        (health("9.9.9", "v3"), Severity::Warning, "it has version 9.9.9, this program 1.2.3"),
        (health(VERSION, "v4"), Severity::Error, "it speaks the API v4"),
        ("<html>hello</html>".to_owned(), Severity::Error, "is no hub"),
    ] {
        scene.patient.hub = Some(serve(&[("/health", 200, &answer)], None).await);
        let (severity, seen, _) = scene.one("hub").await;
        assert!(severity == expected && seen.contains(words), "{severity:?} {seen}");
    }
    scene.patient.hub = Some(serve(&[("/health", 200, &health(VERSION, "v3"))], None).await);
    assert_eq!(scene.bad("hub").await, []);
}

#[tokio::test]
async fn an_address_that_is_none_and_one_where_nobody_listens_are_told_apart() {
    let mut scene = Scene::new();
    scene.patient.hub = Some("10.0.0.5:9200".to_owned());
    assert!(scene.one("hub").await.1.contains("not an http or https address"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    scene.patient.hub = Some(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    assert!(scene.one("hub").await.1.contains("does not answer"));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_with_its_side() {
    let mut scene = Scene::new();
    let answer = health(VERSION, "v3");
    for (date, expected) in [
        ("Fri, 15 Jan 2027 08:00:00 GMT", None),
        ("Fri, 15 Jan 2027 08:00:10 GMT", Some((Severity::Warning, "it is 10 s behind the hub's"))),
        ("Fri, 15 Jan 2027 07:00:00 GMT", Some((Severity::Error, "it is 3599 s ahead of the hub's"))),
    ] {
        scene.patient.hub = Some(serve(&[("/health", 200, &answer)], Some(date)).await);
        let found = scene.bad("clock_skew").await;
        let found = found.first().map(|(severity, seen, _)| (*severity, seen.as_str()));
        assert_eq!(found, expected, "{date}");
    }
}

#[tokio::test]
async fn a_program_that_is_no_hub_and_holds_its_port_is_named() {
    let mut scene = Scene::new();
    scene.patient.hub = Some(serve(&[], None).await);
    let (severity, seen, _) = scene.one("ports").await;
    let me = format!("(process {})", std::process::id());
    assert!(severity == Severity::Error && seen.contains(&me) && seen.contains("is no hub"), "{seen}");
}

#[tokio::test]
async fn what_the_hubs_own_code_finds_of_the_database_is_told() {
    let mut scene = Scene::new();
    let read = |damages: &[&str], audit| StoreSight::Read {
        damages: damages.iter().map(|damage| (*damage).to_owned()).collect(),
        audit,
    };
    scene.patient.store = read(&[], Ok((7, None)));
    assert_eq!((scene.bad("hub_database").await, scene.bad("audit_log").await), (vec![], vec![]));
    scene.patient.store = read(&["page 3 is damaged", "x"], Ok((7, Some("row 4 is missing".to_owned()))));
    assert!(scene.one("hub_database").await.1.contains("2 problems, the first: page 3"));
    assert!(scene.one("audit_log").await.1.contains("row 4 is missing"));
    scene.patient.store = StoreSight::Unreadable("locked".to_owned());
    assert!(scene.one("hub_database").await.1.contains("locked"));
}

#[tokio::test]
async fn a_login_that_has_ended_is_an_error_and_a_hub_that_is_ill_says_nothing_about_it() {
    let mut scene = Scene::new();
    let answer = health(VERSION, "v3");
    let token = anet_protocol::token::mint(anet_protocol::token::TokenKind::User, &Fives);
    scene.patient.token = Some(token);
    for (status, expected) in [(401, Severity::Error), (403, Severity::Error), (500, Severity::Warning)] {
        let answers = [("/health", 200, answer.as_str()), ("/api/auth/me", status, "{}")];
        scene.patient.hub = Some(serve(&answers, None).await);
        assert_eq!(scene.one("login").await.0, expected, "{status}");
    }
}

struct Fives;

impl anet_protocol::Entropy for Fives {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(5);
    }
}
