// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Error numbers of Linux. Those of vfio-ccw are its condition codes.

use std::{error, fmt, io};

/// An error number, such as 16, which is `EBUSY`. Unknown numbers survive.
///
/// ```
/// use pinning::Errno;
/// assert_eq!(Errno(16), Errno::EBUSY);
/// assert_eq!(Errno::EBUSY.to_string(), "EBUSY");
/// assert_eq!(Errno(4095).to_string(), "errno 4095");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $number:literal: $text:literal,)*) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Self = Self($number);)*

            /// The name, such as `EBUSY`, of a number that has one here.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// The number of a name that is known here.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const NAMED: &[(&str, i32, i32)] = &[$((stringify!($name), $number, libc::$name),)*];
    };
}

errnos! {
    EPERM = 1: "Not permitted; also: mapped, but not for this access.",
    ENOENT = 2: "Not there; with iommufd: no mapping at that address.",
    EINTR = 4: "A signal came before anything was done.",
    EIO = 5: "The device does not work any more.",
    ENXIO = 6: "No such device or address.",
    E2BIG = 7: "Too much at once.",
    EBADF = 9: "Not an open file.",
    EAGAIN = 11: "Another request is being processed: nothing was done.",
    ENOMEM = 12: "No memory, or more pinned than is allowed.",
    EACCES = 13: "No path of those asked for is operational, but others are.",
    EFAULT = 14: "Memory of this process that is not there.",
    EBUSY = 16: "Busy, or status is pending.",
    EEXIST = 17: "Something is mapped there already.",
    ENODEV = 19: "The device is not operational.",
    EINVAL = 22: "Refused; with the type1 container also: no mapping at that address.",
    ENFILE = 23: "No more files in the system.",
    EMFILE = 24: "No more files in this process.",
    ENOTTY = 25: "Not a request that this file knows.",
    ENOSPC = 28: "No more room for mappings.",
    EROFS = 30: "Cannot be written to.",
    EDEADLK = 35: "Would wait for ever.",
    ENOSYS = 38: "Not in this kernel.",
    EOVERFLOW = 75: "Passes the end of the addresses.",
    EOPNOTSUPP = 95: "Not supported, such as transport mode.",
    ETIMEDOUT = 110: "Took too long.",
}

impl Errno {
    /// Why the last system call of this thread failed.
    pub fn last() -> Self {
        Self::of(&io::Error::last_os_error())
    }

    /// The number in `error`; [`Self::EIO`] if the operating system did not give one.
    pub fn of(error: &io::Error) -> Self {
        error.raw_os_error().map_or(Self::EIO, Self)
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for Errno {}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString};

    use super::*;

    #[test]
    fn numbers_are_those_of_this_system() {
        for &(name, number, libc) in NAMED {
            assert_eq!(number, libc, "{name}");
            assert_eq!(Errno(number).to_string(), name);
            assert_eq!(Errno::from_name(name), Some(Errno(number)));
        }
        assert_eq!(Errno::from_name("EWHAT"), None);
        assert_eq!(
            format!("{:?} {:?}", Errno(13), Errno(-7)),
            "EACCES errno -7"
        );
    }

    #[test]
    fn to_and_from_the_standard_error() {
        let error = io::Error::from(Errno::EACCES);
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(Errno::of(&error), Errno::EACCES);
        assert_eq!(Errno::of(&io::Error::other("no number")), Errno::EIO);
    }
}
