//! The figures of one system in one round.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::observer::{Observer, now};
use crate::patience::{Step, sweep};
use crate::process_group::ProcessGroup;
use crate::systems::{Run, System};

/// Longer than the second for which several supervisors call a child unproven.
const SETTLING: Duration = Duration::from_secs(3);
/// How long idleness is watched.
const IDLE: Duration = Duration::from_secs(10);
const KILLS: usize = 15;
/// Fewer are killed where replacing them takes long.
const KILLING: Duration = Duration::from_secs(12);
const ASKINGS: usize = 7;

/// Milliseconds, but for what says otherwise; absent where a system has no such thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// From the command that starts the supervisor to the start of the last child.
    pub(crate) cold: Option<f64>,
    /// From the command that starts all children of a running supervisor to the start of the last.
    pub(crate) warm: Option<f64>,
    /// From `kill -9` of a child to the start of its replacement, median.
    pub(crate) restart: Option<f64>,
    /// The same, the slowest.
    pub(crate) slowest_restart: Option<f64>,
    /// The whole command that tells the state of all.
    pub(crate) status: Option<f64>,
    /// From the command that stops all to the end of the last child.
    pub(crate) stop: Option<f64>,
    /// The supervisor's own processes.
    pub(crate) processes: Option<f64>,
    /// Megabytes.
    pub(crate) resident: Option<f64>,
    /// Megabytes.
    pub(crate) proportional: Option<f64>,
    /// Milliseconds of processor time in a second without work.
    pub(crate) idle_time: Option<f64>,
    /// Wake-ups in such a second.
    pub(crate) idle_wakeups: Option<f64>,
    /// Children that are alive after the supervisor's end.
    pub(crate) left: Option<f64>,
    /// What is absent although it was tried, and why.
    pub(crate) unmeasured: Vec<String>,
}

/// Starts the system in a directory of its own, measures, and ends it.
pub(crate) fn measure(system: &dyn System, count: usize) -> Figures {
    let directory = tempfile::Builder::new().prefix("bench-").tempdir().expect("a temporary directory");
    let mut observer = Observer::new(directory.path());
    let mut run = system.set_up(directory.path(), &observer.child(), count);
    // Some have to be told of their children while they run.
    observer.clear();
    observer.forget_counts();
    let mut figures = Figures::default();
    if let Err(why) = begin(run.as_mut(), &mut observer, count, &mut figures) {
        figures.unmeasured.push(format!("anything: {why}"));
    } else {
        go_on(run.as_mut(), &mut observer, count, &mut figures);
    }
    if let Err(why) = run.end() {
        figures.unmeasured.push(format!("its end: {why}"));
    }
    // Some return before the children have ended; those that do within the settling time are not left behind.
    observer.settle(SETTLING);
    figures.left = Some(real(observer.clear()));
    let others = sweep(directory.path());
    if others > 0 {
        figures.unmeasured.push(format!("{others} processes of it had to be killed after its end"));
    }
    figures
}

/// The cold start, and what the supervisor costs at rest.
fn begin(run: &mut dyn Run, observer: &mut Observer, count: usize, figures: &mut Figures) -> Step {
    let began = now();
    run.start_cold()?;
    figures.cold = Some(last_start(observer, count, began)?);
    std::thread::sleep(SETTLING);
    observer.forget_counts();

    let children: BTreeSet<u32> = observer.alive.keys().copied().collect();
    let group = ProcessGroup::below(&run.roots(), &children);
    figures.processes = Some(real(group.count()));
    let (resident, proportional) = group.memory();
    (figures.resident, figures.proportional) = (Some(resident), Some(proportional));
    let before = group.activity();
    std::thread::sleep(IDLE);
    let after = group.activity();
    let (time, switches) = after.since(&before);
    figures.idle_time = Some(time / IDLE.as_secs_f64());
    figures.idle_wakeups = Some(switches / IDLE.as_secs_f64());

    if run.restarts() {
        let mut pauses = replacements(observer, &children);
        pauses.sort_by(f64::total_cmp);
        figures.restart = pauses.get(pauses.len() / 2).copied();
        figures.slowest_restart = pauses.last().copied();
    }
    Ok(())
}

/// What is asked of a running supervisor. A step that fails does not keep the next from being tried.
fn go_on(run: &mut dyn Run, observer: &mut Observer, count: usize, figures: &mut Figures) {
    let mut askings = Vec::new();
    for _ in 0..ASKINGS {
        let began = now();
        if let Err(why) = run.status() {
            figures.unmeasured.push(format!("status: {why}"));
            break;
        }
        askings.push(now() - began);
    }
    askings.sort_by(f64::total_cmp);
    figures.status = askings.get(askings.len() / 2).copied();

    observer.forget_counts();
    let began = now();
    let asked = run.stop_all();
    match asked.and_then(|()| all_end(observer)) {
        Ok(()) => figures.stop = observer.ends.last().map(|end| end - began),
        Err(why) => figures.unmeasured.push(format!("stop: {why}")),
    }
    std::thread::sleep(SETTLING);
    observer.forget_counts();
    let began = now();
    let asked = run.start_all();
    match asked.and_then(|()| last_start(observer, count, began)) {
        Ok(warm) => figures.warm = Some(warm),
        Err(why) => figures.unmeasured.push(format!("warm start: {why}")),
    }
}

fn all_end(observer: &mut Observer) -> Step {
    if observer.wait(|observer| observer.alive.is_empty()) {
        return Ok(());
    }
    Err(format!("{} children did not end", observer.alive.len()))
}

fn last_start(observer: &mut Observer, count: usize, began: f64) -> Result<f64, String> {
    if !observer.wait(|observer| observer.starts.len() >= count) {
        return Err(format!("{} of {count} children were started", observer.starts.len()));
    }
    let mut starts = observer.starts.clone();
    starts.sort_by(f64::total_cmp);
    Ok(starts[count - 1] - began)
}

/// How long each of some killed children took to be replaced.
fn replacements(observer: &mut Observer, children: &BTreeSet<u32>) -> Vec<f64> {
    let mut pauses = Vec::new();
    let deadline = Instant::now() + KILLING;
    for (number, pid) in children.iter().take(KILLS).take_while(|_| Instant::now() < deadline).enumerate() {
        observer.forget_counts();
        let began = now();
        observer.kill(*pid);
        if observer.wait(|observer| !observer.starts.is_empty()) {
            pauses.push(observer.starts[0] - began);
        }
        // Uneven, so as not to fall into step with a supervisor's own clock.
        std::thread::sleep(Duration::from_millis(100 + 137 * (number as u64 % 7)));
    }
    pauses
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn real(count: usize) -> f64 {
    count as f64
}
