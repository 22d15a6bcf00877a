// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause

//! Addresses that know which storage they name.
//!
//! A channel program holds *absolute addresses of the guest*; the program that is really run holds
//! addresses of the *host*. The two are plain numbers of the same width, and mixing them up is the
//! mistake this project exists to prevent, so they are different types that neither add, compare
//! nor convert across:
//!
//! ```compile_fail
//! use ccw::{GuestAddr, HostAddr};
//! assert!(GuestAddr::new(0x1000) == HostAddr::new(0x1000)); // does not compile
//! ```

use core::{cmp, fmt, hash, marker::PhantomData};

/// A storage that addresses may name.
pub trait Space: Copy + fmt::Debug + Eq + hash::Hash + 'static {
    /// Prefix that `Debug` puts before an address of this space.
    const NAME: &'static str;
}

/// Absolute storage of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guest {}
/// Storage as the executing channel sees it: an IOVA, a virtual or a physical address, as the
/// back end that made the address defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host {}

impl Space for Guest {
    const NAME: &'static str = "guest";
}
impl Space for Host {
    const NAME: &'static str = "host";
}

/// A 64-bit address in the space `S`.
#[repr(transparent)]
pub struct Addr<S>(u64, PhantomData<fn() -> S>);

/// An absolute address of the guest.
pub type GuestAddr = Addr<Guest>;
/// An address as the executing channel uses it.
pub type HostAddr = Addr<Host>;

impl<S> Addr<S> {
    /// The address `value`.
    pub const fn new(value: u64) -> Self {
        Self(value, PhantomData)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// `self + bytes`, unless that passes the end of the 64-bit space.
    pub const fn checked_add(self, bytes: u64) -> Option<Self> {
        match self.0.checked_add(bytes) {
            Some(value) => Some(Self::new(value)),
            None => None,
        }
    }

    /// `self - bytes`, unless that passes address 0.
    pub const fn checked_sub(self, bytes: u64) -> Option<Self> {
        match self.0.checked_sub(bytes) {
            Some(value) => Some(Self::new(value)),
            None => None,
        }
    }

    /// Whether the address is a multiple of `alignment`, a power of two.
    pub const fn is_aligned(self, alignment: u64) -> bool {
        self.0 & alignment.wrapping_sub(1) == 0
    }

    /// Distance from the start of the `block` (a power of two) that holds this address.
    pub const fn block_offset(self, block: u64) -> u64 {
        self.0 & block.wrapping_sub(1)
    }

    /// Bytes from this address to the end of its `block`, a power of two; at least 1.
    pub const fn block_remainder(self, block: u64) -> u64 {
        block.wrapping_sub(self.block_offset(block))
    }
}

/// An address that fits the 31-bit address field of a format-1 CCW, a TIC or an ORB.
///
/// Whoever allocates the storage of a host program makes the check once; after that an emitter
/// cannot be handed storage above 2 GiB:
///
/// ```
/// use ccw::{Addr31, Host, HostAddr};
/// assert!(Addr31::<Host>::new(HostAddr::new(0x7fff_fff8)).is_some());
/// assert!(Addr31::<Host>::new(HostAddr::new(0x8000_0000)).is_none());
/// ```
#[repr(transparent)]
pub struct Addr31<S>(u32, PhantomData<fn() -> S>);

impl<S> Addr31<S> {
    /// First address that does not fit.
    pub const LIMIT: u64 = 1 << 31;

    /// `addr`, if it lies below 2 GiB.
    pub const fn new(addr: Addr<S>) -> Option<Self> {
        if addr.0 < Self::LIMIT {
            #[expect(clippy::cast_possible_truncation, reason = "below 2^31, checked above")]
            Some(Self(addr.0 as u32, PhantomData))
        } else {
            None
        }
    }

    /// The low 31 bits of `word`; bit 0 (IBM numbering) is dropped.
    pub const fn truncate(word: u32) -> Self {
        Self(word & 0x7fff_ffff, PhantomData)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The same address in full width.
    pub const fn widen(self) -> Addr<S> {
        Addr::new(self.0 as u64)
    }
}

impl<S> From<Addr31<S>> for Addr<S> {
    fn from(addr: Addr31<S>) -> Self {
        addr.widen()
    }
}

macro_rules! plain_value {
    ($ty:ident) => {
        impl<S> Clone for $ty<S> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<S> Copy for $ty<S> {}
        impl<S> PartialEq for $ty<S> {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }
        impl<S> Eq for $ty<S> {}
        impl<S> PartialOrd for $ty<S> {
            fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl<S> Ord for $ty<S> {
            fn cmp(&self, other: &Self) -> cmp::Ordering {
                self.0.cmp(&other.0)
            }
        }
        impl<S> hash::Hash for $ty<S> {
            fn hash<H: hash::Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }
        impl<S> Default for $ty<S> {
            fn default() -> Self {
                Self(0, PhantomData)
            }
        }
        impl<S: Space> fmt::Debug for $ty<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{:#x}", S::NAME, self.0)
            }
        }
        impl<S> fmt::LowerHex for $ty<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }
    };
}
plain_value!(Addr);
plain_value!(Addr31);

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_tells_the_space() {
        assert_eq!(format!("{:?}", GuestAddr::new(0x1000)), "guest:0x1000");
        assert_eq!(format!("{:?}", HostAddr::new(0x1000)), "host:0x1000");
        let addr = Addr31::<Guest>::truncate(0xffff_fff8);
        assert_eq!(format!("{addr:?} {addr:x}"), "guest:0x7ffffff8 7ffffff8");
    }

    #[test]
    fn sums_do_not_wrap() {
        let top = GuestAddr::new(u64::MAX);
        assert_eq!(top.checked_add(0), Some(top));
        assert_eq!(top.checked_add(1), None);
        assert_eq!(GuestAddr::new(7).checked_sub(7), Some(GuestAddr::new(0)));
        assert_eq!(GuestAddr::new(7).checked_sub(8), None);
    }

    #[test]
    fn blocks() {
        let addr = GuestAddr::new(0x1802);
        assert_eq!(
            (addr.block_offset(4096), addr.block_remainder(4096)),
            (0x802, 0x7fe)
        );
        assert_eq!(
            (addr.block_offset(2048), addr.block_remainder(2048)),
            (2, 0x7fe)
        );
        let start = GuestAddr::new(0x1000);
        assert_eq!(
            (start.block_offset(4096), start.block_remainder(4096)),
            (0, 4096)
        );
        assert!(addr.is_aligned(2) && !addr.is_aligned(4) && start.is_aligned(4096));
    }

    #[test]
    fn thirty_one_bits() {
        assert_eq!(Addr31::<Host>::LIMIT, 0x8000_0000);
        let last = Addr31::<Host>::new(HostAddr::new(0x7fff_ffff)).unwrap();
        assert_eq!(last.widen(), HostAddr::new(0x7fff_ffff));
        assert_eq!(HostAddr::from(last).get(), 0x7fff_ffff);
        for too_far in [0x8000_0000, 0x1_0000_0000, u64::MAX] {
            assert_eq!(Addr31::<Host>::new(HostAddr::new(too_far)), None);
        }
    }
}
