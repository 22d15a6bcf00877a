// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! The extended-status word. "PoP: Extended-Status Word".
//!
//! Format 0 (L bit of the SCSW one) says where in storage or in the program an error lies. The
//! other formats (L zero) name the path last used; nothing in their bytes tells 1, 2 and 3 apart,
//! so they are one [`Esw::Path`] here.

use crate::bytes::{field, put};
use crate::{Addr, Addr31, Erw, Logout, RawErw, Space};

/// Bytes of an ESW.
pub const ESW_SIZE: usize = 20;

/// The twenty bytes of an ESW, whatever they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct RawEsw(pub [u8; ESW_SIZE]);

impl RawEsw {
    /// Word 1, the extended-report word.
    pub fn erw(&self) -> RawErw {
        RawErw(u32::from_be_bytes(field(&self.0, 4)))
    }
}

/// Where storage failed, in the width in which it was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailingStorage<S: Space> {
    /// 31 bits, in word 2.
    Bits31(Addr31<S>),
    /// 64 bits, in words 2 and 3.
    Bits64(Addr<S>),
}

/// An ESW whose addresses name storage of the space `S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Esw<S: Space> {
    /// Format 0.
    Logout {
        /// Word 0.
        logout: Logout,
        /// Word 1.
        erw: Erw,
        /// Words 2-3, if valid.
        failing_storage: Option<FailingStorage<S>>,
        /// Word 4, if valid.
        secondary_ccw: Option<Addr31<S>>,
    },
    /// Formats 1, 2 and 3.
    Path {
        /// Byte 1: path last used.
        lpum: u8,
        /// Bytes 2-3: device-connect time interval, of format 2; otherwise 0.
        connect_time: u16,
        /// Word 1.
        erw: Erw,
    },
}

impl<S: Space> Esw<S> {
    /// The ESW of an ending that has nothing to say.
    pub const NONE: Self = Self::Path {
        lpum: 0,
        connect_time: 0,
        erw: Erw {
            request_logging: false,
            logout_pending: false,
            authorization_check: false,
            path_verification: false,
            path_timeout: false,
            concurrent_sense: None,
        },
    };

    /// What `raw` says. `format0` is the L bit of the SCSW that came with it.
    ///
    /// Reserved fields, and addresses that the ERW does not call valid, are dropped.
    pub fn decode(raw: &RawEsw, format0: bool) -> Self {
        let raw_erw = raw.erw();
        let erw = Erw::decode(raw_erw);
        let [_, lpum, time @ ..] = field::<4>(&raw.0, 0);
        if !format0 {
            return Self::Path {
                lpum,
                connect_time: u16::from_be_bytes(time),
                erw,
            };
        }
        let addr31 = |at| Addr31::truncate(u32::from_be_bytes(field(&raw.0, at)));
        let failing_storage = match (
            raw_erw.0 & RawErw::FAILING_STORAGE != 0,
            raw_erw.0 & RawErw::FAILING_STORAGE_64 != 0,
        ) {
            (false, _) => None,
            (true, false) => Some(FailingStorage::Bits31(addr31(8))),
            (true, true) => Some(FailingStorage::Bits64(Addr::new(u64::from_be_bytes(
                field(&raw.0, 8),
            )))),
        };
        Self::Logout {
            logout: Logout::decode(field(&raw.0, 0)),
            erw,
            failing_storage,
            secondary_ccw: (raw_erw.0 & RawErw::SECONDARY_CCW != 0).then(|| addr31(16)),
        }
    }

