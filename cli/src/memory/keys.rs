// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Storage keys.

use std::collections::BTreeMap;

/// A storage key, of one block of storage or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First byte, a multiple of 4096.
    pub addr: u64,
    /// Bytes, a multiple of 4096.
    pub len: u64,
    /// Access-control bits, 0-15.
    pub key: u8,
    /// The key protects against fetching too.
    pub fetch_protect: bool,
}

impl KeyRange {
    /// First address behind; whoever lists a key has seen to it that it fits.
    const fn end(&self) -> u64 {
        self.addr.saturating_add(self.len)
    }
}

/// The keys of a storage, by their first bytes; not empty and apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(BTreeMap<u64, KeyRange>);

impl Keys {
    /// `keys` cut so that they do not overlap: a later one takes the place of what lies under it.
    pub(super) fn new(keys: Vec<KeyRange>) -> Self {
        let mut map: BTreeMap<u64, KeyRange> = BTreeMap::new();
        for key in keys.into_iter().filter(|key| key.len > 0) {
            for edge in [key.addr, key.end()] {
                if let Some((_, under)) = map.range_mut(..edge).next_back()
                    && under.end() > edge
                {
                    let behind = KeyRange {
                        addr: edge,
                        len: under.end() - edge,
                        ..*under
                    };
                    under.len = edge - under.addr;
                    map.insert(edge, behind);
                }
            }
            let hidden: Vec<u64> = map.range(key.addr..key.end()).map(|(at, _)| *at).collect();
            for at in hidden {
                map.remove(&at);
            }
            map.insert(key.addr, key);
        }
        Self(map)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of the block that holds `addr`, if one is listed.
    pub(super) fn at(&self, addr: u64) -> Option<KeyRange> {
        let (_, key) = self.0.range(..=addr).next_back()?;
        (addr < key.end()).then_some(*key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_keys_counts() {
        let key = |addr, len, key| KeyRange {
            addr,
            len,
            key,
            fetch_protect: key == 3,
        };
        let keys = vec![
            key(0x1000, 0x5000, 1),
            key(0x2000, 0x1000, 2),
            key(0x8000, 0, 9),
            key(0x5000, 0x3000, 3),
            key(0x7000, 0x2000, 4),
            key(0xa000, 0x1000, 5),
            key(0xa000, 0x1000, 6),
        ];
        let keys = Keys::new(keys);
        let blocks: Vec<u8> = (0..16)
            .map(|block| keys.at(block << 12).map_or(0, |key| key.key))
            .collect();
        assert_eq!(blocks, [0, 1, 2, 1, 1, 3, 3, 4, 4, 0, 6, 0, 0, 0, 0, 0]);
        assert_eq!(keys.at(0x6fff), Some(key(0x5000, 0x2000, 3)));
        assert_eq!(keys.at(0x9000), None);
    }
}
