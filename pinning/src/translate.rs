// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! From guest extents to host runs.

use ccw::{GuestAddr, HostAddr};

use crate::{Access, Extent, Lookup, Permission, PinError, Region, RegionMap, Run, Runs};

impl RegionMap {
    /// Appends to `runs` the host-contiguous pieces of `extents`, in order; a back end's
    /// [`pin`](crate::Pinner::pin) is this and whatever keeps the pages in place.
    ///
    /// # Errors
    ///
    /// [`PinError::NotMapped`], [`PinError::Permission`], [`PinError::BadExtent`] and
    /// [`PinError::OutOfRuns`]; `runs` then holds the pieces before the error.
    #[inline]
    pub fn translate(&self, extents: &[Extent], runs: &mut Runs) -> Result<(), PinError> {
        runs.try_reserve(extents.len())?;
        let mut lookup = self.lookup();
        let mut done = 0;
        while let Some(rest @ [_, ..]) = extents.get(done..) {
            let whole = rest
                .iter()
                .map(|extent| translate_whole(&mut lookup, extent));
            done = done.wrapping_add(runs.extend_while_some(whole));
            if let Some(extent) = extents.get(done) {
                let part = |region: &Region, (offset, len), is_first: bool| {
                    runs.push(host_at(region, offset), len, !is_first);
                };
                parts(
                    done,
                    extent,
                    |at| self.lookup().locate(at),
                    |region| region,
                    part,
                )?;
                done = done.wrapping_add(1);
            }
        }
        Ok(())
    }
}

/// The general case: the extent `index` crosses regions, or is wrong. `part` is told each part of it
/// that lies in one region, as offset and length there, and whether it is the first one.
#[cold]
pub(crate) fn parts<'a, R: 'a>(
    index: usize,
    extent: &Extent,
    locate: impl Fn(GuestAddr) -> Option<(&'a R, u64)>,
    region: impl Fn(&R) -> &Region,
    mut part: impl FnMut(&R, (u64, u32), bool),
) -> Result<(), PinError> {
    if extent.len == 0 {
        return Err(PinError::BadExtent { index });
    }
    let (mut at, mut left) = (extent.start, extent.len);
    while left > 0 {
        let (found, offset) = locate(at).ok_or(PinError::NotMapped { at })?;
        if !permits(region(found), extent.access) {
            return Err(PinError::Permission { at });
        }
        let here = region(found).len.wrapping_sub(offset);
        let len = u32::try_from(here).map_or(left, |here| here.min(left));
        part(found, (offset, len), at == extent.start);
        left = left.wrapping_sub(len);
        // A region never reaches the end of the address space.
        at = GuestAddr::new(at.get().wrapping_add(u64::from(len)));
    }
    Ok(())
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

pub(crate) fn permits(region: &Region, access: Access) -> bool {
    region.permission == Permission::ReadWrite || access == Access::DeviceReads
}

/// `offset` bytes into `region`, whose host addresses do not wrap.
#[inline]
fn host_at(region: &Region, offset: u64) -> HostAddr {
    HostAddr::new(region.host.get().wrapping_add(offset))
}
