// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! How the walk comes to a CCW.

use ccw::Class;

use crate::{chain::State, node::Reach};

/// How the walk comes to an address.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) at: u32,
    pub(super) via: Via,
    pub(super) state: State,
    /// On the path on which no command skips.
    pub(super) certain: bool,
    /// Straight behind a command that may skip what stands there.
    pub(super) skippable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// By the ORB, or because the part begins there.
    Start,
    /// By a command that skipped a CCW.
    Skip,
    /// By going on behind the CCW of this node.
    Sequence(u16),
    /// By the TIC of this node.
    Tic(u16),
}

impl Way {
    #[inline]
    pub(super) fn after_tic(&self) -> bool {
        matches!(self.via, Via::Tic(_))
    }

    /// What a first visit leaves behind.
    #[inline]
    pub(super) fn reach(&self) -> Reach {
        let mut reach = self.state.way();
        if self.certain {
            reach |= Reach::CERTAIN;
        }
        if self.skippable {
            reach |= Reach::SKIPPABLE;
        }
        reach
    }
}

impl State {
    /// The bits that remember a visit in this state.
    #[inline]
    pub(super) fn way(self) -> Reach {
        let Self::Data { head, skips } = self else {
            return Reach::COMMAND;
        };
        let way = match head.class() {
            Class::Read | Class::Sense => Reach::INPUT,
            Class::ReadBackward => Reach::BACKWARD,
            // The others are no heads: the channel stops at them.
            Class::Write | Class::Control | Class::Invalid | Class::Tic => Reach::OUTPUT,
        };
        if skips { way | Reach::SKIPS } else { way }
    }
}
