// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Why an input cannot be read, and where.

use std::fmt;

use crate::printable::printable;

/// Where in an input its reader gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere in particular.
    Whole,
    /// At a character, both counted from 1, in a member if it is known.
    At {
        line: usize,
        column: usize,
        member: Option<String>,
    },
    /// In a member, written like `memory.ranges[3].addr`.
    Member(String),
}

/// Why a program cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InputError {
    /// The file as it was named, or `<stdin>`.
    pub(crate) file: String,
    /// Where in it.
    pub(crate) place: Place,
    /// The cause.
    pub(crate) reason: String,
}

impl Place {
    /// At a character, in no member.
    pub(crate) const fn at(line: usize, column: usize) -> Self {
        Self::At {
            line,
            column,
            member: None,
        }
    }
}

/// Without the file; nothing for [`Place::Whole`].
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::At {
                line,
                column,
                member: None,
            } => write!(f, "{line}:{column}"),
            Self::At {
                line,
                column,
                member: Some(member),
            } => write!(f, "{line}:{column}: {}", printable(member)),
            Self::Member(member) => f.write_str(&printable(member)),
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.file))?;
        match &self.place {
            Place::Whole => {}
            place @ Place::At { .. } => write!(f, ":{place}")?,
            place @ Place::Member(_) => write!(f, ": {place}")?,
        }
        write!(f, ": {}", printable(&self.reason))
    }
}

/// What the reader of a format says, which does not know the file.
pub(crate) type Refusal = (Place, String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_where() {
        let error = |place| InputError {
            file: "x.json".into(),
            place,
            reason: "no".into(),
        };
        let at = |member: Option<&str>| Place::At {
            line: 3,
            column: 7,
            member: member.map(str::to_owned),
        };
        assert_eq!(error(Place::Whole).to_string(), "x.json: no");
        assert_eq!(error(at(None)).to_string(), "x.json:3:7: no");
        assert_eq!(
            error(at(Some("orb.raw"))).to_string(),
            "x.json:3:7: orb.raw: no"
        );
        assert_eq!(
            error(Place::Member("orb".into())).to_string(),
            "x.json: orb: no"
        );
    }
}
