// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A pinner that translates and keeps account, but pins nothing: for the software channel, whose
//! host storage stays where it is because this process owns it.

use core::{num::NonZeroU32, ops::Range};

use ccw::{GuestAddr, HostAddr};

use crate::{
    Access, AddrSpace, Budget, Caps, Extent, InFlight, InvalidateError, Ledger, Lookup, Permission,
    PinError, Pinner, Region, RegionMap, Run, Runs, Stability,
};

/// Spans that the ledger writes down for each program.
const SPANS: u32 = 1024;

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
        let ledger = Ledger::new(budget, SPANS.min(budget.extents));
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

    #[inline]
    fn translate(&self, extents: &[Extent], runs: &mut Runs) -> Result<(), PinError> {
        runs.try_reserve(extents.len())?;
        let mut lookup = self.regions.lookup();
        let mut done = 0;
        while let Some(rest @ [_, ..]) = extents.get(done..) {
            let whole = rest
                .iter()
                .map(|extent| translate_whole(&mut lookup, extent));
            done = done.wrapping_add(runs.extend_while_some(whole));
            if let Some(extent) = extents.get(done) {
                self.translate_pieces(done, extent, runs)?;
                done = done.wrapping_add(1);
            }
        }
        Ok(())
    }

    /// The general case: the extent crosses regions, or is wrong.
    #[cold]
    fn translate_pieces(
        &self,
        index: usize,
        extent: &Extent,
        runs: &mut Runs,
    ) -> Result<(), PinError> {
        if extent.len == 0 {
            return Err(PinError::BadExtent { index });
        }
        let mut lookup = self.regions.lookup();
        let mut at = extent.start;
        let mut left = extent.len;
        while left > 0 {
            let (region, offset) = lookup.locate(at).ok_or(PinError::NotMapped { at })?;
            if !permits(region, extent.access) {
                return Err(PinError::Permission { at });
            }
            let here = region.len.wrapping_sub(offset);
            let len = u32::try_from(here).map_or(left, |here| here.min(left));
            runs.push(host_at(region, offset), len, at != extent.start);
            left = left.wrapping_sub(len);
            // A region never reaches the end of the address space.
            at = GuestAddr::new(at.get().wrapping_add(u64::from(len)));
        }
        Ok(())
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
        if let Err(error) = self.translate(extents, runs) {
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

/// The run of an extent that lies in one region and may be used as it wants.
#[inline]
fn translate_whole(lookup: &mut Lookup<'_>, extent: &Extent) -> Option<Run> {
    let (region, offset) = lookup.locate(extent.start)?;
    let len = extent.len;
    let whole = len != 0 && u64::from(len) <= region.len.wrapping_sub(offset);
    (whole && permits(region, extent.access)).then(|| Run {
        host: host_at(region, offset),
        len,
    })
}

fn permits(region: &Region, access: Access) -> bool {
    region.permission == Permission::ReadWrite || access == Access::DeviceReads
}

/// `offset` bytes into `region`, whose host addresses do not wrap.
#[inline]
fn host_at(region: &Region, offset: u64) -> HostAddr {
    HostAddr::new(region.host.get().wrapping_add(offset))
}
