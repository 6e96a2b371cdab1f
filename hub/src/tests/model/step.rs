//! What may happen next in a history.

use proptest::prelude::*;

/// One step. Numbers choose among what exists, by remainder.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send,
    /// With `forgetful`, the node names nothing that it holds.
    Claim {
        max: u32,
        run: usize,
        forgetful: bool,
    },
    Ack {
        task: usize,
        back: u32,
        run: usize,
    },
    Renew {
        task: usize,
        back: u32,
        run: usize,
        running: bool,
    },
    Reply {
        task: usize,
        back: u32,
        run: usize,
        text: u8,
    },
    Fail {
        task: usize,
        back: u32,
        run: usize,
        text: u8,
    },
    GiveBack {
        task: usize,
        back: u32,
        run: usize,
    },
    Cancel {
        task: usize,
    },
    Pass {
        seconds: i64,
    },
    Takeover {
        holding: Vec<(usize, u32)>,
    },
    Restart,
}

/// Any step; some are likelier than others.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let task = 0..6_usize;
    // Mostly the latest attempt and the current run, sometimes an older one.
    let back = prop_oneof![4 => Just(0_u32), 1 => Just(1)];
    let run = prop_oneof![6 => Just(0_usize), 1 => Just(1)];
    let call = (task.clone(), back.clone(), run.clone());
    prop_oneof![
        4 => Just(Step::Send),
        5 => (1..4_u32, run, prop::bool::weighted(0.2))
            .prop_map(|(max, run, forgetful)| Step::Claim { max, run, forgetful }),
        4 => call.clone().prop_map(|(task, back, run)| Step::Ack { task, back, run }),
        4 => (call.clone(), any::<bool>())
            .prop_map(|((task, back, run), running)| Step::Renew { task, back, run, running }),
        4 => (call.clone(), 0..2_u8).prop_map(|((task, back, run), text)| Step::Reply { task, back, run, text }),
        2 => (call.clone(), 0..2_u8).prop_map(|((task, back, run), text)| Step::Fail { task, back, run, text }),
        2 => call.prop_map(|(task, back, run)| Step::GiveBack { task, back, run }),
        1 => task.clone().prop_map(|task| Step::Cancel { task }),
        3 => (1..70_i64).prop_map(|seconds| Step::Pass { seconds }),
        2 => proptest::collection::vec((task, back), 0..3).prop_map(|holding| Step::Takeover { holding }),
        1 => Just(Step::Restart),
    ]
}
