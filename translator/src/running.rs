// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! A program that the host has.

use alloc::boxed::Box;
use core::ops::Range;

use ccw::{Guest, GuestAddr, Host, Irb, Orb};
use pinning::{Extent, Pinner};

use crate::{Buffers, Completion, CopyBack, Doublewords, Translated};

/// A program that the host was given and may be executing.
///
/// Its storage stays pinned until [`Self::end`] states that the host has stopped. Dropping it
/// states nothing, so the pins are then kept for ever ([`Self::quarantine`]): a leak is a nuisance,
/// a page given back while a channel stores into it is somebody else's data.
#[derive(Debug)]
#[must_use = "dropping it keeps the pins for ever"]
pub struct Running<P: Pinner> {
    /// `None` only while it is being given away.
    program: Option<Translated<P>>,
    host_orb: Orb<Host>,
    guest_orb: Orb<Guest>,
}

impl<P: Pinner> Translated<P> {
    /// The host is about to be given the program. To be called before, not after: when the host's
    /// answer is lost, the program may run all the same.
    pub fn start(self) -> Running<P> {
        Running {
            host_orb: self.work.host_orb,
            guest_orb: *self.guest_orb(),
            program: Some(self),
        }
    }
}

impl<P: Pinner> Running<P> {
    /// The ORB to start on the host.
    pub fn orb(&self) -> &Orb<Host> {
        &self.host_orb
    }

    /// The guest's ORB.
    pub fn guest_orb(&self) -> &Orb<Guest> {
        &self.guest_orb
    }

    /// The storage that the program uses.
    pub fn extents(&self) -> &[Extent] {
        self.program.as_ref().map_or(&[], Translated::extents)
    }

    /// Maps the status `host` of this program to what the guest sees.
    pub fn complete(&self, host: &Irb<Host>) -> Completion {
        match &self.program {
            Some(program) => program.complete(host),
            None => Completion {
                irb: Irb::IDLE,
                unmapped: true,
                unexplained: true,
                arrived: None,
                tsb: None,
                refused: None,
            },
        }
    }

    /// The guest storage into which the device may have stored before the host's status `host`,
    /// ascending: adjoining ranges are one.
    ///
    /// That is exact for a start function that ended with primary status by itself: the data of
    /// every CCW on the way to where it ended, and of that one as much as the residual count says.
    /// Skipped data, what was never reached and output do not count. A CCW that may have been
    /// executed more than once counts with all its data; so does the last one when its residual
    /// count means nothing. After any other status it is everything
    /// ([`dirty_at_most`](Self::dirty_at_most)). Status that only follows primary status says
    /// nothing new of the data.
    ///
    /// Of a command that the channel tried more than once (PoP: Command Retry) the last try counts.
    /// What an earlier one stored beyond it is not the command's result, and means nothing to the
    /// guest.
    pub fn dirty(&mut self, host: &Irb<Host>) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let program = self.program.as_mut();
        program.map(|it| it.dirty(host)).into_iter().flatten()
    }

    /// The guest storage into which the device may have stored when nothing is known of how the
    /// program ended: all that it may ever store into.
    pub fn dirty_at_most(&mut self) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let program = self.program.as_mut();
        program.map(Translated::dirty_at_most).into_iter().flatten()
    }

    /// The program; none only if there is none, which cannot be.
    pub(crate) fn program(&self) -> Option<&Translated<P>> {
        self.program.as_ref()
    }

    /// The guest storage that the program may have used: CCWs, lists and data, in no order. For a program
    /// that has ended that is what [`StorageKeys::referenced`](crate::StorageKeys::referenced) is about.
    pub fn referenced(&self) -> impl Iterator<Item = Range<GuestAddr>> + '_ {
        let program = self.program.as_ref();
        program.map(Translated::referenced).into_iter().flatten()
    }

    /// Takes the program out; none only if there is none, which cannot be.
    pub(crate) fn take(&mut self) -> Option<Translated<P>> {
        self.program.take()
    }

    /// What is to be copied to the guest before it is told of the host's status `host`, or of the end
    /// of a program of whose end there is no status. `area` is what the host left in the area for
    /// copies, as far as it was [used](crate::Doublewords). Usually nothing.
    ///
    /// To be asked once for each status with intermediate or primary status, before
    /// [`Self::dirty`] tells of it; and to be copied in this order.
    pub fn copies_back(
        &mut self,
        host: Option<&Irb<Host>>,
        area: &[u8],
    ) -> impl Iterator<Item = CopyBack> + '_ {
        let program = self.program.as_mut();
        program
            .map(|it| it.copies_back(host, area))
            .into_iter()
            .flatten()
    }

    /// How much of the areas of the slot the program was written to.
    pub fn doublewords(&self) -> Doublewords {
        let program = self.program.as_ref();
        program.map(Translated::doublewords).unwrap_or_default()
    }

    /// The host has refused the program, for certain.
    ///
    /// `None` only if there is no program, which cannot be.
    pub fn refused(mut self) -> Option<Translated<P>> {
        self.program.take()
    }

    /// The host has stopped using the program, or never began: gives pins and buffers back.
    pub fn end(mut self) -> Box<Buffers> {
        match self.program.take() {
            Some(program) => program.release(),
            None => Buffers::new(),
        }
    }

    /// The host never said that it stopped: gives the buffers back and keeps the pins for ever.
    pub fn quarantine(mut self) -> Box<Buffers> {
        match self.program.take() {
            Some(program) => program.quarantine(),
            None => Buffers::new(),
        }
    }
}

