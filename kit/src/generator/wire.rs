// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Bytes of a fuzzer to a [`Case`](super::Case), and back.
//!
//! Reading is total: any bytes are a case, and where they end zeros follow. Writing gives bytes
//! that read as the same case, so that seeds can be made of programs and of failures.

/// Bytes not yet read.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the first byte on.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((&byte, rest)) => {
                self.bytes = rest;
                byte
            }
            None => 0,
        }
    }
}

/// What can be read from any bytes and written to bytes.
pub(crate) trait Wire: Sized {
    /// Reads a value.
    fn read(from: &mut Reader<'_>) -> Self;
    /// Writes a value that [`read`](Self::read) gives back.
    fn write(&self, to: &mut Vec<u8>);
}

macro_rules! big_endian {
    ($($int:ty)*) => {
        $(impl Wire for $int {
            fn read(from: &mut Reader<'_>) -> Self {
                Self::from_be_bytes(std::array::from_fn(|_| from.byte()))
            }
            fn write(&self, to: &mut Vec<u8>) {
                to.extend(self.to_be_bytes());
            }
        })*
    };
}
big_endian!(u8 u16 i16 u32 u64);

impl Wire for bool {
    fn read(from: &mut Reader<'_>) -> Self {
        from.byte() & 1 != 0
    }
    fn write(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }
}

impl<T: Wire> Wire for Option<T> {
    fn read(from: &mut Reader<'_>) -> Self {
        bool::read(from).then(|| T::read(from))
    }
    fn write(&self, to: &mut Vec<u8>) {
        self.is_some().write(to);
        if let Some(value) = self {
            value.write(to);
        }
    }
}

/// A length, then the elements; those that the bytes do not reach do not exist.
impl<T: Wire> Wire for Vec<T> {
    fn read(from: &mut Reader<'_>) -> Self {
        let len = u16::read(from);
        (0..len)
            .map_while(|_| (!from.bytes.is_empty()).then(|| T::read(from)))
            .collect()
    }
    fn write(&self, to: &mut Vec<u8>) {
        let len = u16::try_from(self.len()).expect("no more elements than a case can have");
        len.write(to);
        self.iter().for_each(|element| element.write(to));
    }
}

/// Implements [`Wire`]: for a struct field by field, for an enum by a byte that selects. A field behind
/// a semicolon stands elsewhere.
macro_rules! wire {
    (struct $name:ident { $($field:ident),* $(,)? $(; $elsewhere:ident)? }) => {
        impl $crate::generator::wire::Wire for $name {
            fn read(from: &mut $crate::generator::wire::Reader<'_>) -> Self {
                Self {
                    $($field: $crate::generator::wire::Wire::read(from),)*
                    $($elsewhere: Default::default(),)?
                }
            }
            fn write(&self, to: &mut Vec<u8>) {
                $($crate::generator::wire::Wire::write(&self.$field, to);)*
            }
        }
    };
    (enum $name:ident { $first:literal => $start:ident $(($by:ident))?,
        $($tag:literal => $variant:ident $(($value:ident))?),* $(,)? }) => {
        impl $crate::generator::wire::Wire for $name {
            fn read(from: &mut $crate::generator::wire::Reader<'_>) -> Self {
                let tags = [$first, $($tag),*];
                let tag: u8 = $crate::generator::wire::Wire::read(from);
                match tags[usize::from(tag) % tags.len()] {
                    $($tag => Self::$variant $(({
                        let $value = $crate::generator::wire::Wire::read(from);
                        $value
                    }))?,)*
                    _ => Self::$start $(({
                        let $by = $crate::generator::wire::Wire::read(from);
                        $by
                    }))?,
                }
            }
            fn write(&self, to: &mut Vec<u8>) {
                match self {
                    Self::$start $(($by))? => {
                        to.push($first);
                        $($crate::generator::wire::Wire::write($by, to);)?
                    }
                    $(Self::$variant $(($value))? => {
                        to.push($tag);
                        $($crate::generator::wire::Wire::write($value, to);)?
                    })*
                }
            }
        }
    };
}
pub(crate) use wire;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bytes_do_not_reach_is_zero_or_missing() {
        let mut reader = Reader::new(&[0, 9, 1, 2, 3]);
        assert_eq!(Vec::<u16>::read(&mut reader), [0x0102, 0x0300]);
        assert_eq!(u32::read(&mut reader), 0);
        assert_eq!(Option::<u8>::read(&mut reader), None);
    }
}
