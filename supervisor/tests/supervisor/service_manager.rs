//! The supervisor under a service manager that speaks `sd_notify`.

use std::os::unix::net::UnixDatagram;

use serde_json::json;

use crate::harness::Home;

#[tokio::test]
async fn the_service_manager_is_told_of_every_turn_and_the_children_speak_to_the_supervisor_alone() {
    let home = Home::new();
    home.node("a", &["ready", "sleep"]);
    let path = home.project().join("manager.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    let hear = || {
        let mut buffer = [0; 512];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let mut settings = home.settings();
    settings.environment.push(("NOTIFY_SOCKET".into(), path.clone().into()));
    let supervisor = home.supervise_with(settings).await;
    assert_eq!(hear(), format!("READY=1\nMAINPID={}\nSTATUS=running\n", std::process::id()));
    supervisor.client.must_start(&home, "a").await;
    let (status, _) = supervisor.client.post("/v1/reload", json!({})).await;
    assert_eq!(status, 200);
    assert!(hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert!(hear().starts_with("READY=1\n"));
    supervisor.shut_down().await;
    assert!(hear().starts_with("STOPPING=1\n"));
    manager.set_nonblocking(true).unwrap();
    assert!(manager.recv(&mut [0; 16]).is_err(), "somebody else spoke to the service manager");
}