    /// The twenty bytes.
    pub fn encode(&self) -> RawEsw {
        let mut bytes = [0; ESW_SIZE];
        let mut erw = self.erw().encode();
        match self {
            Self::Path {
                lpum, connect_time, ..
            } => {
                put(&mut bytes, 1, &[*lpum]);
                put(&mut bytes, 2, &connect_time.to_be_bytes());
            }
            Self::Logout {
                logout,
                failing_storage,
                secondary_ccw,
                ..
            } => {
                put(&mut bytes, 0, &logout.encode());
                match failing_storage {
                    Some(FailingStorage::Bits31(addr)) => {
                        erw.0 |= RawErw::FAILING_STORAGE;
                        put(&mut bytes, 8, &addr.get().to_be_bytes());
                    }
                    Some(FailingStorage::Bits64(addr)) => {
                        erw.0 |= RawErw::FAILING_STORAGE | RawErw::FAILING_STORAGE_64;
                        put(&mut bytes, 8, &addr.get().to_be_bytes());
                    }
                    None => {}
                }
                if let Some(addr) = secondary_ccw {
                    erw.0 |= RawErw::SECONDARY_CCW;
                    put(&mut bytes, 16, &addr.get().to_be_bytes());
                }
            }
        }
        put(&mut bytes, 4, &erw.0.to_be_bytes());
        RawEsw(bytes)
    }

    /// Word 1, without the bits that speak of addresses.
    pub const fn erw(&self) -> Erw {
        match self {
            Self::Logout { erw, .. } | Self::Path { erw, .. } => *erw,
        }
    }

    /// Whether this is format 0, so that the SCSW's L bit has to be one.
    pub const fn is_format0(&self) -> bool {
        matches!(self, Self::Logout { .. })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ErrorFlags, Guest, StorageAccess, Termination};

    #[test]
    fn format_0_by_hand() {
        let mut raw = RawEsw::default();
        raw.0[..4].copy_from_slice(&[0x04, 0x80, 0x4d, 0x40]);
        raw.0[4..8].copy_from_slice(&[0x02, 0xc0, 0, 0]);
        raw.0[8..16].copy_from_slice(&[0, 0, 0, 1, 0x23, 0x45, 0x60, 0]);
        raw.0[16..].copy_from_slice(&[0, 0, 0x22, 0x18]);
        let Esw::Logout {
            logout,
            erw,
            failing_storage,
            secondary_ccw,
        } = Esw::<Guest>::decode(&raw, true)
        else {
            panic!("a format-0 ESW");
        };
        assert_eq!(logout.errors, ErrorFlags::CCW_CHECK);
        assert_eq!(
            (logout.lpum, logout.storage_access),
            (0x80, StorageAccess::Read)
        );
        assert_eq!(logout.termination, Termination::Normal);
        assert_eq!(erw, Erw::default());
        assert_eq!(
            failing_storage,
            Some(FailingStorage::Bits64(Addr::new(0x1_2345_6000)))
        );
        assert_eq!(secondary_ccw, Some(Addr31::truncate(0x2218)));
        assert_eq!(Esw::<Guest>::decode(&raw, true).encode(), raw);

        raw.0[5] = 0;
        let Esw::Logout {
            failing_storage,
            secondary_ccw,
            ..
        } = Esw::<Guest>::decode(&raw, true)
        else {
            panic!("a format-0 ESW");
        };
        assert_eq!(
            failing_storage,
            Some(FailingStorage::Bits31(Addr31::truncate(1)))
        );
        assert_eq!(secondary_ccw, None);
    }

    #[test]
    fn other_formats_by_hand() {
        let mut raw = RawEsw::default();
        raw.0[1] = 0x80;
        raw.0[2..4].copy_from_slice(&[0x12, 0x34]);
        raw.0[4] = 0x08;
        let esw = Esw::<Guest>::decode(&raw, false);
        let erw = Erw {
            path_verification: true,
            ..Erw::default()
        };
        assert_eq!(
            esw,
            Esw::Path {
                lpum: 0x80,
                connect_time: 0x1234,
                erw
            }
        );
        assert_eq!(esw.encode(), raw);
        assert_eq!(Esw::<Guest>::NONE.encode(), RawEsw::default());
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: [u8; ESW_SIZE], format0: bool) {
            let esw = Esw::<Guest>::decode(&RawEsw(bytes), format0);
            prop_assert_eq!(esw.is_format0(), format0);
            let again = esw.encode();
            prop_assert_eq!(Esw::<Guest>::decode(&again, format0), esw);
            // What is stored was there before.
            for (new, old) in again.0.iter().zip(bytes) {
                prop_assert_eq!(new & !old, 0);
            }
        }
    }
}
