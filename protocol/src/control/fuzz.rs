//! Whatever arrives at the control socket is decoded or refused, and never ends the supervisor (R56).
//!
//! `ANET_FUZZ_FRAMES=100000000 cargo test --workspace --release fuzz -- --nocapture` is the long form; it prints its rate.

use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    ChangeNode, ControlError, EventQuery, HubChanged, LocalAuditLine, LogLine, NodeChanged, NodeTarget, Plan, Shutdown,
    StartHub, SupervisorEvent, SupervisorStatus, Upgrade,
};

/// Frames when nobody says how many.
const FRAMES: u64 = 100_000;

/// Valid frames, of which the others are made.
const CORPUS: [&str; 8] = [
    r#"{"project":"/home/ada/project","wait_seconds":30}"#,
    r#"{"listen":"127.0.0.1:9200","database":"/home/ada/hub.db","variables":{"ANET_REGISTRATION":"invite"}}"#,
    r#"{"stop_children":true}"#,
    r#"{"executable":"/usr/local/bin/anet"}"#,
    r#"{"since":"1795326235000-7","lines":30,"follow":false}"#,
    r#"{"id":7,"cursor":"1-7","at":"2026-11-22 05:43:55","name":"a","process":{"state":"stopping","pid":7,"since":"2026-11-22 05:43:55","asked":{"reason":"stop","by":{"uid":0,"pid":1}}},"happening":{"kind":"link","link":"unreachable"}}"#,
    r#"{"ok":false,"error":"e","code":"node_not_found","hint":"h"}"#,
    r#"{"at":"2026-11-22 05:43:55","by":{"uid":0,"pid":1},"action":"stop","name":"a","result":"refused","code":"internal","error":"é\u0000"}"#,
];

/// Marsaglia's xorshift64, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below.max(1)).unwrap()).unwrap()
    }
}

/// Changes a frame in one to four places: bits, bytes, cuts, repetitions, and words that mean something in JSON.
fn mutate(dice: &mut Dice, frame: &mut Vec<u8>) {
    const WORDS: [&[u8]; 10] = [
        b"null",
        b"-1",
        b"1e999",
        b"18446744073709551616",
        b"\"\\ud800\"",
        b"[[[[",
        b"{\"\":",
        b"\xff\xfe",
        b"\0",
        b",,",
    ];
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(frame.len());
        match dice.roll(6) {
            0 => frame.truncate(at),
            1 if !frame.is_empty() => frame[at] ^= 1 << dice.roll(8),
            2 => frame.insert(at, u8::try_from(dice.roll(256)).unwrap()),
            3 if !frame.is_empty() => drop(frame.remove(at)),
            4 => {
                let piece = frame[at..].to_vec();
                frame.extend(piece);
            }
            _ => drop(frame.splice(at..at, WORDS[dice.roll(WORDS.len())].iter().copied())),
        }
    }
}

/// Decodes a frame; what was understood must say the same when it is written and read again.
fn decode<T: DeserializeOwned + Serialize>(frame: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<T>(frame) else { return false };
    let written = serde_json::to_vec(&value).unwrap();
    let again: T = serde_json::from_slice(&written).unwrap();
    assert_eq!(serde_json::to_vec(&again).unwrap(), written, "{}", String::from_utf8_lossy(frame));
    true
}

#[test]
fn no_frame_ends_the_decoder_and_what_is_understood_means_the_same_when_written_again() {
    #[expect(clippy::disallowed_methods, reason = "how long to go on is for whoever runs the test to say")]
    let frames = std::env::var("ANET_FUZZ_FRAMES").ok().and_then(|text| text.parse().ok()).unwrap_or(FRAMES);
    let mut dice = Dice(0x0a5e_ed0f_a4e7_2026);
    let mut understood = 0_u64;
    let begun = Instant::now();
    for _ in 0..frames {
        let mut frame = CORPUS[dice.roll(CORPUS.len())].as_bytes().to_vec();
        mutate(&mut dice, &mut frame);
        frame.truncate(4096);
        let decoders = [
            decode::<ChangeNode>,
            decode::<NodeTarget>,
            decode::<StartHub>,
            decode::<Shutdown>,
            decode::<Upgrade>,
            decode::<EventQuery>,
            decode::<SupervisorEvent>,
            decode::<ControlError>,
            decode::<LocalAuditLine>,
            decode::<LogLine>,
            decode::<NodeChanged>,
            decode::<HubChanged>,
            decode::<Plan>,
            decode::<SupervisorStatus>,
        ];
        understood += u64::try_from(decoders.iter().filter(|decode| decode(&frame)).count()).unwrap();
    }
    let rate = u128::from(frames) * 1000 / begun.elapsed().as_millis().max(1);
    assert!(understood > 0, "the mutations leave nothing whole, so nothing was tried");
    println!("{frames} frames, {rate} a second, understood {understood} times");
}
