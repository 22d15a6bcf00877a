// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What a program looks at when it starts, such as where storage lies, without a lock.

use std::boxed::Box;
use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Extent, InFlight, Ledger, Owner, PinError};

/// A [`Ledger`], and a value that each program looks at once it is entered there: where storage lies.
///
/// Looking at it costs a load and a comparison. Each place of the ledger keeps the value that it saw
/// last, so a value that was replaced goes when the last place has seen its successor.
///
/// # Why no program acts upon what was withdrawn
///
/// A program enters the ledger first and looks at the value then. A withdrawal (1) begins in the
/// ledger, (2) finds that no program uses the range, (3) publishes a value without it, (4) takes the
/// storage away and (5) ends in the ledger. A program that does not see 1 is seen by 2, which waits for
/// it; one that sees 1 is refused; one that sees 5 sees 3, which precedes it.
///
/// ```
/// use std::sync::Arc;
/// use pinning::{Budget, Current, Ledger, Owner};
/// let names = Current::new(Ledger::new(Budget::default(), 8), Arc::new("old"));
/// names.publish(Arc::new("new"));
/// let (program, seen) = names.open_for(Owner::default(), &[], |name| Ok(name.len()))?;
/// assert_eq!(seen, 3);
/// names.ledger().close(program);
/// # Ok::<(), pinning::PinError>(())
/// ```
pub struct Current<T> {
    ledger: Ledger,
    /// Counts the values. Changed under the lock of `latest`.
    generation: AtomicU64,
    latest: Mutex<Arc<T>>,
    seen: Box<[Seen<T>]>,
}

/// What the program in a place of the ledger saw last.
#[repr(align(64))]
struct Seen<T>(UnsafeCell<Option<(u64, Arc<T>)>>);

// SAFETY: only whoever holds a place of the ledger accesses the cell of that number, see `look`, and
// who takes a place synchronises with who gave it up: the cell is handed from thread to thread, for
// which `Arc<T>` is `Send` as `T` is both.
unsafe impl<T: Send + Sync> Sync for Seen<T> {}

impl<T> Current<T> {
    /// The value, and the ledger of the programs that will look at it.
    pub fn new(ledger: Ledger, value: Arc<T>) -> Self {
        let places = 0..ledger.nr_places();
        Self {
            ledger,
            generation: AtomicU64::new(0),
            latest: Mutex::new(value),
            seen: places.map(|_| Seen(UnsafeCell::new(None))).collect(),
        }
    }

    /// The programs in flight.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The value.
    pub fn latest(&self) -> Arc<T> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the value: programs that are entered from now on see this one.
    pub fn publish(&self, value: Arc<T>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = value;
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Enters a program into the ledger, then looks at the value. If `look` fails, the program is taken
    /// out again.
    ///
    /// # Errors
    ///
    /// Those of [`Ledger::open_for`], and of `look`.
    #[inline]
    pub fn open_for<R>(
        &self,
        owner: Owner,
        extents: &[Extent],
        look: impl FnOnce(&T) -> Result<R, PinError>,
    ) -> Result<(InFlight, R), PinError> {
        let program = self.ledger.open_for(owner, extents)?;
        match self.look(&program, look) {
            Ok(result) => Ok((program, result)),
            Err(error) => {
                self.ledger.close(program);
                Err(error)
            }
        }
    }

    #[inline]
    fn look<R>(
        &self,
        program: &InFlight,
        look: impl FnOnce(&T) -> Result<R, PinError>,
    ) -> Result<R, PinError> {
        let number = self.ledger.number(program);
        let Some(Seen(cell)) = number.and_then(|number| self.seen.get(number)) else {
            // Not a place of this ledger, which `open_for` has just taken.
            return look(&self.latest());
        };
        // SAFETY: nobody else has a reference into the cell, on this thread or another:
        // 1. `program` is in flight in this ledger (`number`), which `ledger` gives a place of its own
        //    until it is closed or quarantined; both consume it, and `open_for` holds it.
        // 2. This function is called with it once, by `open_for`. A call of `open_for` from within `look`
        //    has another program, hence another place.
        // 3. The cell was accessed last by an earlier program in that place. Giving the place up releases
        //    and taking it acquires, so that access happened before.
        let seen = unsafe { &mut *cell.get() };
        let generation = self.generation.load(Ordering::Acquire);
        match seen {
            Some((at, value)) if *at == generation => look(value),
            _ => look(self.see(seen)),
        }
    }

    #[cold]
    fn see<'s>(&self, seen: &'s mut Option<(u64, Arc<T>)>) -> &'s T {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        // Does not change under the lock.
        let generation = self.generation.load(Ordering::Relaxed);
        &seen.insert((generation, Arc::clone(&latest))).1
    }
}

