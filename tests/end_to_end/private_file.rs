//! Files that hold secrets: closed to everybody else, and nobody else's.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use anet_tests::{World, processes_of};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open_up(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_open_to_others_is_closed_with_one_notice_that_names_it() {
    let world = World::new();
    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let anet = world.home.join(".anet");
    fs::write(anet.join("config.json.bak-1"), "{}").unwrap();
    let node = world.node_directory("writer");
    fs::write(node.join(".env"), "KEY_N_1=sk-0123456789\n").unwrap();
    let of_home = ["config.json", "config.json.bak-1", "server/admin-utok.json", "server/config.json", "server", ""];
    let of_home = of_home.map(|file| anet.join(file));
    let of_node = ["config.json", ".env", ""].map(|file| node.join(file));
    let database = ["", "-wal", "-shm"].map(|ending| world.home.join(format!(".commhub/commhub.db{ending}")));
    let is_there = |path: &&std::path::PathBuf| path.exists();

    for (command, paths) in [
        (&["hub", "start", "--port", "0"][..], [&of_home[..], &database[..]].concat()),
        (&["node", "start", "writer"][..], of_node.to_vec()),
    ] {
        for path in paths.iter().filter(is_there) {
            open_up(path, if path.is_dir() { 0o755 } else { 0o644 });
        }
        let run = world.anet(command).done();
        let notices: Vec<_> = run.stderr.lines().filter(|line| line.contains("closed to other users")).collect();
        for path in paths.iter().filter(is_there) {
            assert_eq!(mode(path) & 0o077, 0, "{}", path.display());
            let named = format!(
                "{} (was 0{}",
                path.display().to_string().trim_end_matches('/'),
                if path.is_dir() { "755" } else { "644" }
            );
            assert!(notices.iter().any(|line| line.contains(&named)), "{named}: {run:?}");
        }
        let again = world.anet(command).done();
        assert!(!again.stderr.contains("closed to other users"), "{again:?}");
    }
    open_up(&of_home[0], 0o644);
    let _refused = world.anet_typing("wrong\n", &["login", "--username", "admin"]).failed(1);
    assert_eq!(mode(&of_home[0]), 0o600, "a login looks too");
    let ignored = fs::read_to_string(world.project.join(".anet/.gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "nodes/") && ignored.lines().any(|line| line == ".env*"), "{ignored}");
}

#[test]
fn a_link_in_the_place_of_a_file_that_says_who_one_is_is_not_followed() {
    let world = World::new();
    let elsewhere = world.directory().join("elsewhere.json");
    fs::write(&elsewhere, "{}").unwrap();
    open_up(&elsewhere, 0o644);
    fs::create_dir_all(world.home.join(".anet/server")).unwrap();
    for file in [".anet/config.json", ".anet/server/admin-utok.json"] {
        let link = world.home.join(file);
        symlink(&elsewhere, &link).unwrap();
        for command in [&["hub", "start", "--port", "0"][..], &["login", "--username", "ann"][..]] {
            let run = world.anet_typing("password\n", command).failed(1);
            assert!(run.stderr.contains(file) && run.stderr.contains("symbolic link"), "{run:?}");
        }
        fs::remove_file(link).unwrap();
    }
    assert_eq!(processes_of(&world.home), [], "nothing was started");
    assert_eq!((mode(&elsewhere), fs::read_to_string(&elsewhere).unwrap().as_str()), (0o644, "{}"));

    let _url = world.start_hub();
    world.create_node("writer", "cat");
    let config = world.node_directory("writer").join("config.json");
    fs::rename(&config, &elsewhere).unwrap();
    symlink(&elsewhere, &config).unwrap();
    let run = world.anet(&["node", "start", "writer"]).failed(1);
    assert!(run.stderr.contains("config.json: it is a symbolic link"), "{run:?}");
    assert_eq!(world.node("writer")["state"], "stopped");
}