impl<P: Pinner> Drop for Running<P> {
    fn drop(&mut self) {
        if let Some(program) = self.program.take() {
            log::warn!(
                target: "translator::running",
                "dropped while the host may be executing it: its storage stays pinned"
            );
            drop(program.quarantine());
        }
    }
}

#[cfg(test)]
mod tests {
    use ccw::{GuestAddr, HostAddr, RawIrb, RawOrb};
    use pinning::{Budget, Permission, PlainPinner, Region, RegionMap};

    use super::*;
    use crate::{Area, Guards, GuestStorage, HostProfile, Planned, Policy, Slot, fetch, validate};

    /// READ of 16 bytes to 3000, everywhere.
    struct Memory;
    impl GuestStorage for Memory {
        fn read(&self, _: GuestAddr, buf: &mut [u8]) -> usize {
            for (to, from) in buf.iter_mut().zip([2, 0, 0, 16, 0, 0, 0x30, 0]) {
                *to = from;
            }
            buf.len()
        }
    }

    fn pinner() -> PlainPinner {
        let region = Region {
            guest: GuestAddr::new(0),
            len: 0x1_0000,
            host: HostAddr::new(0x1_0000_0000),
            permission: Permission::ReadWrite,
        };
        PlainPinner::new(RegionMap::new(&[region]).unwrap(), Budget::default())
    }

    fn translated(pinner: &PlainPinner) -> Translated<&PlainPinner> {
        let guards = Guards::default();
        let orb = RawOrb::from_words([7, 0x00c2_8000, 0x2000]);
        let snapshot = fetch(&orb, &Memory, &Policy::MEDIATE, &guards, Buffers::new());
        let program = validate(snapshot, pinner.regions(), &guards);
        let Ok(Planned::Run(plan)) = program.plan(&HostProfile::SOFTWARE) else {
            panic!("a legal program");
        };
        let (mut ccws, mut lists) = ([0; 64], [0; 64]);
        let ccws = Area::new(HostAddr::new(0x10_0000), &mut ccws).unwrap();
        let lists = Area::new(HostAddr::new(0x10_0100), &mut lists).unwrap();
        let slot = Slot::new(ccws, lists, HostAddr::new(0x10_1000)).unwrap();
        plan.pin(pinner).unwrap().emit(slot).unwrap()
    }

    /// Programs in flight, and how many of them are kept for ever.
    fn held(pinner: &PlainPinner) -> (usize, usize) {
        let ledger = pinner.ledger();
        (ledger.in_flight(), ledger.quarantined())
    }

    #[test]
    fn pins_go_back_when_the_host_has_stopped() {
        let pinner = pinner();
        let translated = translated(&pinner);
        // READ and the stop CCWs behind it; one list word.
        let Doublewords {
            ccws,
            lists,
            copies,
        } = translated.doublewords();
        assert_eq!((ccws, lists, copies), (3, 1, 0));
        let running = translated.start();
        assert_eq!(held(&pinner), (1, 0));
        assert_eq!(running.orb().cpa.get(), 0x10_0000);
        assert_eq!(running.guest_orb().intparm, 7);
        assert_eq!(running.extents()[0].start, GuestAddr::new(0x3000));
        drop(running.end());
        assert_eq!(held(&pinner), (0, 0));
    }

    /// A subchannel logout says of itself whether the CCW address is valid.
    #[test]
    fn an_address_of_no_ccw_is_not_called_valid() {
        let pinner = pinner();
        let running = translated(&pinner).start();
        let mut raw = [0; 64];
        // Interface-control check; the logout: path 80, path and CCW address valid.
        for (n, byte) in [(0, 4), (2, 0x40), (3, 0x17), (9, 2), (13, 0x80), (14, 0x44)] {
            raw[n] = byte;
        }
        // The CCW address: behind READ, behind the stop CCWs, and elsewhere.
        for (address, guest, valid) in [
            (0x10_0008_u32, 0x2008, 0x44),
            (0x10_0018, 0, 0x40),
            (0x7654_3210, 0, 0x40),
        ] {
            raw[4..8].copy_from_slice(&address.to_be_bytes());
            let completion = running.complete(&Irb::decode(&RawIrb(raw)));
            let shown = completion.irb.encode().0;
            assert_eq!(completion.irb.scsw.cpa, guest, "{address:x}");
            assert_eq!((shown[13], shown[14]), (0x80, valid), "{address:x}");
        }
        drop(running.end());
    }

    #[test]
    fn dropped_before_the_start_it_holds_nothing() {
        let pinner = pinner();
        drop(translated(&pinner));
        assert_eq!(held(&pinner), (0, 0));
    }

    #[test]
    fn dropped_behind_the_start_it_holds_everything() {
        let pinner = pinner();
        drop(translated(&pinner).start());
        assert_eq!(held(&pinner), (1, 1));
        drop(translated(&pinner).start().quarantine());
        assert_eq!(held(&pinner), (2, 2));
    }
}