impl<T: fmt::Debug> fmt::Debug for Current<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Current");
        text.field("ledger", &self.ledger);
        text.field("latest", &self.latest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;
    use crate::{Budget, Limit};

    fn ledger(programs: u32) -> Ledger {
        let budget = Budget {
            programs,
            ..Budget::default()
        };
        Ledger::new(budget, 1)
    }

    fn now(current: &Current<usize>) -> usize {
        let (program, seen) = current
            .open_for(Owner::default(), &[], |value| Ok(*value))
            .unwrap();
        current.ledger().close(program);
        seen
    }

    #[test]
    fn what_was_published_last_is_seen_in_every_place() {
        let current = Current::new(ledger(3), Arc::new(0));
        for round in 1..4 {
            let look = |value: &usize| Ok(*value);
            let programs: std::vec::Vec<_> = (0..3)
                .map(|_| current.open_for(Owner(1), &[], look).unwrap())
                .map(|(program, seen)| {
                    assert_eq!(seen, round - 1);
                    program
                })
                .collect();
            current.publish(Arc::new(round));
            for program in programs {
                current.ledger().close(program);
            }
            assert_eq!((now(&current), *current.latest()), (round, round));
        }
    }

    #[test]
    fn a_program_within_a_program_has_a_place_of_its_own() {
        let current = Current::new(ledger(2), Arc::new(7));
        let inner = |value: &usize| {
            let full = Err(PinError::Limit(Limit::Programs));
            let (program, seen) = current.open_for(Owner(1), &[], |seen| {
                let third = current.open_for(Owner(1), &[], |_| Ok(()));
                assert_eq!(third.map(|_| ()), full);
                Ok(*seen)
            })?;
            current.ledger().close(program);
            Ok(seen + value)
        };
        let (program, seen) = current.open_for(Owner(1), &[], inner).unwrap();
        assert_eq!((seen, current.ledger().in_flight()), (14, 1));
        current.ledger().close(program);
    }

    #[test]
    fn a_look_that_fails_takes_the_program_out() {
        let current = Current::new(ledger(1), Arc::new(0));
        let failed = current.open_for(Owner(1), &[], |_| Err::<(), _>(PinError::OutOfRuns));
        assert_eq!(failed.map(|_| ()), Err(PinError::OutOfRuns));
        assert_eq!(current.ledger().in_flight(), 0);
    }

    /// A value that counts how many of its kind there are.
    struct Counted<'a>(&'a AtomicUsize);

    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn values_go_when_they_were_replaced() {
        let there = AtomicUsize::new(0);
        let value = || {
            there.fetch_add(1, Ordering::Relaxed);
            Arc::new(Counted(&there))
        };
        let current = Current::new(ledger(2), value());
        for _ in 0..10 {
            let look = |_: &Counted<'_>| Ok(());
            let (program, ()) = current.open_for(Owner(1), &[], look).unwrap();
            current.ledger().close(program);
            current.publish(value());
            assert!(there.load(Ordering::Relaxed) <= 3);
        }
        drop(current);
        assert_eq!(there.into_inner(), 0);
    }

    #[test]
    fn threads_see_values_in_order() {
        const ROUNDS: usize = 20_000;
        // Four programs at once, with places to spare: see `Ledger::open_for` on coming and going.
        let current = Current::new(ledger(64), Arc::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < ROUNDS {
                        let seen = now(&current);
                        assert!(seen >= last);
                        last = seen;
                    }
                });
            }
            for round in 1..=ROUNDS {
                current.publish(Arc::new(round));
                assert_eq!(now(&current), round, "its own is seen at once");
            }
        });
    }
}
