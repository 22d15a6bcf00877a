// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The four regions, each a view of its bytes.
//!
//! Only the I/O region has a fixed place (index 0). The others stand in the order in which the
//! kernel registered them: find them by type and subtype.

use ccw::{
    EMW_SIZE, FunctionControl, Host, IRB_EXTENDED_SIZE, Orb, RawCrw, RawIrb, RawSchib, RawScsw,
    SCHIB_SIZE, SCSW_SIZE, Scsw,
};

/// Type of the region capability of all regions but the I/O region.
pub const REGION_TYPE_CCW: u32 = 2;
/// Subtype of the [`AsyncRegion`].
pub const SUBTYPE_ASYNC: u32 = 1;
/// Subtype of the [`SchibRegion`].
pub const SUBTYPE_SCHIB: u32 = 2;
/// Subtype of the [`CrwRegion`].
pub const SUBTYPE_CRW: u32 = 3;

/// Bytes of the I/O region.
pub const IO_REGION_SIZE: usize = 124;
/// Bytes of the region for halt and clear.
pub const ASYNC_REGION_SIZE: usize = 8;
/// Bytes of the SCHIB region.
pub const SCHIB_REGION_SIZE: usize = SCHIB_SIZE;
/// Bytes of the region of channel reports.
pub const CRW_REGION_SIZE: usize = 8;

/// Bytes of an ORB that the kernel takes: words 0-2.
pub const ORB_AREA_SIZE: usize = 12;
/// First byte of the SCSW, the IRB and the return code in the I/O region.
const SCSW_AT: usize = ORB_AREA_SIZE;
const IRB_AT: usize = SCSW_AT + SCSW_SIZE;
const RET_CODE_AT: usize = IRB_AT + IRB_EXTENDED_SIZE;

/// The I/O region: ORB and SCSW in, IRB and return code out.
///
/// ```
/// use ccw::{Orb, RawOrb};
/// use vfio_ccw::IoRegion;
///
/// let orb = Orb::decode(&RawOrb::from_words([0x00a0_b0c0, 0x00c2_8000, 0x10_0000]));
/// let request = IoRegion::start(&orb);
/// assert_eq!(request.0[..4], [0, 0xa0, 0xb0, 0xc0]); // interruption parameter
/// assert_eq!(request.scsw().0[..4], [0, 0, 0x40, 0]); // start function
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IoRegion(pub [u8; IO_REGION_SIZE]);

impl IoRegion {
    /// The request to start `orb`: everything else is zero.
    ///
    /// The kernel takes words 0-2 of an ORB only, so an ORB extension is lost.
    pub fn start(orb: &Orb<Host>) -> Self {
        let mut scsw = Scsw::<Host>::IDLE;
        scsw.function = FunctionControl::START;
        Self::request(&bytes(&orb.encode().0, 0), &scsw.encode())
    }

    /// The request for the function in `scsw`, with words 0-2 of an ORB: everything else is zero.
    pub fn request(orb: &[u8; ORB_AREA_SIZE], scsw: &RawScsw) -> Self {
        let mut region = [0; IO_REGION_SIZE];
        region[..ORB_AREA_SIZE].copy_from_slice(orb);
        region[SCSW_AT..IRB_AT].copy_from_slice(&scsw.0);
        Self(region)
    }

    /// Words 0-2 of the ORB.
    pub fn orb(&self) -> [u8; ORB_AREA_SIZE] {
        bytes(&self.0, 0)
    }

    /// The SCSW area: the function that is requested.
    pub fn scsw(&self) -> RawScsw {
        RawScsw(bytes(&self.0, SCSW_AT))
    }

    /// What the kernel is to read of a request: ORB and SCSW.
    pub(crate) fn function(&self) -> &[u8] {
        self.0.get(..IRB_AT).unwrap_or(&[])
    }

    /// The IRB of the last interrupt, with its extended measurement word.
    pub fn irb(&self) -> (RawIrb, [u8; EMW_SIZE]) {
        RawIrb::split_extended(&bytes(&self.0, IRB_AT))
    }

    /// What became of the last request: 0, or a negated errno.
    pub fn ret_code(&self) -> i32 {
        i32::from_ne_bytes(bytes(&self.0, RET_CODE_AT))
    }
}

/// What the region for halt and clear asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AsyncCommand {
    /// HALT SUBCHANNEL.
    Halt,
    /// CLEAR SUBCHANNEL.
    Clear,
}

impl AsyncCommand {
    const fn code(self) -> u32 {
        match self {
            Self::Halt => 1,
            Self::Clear => 2,
        }
    }
}

/// The region for halt and clear: a command in, a return code out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AsyncRegion(pub [u8; ASYNC_REGION_SIZE]);

