// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What fuzzing of subchannels starts from: cases that are worth to be varied.

/// A case and its name.
pub type Seed = (&'static str, Vec<u8>);

/// Cases of [`device`](super::device): features, then operations.
pub fn device_seeds() -> Vec<Seed> {
    const FAIL: u8 = 20;
    const DISTURB: u8 = 22;
    let seed = |name, operations: &[&[u8]]| (name, operations.concat());
    vec![
        seed("read", &[&[0], &[0], &[14], &[6]]),
        seed(
            "stepped",
            &[&[1], &[0], &[12, 1], &[14], &[12, 7], &[14], &[6]],
        ),
        seed("format-0", &[&[0], &[2, 2], &[14], &[6]]),
        seed(
            "suspended-and-resumed",
            &[&[0x40], &[10, 6], &[2, 3], &[14], &[6], &[8], &[6], &[5]],
        ),
        seed(
            "resumed-before-it-suspends",
            &[&[0x41], &[10, 6], &[2, 4], &[8], &[12, 7], &[14], &[12, 7]],
        ),
        seed(
            "reads-itself-put-off",
            &[
                &[0x40],
                &[10, 9],
                &[FAIL, 1, 1, 1],
                &[2, 5],
                &[14],
                &[18],
                &[14],
                &[3],
                &[6],
            ],
        ),
        seed(
            "transport",
            &[
                &[0x80],
                &[1, 0, 0b01],
                &[14],
                &[6],
                &[1, 0x2a, 0b0001],
                &[14],
                &[6],
            ],
        ),
        seed(
            "transport-halted-and-storage-taken",
            &[
                &[0x81],
                &[1, 0x42, 0b1000_0101],
                &[12, 1],
                &[26, 0, 1],
                &[3],
                &[12, 7],
                &[14],
                &[6],
            ],
        ),
        seed("wrong-third", &[&[0], &[10, 2], &[0], &[14], &[6], &[6]]),
        seed(
            "halt-endless",
            &[&[1], &[10, 3], &[0], &[12, 2], &[3], &[12, 1], &[14], &[6]],
        ),
        seed(
            "clear-endless",
            &[&[1], &[10, 3], &[0], &[4], &[12, 1], &[14], &[6]],
        ),
        seed(
            "halt-active",
            &[
                &[1],
                &[10, 3],
                &[0],
                &[DISTURB, 1, 6, 1],
                &[3],
                &[12, 1],
                &[14],
            ],
        ),
        seed(
            "busy-twice",
            &[&[0], &[FAIL, 1, 1, 0], &[FAIL, 1, 2, 0], &[0], &[14], &[0]],
        ),
        seed(
            "put-off-and-cancelled",
            &[
                &[0],
                &[FAIL, 1, 1, 1],
                &[FAIL, 1, 2, 1],
                &[FAIL, 1, 3, 1],
                &[0],
                &[5],
            ],
        ),
        seed(
            "put-off-and-started",
            &[
                &[0],
                &[FAIL, 1, 1, 1],
                &[FAIL, 1, 2, 1],
                &[FAIL, 1, 3, 1],
                &[0],
                &[18],
                &[14],
                &[6],
            ],
        ),
        seed(
            "short",
            &[&[1], &[FAIL, 1, 1, 15], &[0], &[12, 4], &[14], &[6]],
        ),
        seed(
            "overwritten",
            &[
                &[0],
                &[DISTURB, 1, 3],
                &[0],
                &[14],
                &[18],
                &[14],
                &[6],
                &[6],
            ],
        ),
        seed(
            "lost",
            &[&[0], &[DISTURB, 1, 2], &[0], &[18], &[18], &[14], &[6]],
        ),
        seed(
            "late-and-cleared",
            &[&[0], &[DISTURB, 1, 0], &[0], &[4], &[23], &[14], &[6]],
        ),
        seed(
            "doubled",
            &[&[0], &[DISTURB, 1, 1], &[0], &[14], &[14], &[6]],
        ),
        seed(
            "attention",
            &[&[0], &[24, 0x80], &[14], &[0], &[6], &[0], &[14], &[6]],
        ),
        seed(
            "unmap-in-flight",
            &[
                &[1],
                &[10, 4],
                &[0],
                &[26, 1],
                &[26, 1],
                &[27],
                &[12, 4],
                &[14],
                &[26],
                &[0],
                &[26],
            ],
        ),
        seed(
            "path-lost",
            &[
                &[0],
                &[25, 0x80, 1],
                &[16],
                &[0],
                &[2, 1],
                &[25, 0x80, 0],
                &[16],
            ],
        ),
        seed("unplugged-in-flight", &[&[1], &[0], &[28, 1], &[3], &[6]]),
        seed(
            "reset-in-flight",
            &[&[1], &[0], &[28, 3], &[9, 0x80, 1], &[0]],
        ),
        seed(
            "no-clear",
            &[&[5], &[10, 3], &[0], &[4], &[18], &[18], &[6]],
        ),
        seed(
            "no-schib",
            &[&[0x10], &[DISTURB, 1, 4], &[0], &[14], &[18], &[14], &[6]],
        ),
        seed(
            "rewritten",
            &[
                &[1],
                &[0],
                &[11, 0x20, 0, 8, 0, 0, 0, 0, 0, 0x20, 0],
                &[12, 7],
                &[14],
            ],
        ),
        seed(
            "device-that-never-stops",
            &[
                &[1],
                &[10, 3],
                &[0],
                &[DISTURB, 1, 2],
                &[DISTURB, 2, 2],
                &[FAIL, 7, 1, 4],
                &[4],
                &[12, 1],
                &[18],
                &[12, 1],
                &[18],
            ],
        ),
    ]
}

/// Cases of [`region`](super::region): a description, then answers, then operations.
pub fn region_seeds() -> Vec<Seed> {
    // The type's capability at 8, behind one that is not known. A kernel's words are in the order of
    // its machine; a file has one order, so elsewhere this one is bytes like any others.
    let mut chain = vec![8, 0, 0, 0, 8, 32];
    chain.extend([0; 8]);
    for word in [0x0001_0009u32, 24, 0x0001_0002, 0] {
        chain.extend(word.to_le_bytes());
    }
    for word in [2u32, 1] {
        chain.extend(word.to_le_bytes());
    }
    let none = vec![0; 6];
    let seed = |name, head: &[u8], answers: &[u8], operations: &[u8]| {
        let len = answers.len().max(operations.len());
        let mut bytes = head.to_vec();
        for part in [answers, operations] {
            bytes.extend(part);
            bytes.resize(bytes.len() + len - part.len(), 0x10);
        }
        (name, bytes)
    };
    let operations = [
        15, 1, 0, 0, 10, 7, 5, 10, 7, 0, 13, 4, 13, 10, 7, 12, 14, 13, 3, 3,
    ];
    let ended: Vec<u8> = [
        0x10, 1, 0x00, 0xc0, 0x40, 0x07, 0x40, 0x00, 0x10, 0x08, 0x0c,
    ]
    .into_iter()
    .cycle()
    .take(300)
    .collect();
    let errors: Vec<u8> = (0u8..=255).rev().collect();
    vec![
        seed("chain", &chain, &[0x10; 64], &operations),
        seed("all-ones", &none, &[0xbf; 200], &operations),
        seed("ended", &none, &ended, &operations),
        seed("errors", &none, &errors, &operations.repeat(4)),
        seed("nothing", &none, &[0; 8], &operations),
    ]
}
