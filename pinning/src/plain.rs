// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pinner that translates and keeps account, but pins nothing: for the software channel, whose
//! host storage stays where it is because this process owns it.

use core::{num::NonZeroU32, ops::Range};

use ccw::GuestAddr;

use crate::{
    AddrSpace, Budget, Caps, Extent, InFlight, InvalidateError, Ledger, PinError, Pinner,
    RegionMap, Runs, Stability, ledger::USUAL_SPANS,
};

/// Translation by a [`RegionMap`], with [`Ledger`] and [`Budget`].
///
/// ```
/// use ccw::{GuestAddr, HostAddr};
/// use pinning::{
///     Access, Budget, Extent, Permission, Pins, PlainPinner, Region, RegionMap, Run, Runs,
/// };
/// let regions = RegionMap::new(&[Region {
///     guest: GuestAddr::new(0),
///     len: 0x10_0000,
///     host: HostAddr::new(0x1_0000_0000),
///     permission: Permission::ReadWrite,
/// }])?;
/// let pinner = PlainPinner::new(regions, Budget::default());
/// let mut runs = Runs::new();
/// let sense = Extent { start: GuestAddr::new(0x5ff0), len: 32, access: Access::DeviceWrites };
/// let pins = Pins::acquire(&pinner, &[sense], &mut runs)?;
/// assert_eq!(runs.as_slice(), [Run { host: HostAddr::new(0x1_0000_5ff0), len: 32 }]);
/// drop(pins); // after the device is done
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PlainPinner {
    regions: RegionMap,
    ledger: Ledger,
}

impl PlainPinner {
    /// A pinner for the storage in `regions`.
    pub fn new(regions: RegionMap, budget: Budget) -> Self {
        let ledger = Ledger::new(budget, USUAL_SPANS.min(budget.extents));
        Self { regions, ledger }
    }

    /// Where guest storage lies.
    pub fn regions(&self) -> &RegionMap {
        &self.regions
    }

    /// The programs in flight.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Pinner for PlainPinner {
    type Token = InFlight;

    fn caps(&self) -> Caps {
        let budget = self.ledger.budget();
        Caps {
            space: AddrSpace::Virtual,
            stability: Stability::TranslationOnly,
            read_only_pins: true,
            max_pins: NonZeroU32::new(budget.programs),
            max_bytes_per_pin: budget.bytes,
        }
    }

    #[inline]
    fn pin(&self, extents: &[Extent], runs: &mut Runs) -> Result<InFlight, PinError> {
        runs.clear();
        let program = self.ledger.open(extents)?;
        if let Err(error) = self.regions.translate(extents, runs) {
            runs.clear();
            self.ledger.close(program);
            return Err(error);
        }
        Ok(program)
    }

    #[inline]
    fn unpin(&self, token: InFlight) {
        self.ledger.close(token);
    }

    fn quarantine(&self, token: InFlight) {
        self.ledger.quarantine(token);
    }

    fn begin_invalidate(&self, range: Range<GuestAddr>) -> Result<(), InvalidateError> {
        self.ledger.begin_invalidate(&range)
    }

    fn quiesced(&self, range: Range<GuestAddr>) -> bool {
        self.ledger.quiesced(&range)
    }

    fn end_invalidate(&self, range: Range<GuestAddr>, still_mapped: bool) {
        self.ledger.end_invalidate(&range, still_mapped);
    }
}