impl AsyncRegion {
    /// The request to carry `command` out.
    pub const fn request(command: AsyncCommand) -> Self {
        let [a, b, c, d] = command.code().to_ne_bytes();
        Self([a, b, c, d, 0, 0, 0, 0])
    }

    /// What became of the last request: 0, or a negated errno.
    pub fn ret_code(&self) -> i32 {
        i32::from_ne_bytes(bytes(&self.0, 4))
    }
}

/// The SCHIB region: each read of it is a STORE SUBCHANNEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchibRegion(pub [u8; SCHIB_REGION_SIZE]);

impl SchibRegion {
    /// The subchannel-information block.
    pub const fn schib(&self) -> RawSchib {
        RawSchib(self.0)
    }
}

/// The region of channel reports: each read takes one out of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CrwRegion(pub [u8; CRW_REGION_SIZE]);

impl CrwRegion {
    /// The channel-report word, or none when the queue was empty.
    pub fn crw(&self) -> Option<RawCrw> {
        let word = u32::from_be_bytes(bytes(&self.0, 0));
        (word != 0).then_some(RawCrw(word))
    }
}

/// The `N` bytes of `from` that begin at `at`, zeros where there are none.
fn bytes<const N: usize>(from: &[u8], at: usize) -> [u8; N] {
    from.get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or([0; N], |found| *found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ccw::{Irb, RawOrb};

    /// Bytes 0, 1, 2, ... so that each byte tells its offset.
    fn numbered<const N: usize>() -> [u8; N] {
        std::array::from_fn(|n| u8::try_from(n).unwrap())
    }

    #[test]
    fn offsets_of_the_io_region() {
        let region = IoRegion(numbered());
        assert_eq!((region.orb()[0], region.orb()[11]), (0, 11));
        assert_eq!(region.scsw().0[0], 12);
        assert_eq!(region.scsw().0[11], 23);
        let (irb, emw) = region.irb();
        assert_eq!((irb.0[0], irb.0[63]), (24, 87));
        assert_eq!((emw[0], emw[31]), (88, 119));
        assert_eq!(region.ret_code(), i32::from_ne_bytes([120, 121, 122, 123]));
    }

    #[test]
    fn a_start_is_an_orb_and_a_function() {
        let raw = RawOrb::from_words([0x1122_3344, 0x00c2_8080, 0x0010_2000]);
        let IoRegion(region) = IoRegion::start(&Orb::decode(&raw));
        let mut expected = [0; 124];
        expected[..16].copy_from_slice(&[
            0x11, 0x22, 0x33, 0x44, 0x00, 0xc2, 0x80, 0x80, 0x00, 0x10, 0x20, 0x00, 0, 0, 0x40, 0,
        ]);
        assert_eq!(region, expected);
    }

    #[test]
    fn the_status_of_an_interrupt() {
        let mut region = IoRegion([0; 124]);
        region.0[24..36].copy_from_slice(&[0, 0xc0, 0x40, 7, 0, 0x10, 0, 8, 0x0c, 0, 0, 0x34]);
        let irb = Irb::<Host>::decode(&region.irb().0);
        assert_eq!((irb.scsw.cpa, irb.scsw.residual), (0x10_0008, 0x34));
    }

    #[test]
    fn return_codes_are_negated_errnos() {
        let mut region = IoRegion([0; 124]);
        region.0[120..].copy_from_slice(&(-16i32).to_ne_bytes());
        assert_eq!(region.ret_code(), -16);
        let mut region = AsyncRegion::request(AsyncCommand::Clear);
        assert_eq!(region.ret_code(), 0);
        region.0[4..].copy_from_slice(&(-19i32).to_ne_bytes());
        assert_eq!(region.ret_code(), -19);
    }

    #[test]
    fn halt_is_1_and_clear_is_2() {
        let command = |command| u64::from_ne_bytes(AsyncRegion::request(command).0);
        let shift = if cfg!(target_endian = "big") { 32 } else { 0 };
        assert_eq!(command(AsyncCommand::Halt), 1 << shift);
        assert_eq!(command(AsyncCommand::Clear), 2 << shift);
    }

    #[test]
    fn channel_reports_are_big_endian() {
        assert_eq!(CrwRegion([0; 8]).crw(), None);
        let path_offline = CrwRegion([0x04, 0x86, 0x00, 0x21, 0, 0, 0, 0]);
        assert_eq!(path_offline.crw(), Some(RawCrw(0x0486_0021)));
    }

    #[test]
    fn a_schib_is_the_whole_region() {
        let region = SchibRegion(numbered());
        assert_eq!(region.schib().0[51], 51);
    }
}
