//! R8: nothing of the supervisor grows with the restarts.

use super::Row;
use super::home::{Home, names, sleeper};

const PROGRAMS: usize = 20;

pub(super) fn measure(is_long: bool) -> Vec<Row> {
    let restarts = if is_long { 100_000 } else { 4_000 };
    let home = Home::new();
    let names = names(0, PROGRAMS);
    home.run_all(&names, &sleeper());
    let restart = |count: usize| {
        std::thread::scope(|scope| {
            for name in &names {
                let home = &home;
                scope.spawn(move || {
                    for _ in 0..count / PROGRAMS {
                        home.post(&format!("/v1/nodes/{name}/restart"));
                    }
                });
            }
        });
        (home.group().memory().0, home.descriptors())
    };
    // Until every buffer and every list of exits is as long as it becomes.
    let (resident, descriptors) = restart(restarts / 4);
    let (resident_later, descriptors_later) = restart(restarts);
    let measured = format!(
        "{resident:.2} to {resident_later:.2} MB, {descriptors} to {descriptors_later} descriptors, after {} and {} restarts",
        restarts / 4,
        restarts / 4 + restarts
    );
    vec![Row { requirement: "R8", what: "RSS and descriptors over many restarts", limit: "no growth", measured }]
}
