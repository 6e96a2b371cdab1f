//! R59: a hundred who follow a log of a thousand lines a second.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Row;
use super::home::Home;

const FOLLOWERS: usize = 100;
const WATCHED: Duration = Duration::from_secs(10);

pub(super) fn measure() -> Vec<Row> {
    let home = Home::new();
    let bench = std::env::current_exe().expect("a benchmark knows its own file");
    let writer = bench.ancestors().nth(2).expect("it lies in target/<profile>/deps").join("examples/writer");
    home.run("writer", &[writer.display().to_string(), "1000".to_owned()]);
    let share = || {
        let before = home.group().activity();
        std::thread::sleep(WATCHED);
        let (time, _) = home.group().activity().since(&before);
        time / WATCHED.as_secs_f64() / 10.0
    };
    let alone = share();
    let bytes = AtomicUsize::new(0);
    let followed = std::thread::scope(|scope| {
        let streams: Vec<_> = (0..FOLLOWERS)
            .map(|_| home.request("GET", "/v1/nodes/writer/logs?follow=true&lines=1", "").expect("it is followed"))
            .collect();
        let ends: Vec<_> = streams.iter().map(|stream| stream.try_clone().expect("a descriptor")).collect();
        for mut stream in streams {
            let bytes = &bytes;
            scope.spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    bytes.fetch_add(length, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(1));
        bytes.store(0, Ordering::Relaxed);
        let followed = share();
        // The readers see the end of the stream then.
        for stream in &ends {
            stream.shutdown(std::net::Shutdown::Both).expect("an open stream");
        }
        followed
    });
    let rate = bytes.load(Ordering::Relaxed) / 1000 / FOLLOWERS / 10;
    let measured = format!("{followed:.1} % of a core ({alone:.1} % without followers), {rate} KB/s to each");
    vec![Row { requirement: "R59", what: "100 followers at 1000 lines/s", limit: "≤ 5 %", measured }]
}
