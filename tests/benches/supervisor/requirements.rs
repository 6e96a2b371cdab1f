//! What the requirements want of the supervisor alone, each measured and printed beside its limit.

mod crowd;
mod flood;
mod followers;
mod growth;
mod home;
mod restarts;
mod stops;
mod upgrade;

/// A line of the table.
pub(crate) struct Row {
    requirement: &'static str,
    what: &'static str,
    limit: &'static str,
    measured: String,
}

/// Measures all, and prints each as soon as it is known.
pub(crate) fn print(is_long: bool) {
    println!("\n| requirement | what | limit | measured |\n|---|---|---|---|");
    let measure: [&dyn Fn() -> Vec<Row>; 7] = [
        &crowd::measure,
        &|| growth::measure(is_long),
        &|| restarts::measure(is_long),
        &|| stops::measure(is_long),
        &upgrade::measure,
        &followers::measure,
        &flood::measure,
    ];
    for Row { requirement, what, limit, measured } in measure.into_iter().flat_map(|measure| measure()) {
        println!("| {requirement} | {what} | {limit} | {measured} |");
    }
}
