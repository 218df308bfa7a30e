//! The three forms of table in the risk policy: points for a word, points for yes and no, values that change at steps.
//!
//! A table with a gap is refused while it is read, so that the error names its line.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::vocabulary::CodeWord;

/// Points for yes and no.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthPoints {
    when_false: u32,
    when_true: u32,
}

impl TruthPoints {
    pub fn of(&self, fact: Option<bool>) -> u32 {
        match fact {
            Some(false) => self.when_false,
            Some(true) => self.when_true,
            None => self.when_false.max(self.when_true),
        }
    }
}

/// Points for every word of a set.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    try_from = "BTreeMap<W, u32>",
    bound(deserialize = "W: CodeWord + Ord + Deserialize<'de>")
)]
pub struct Points<W> {
    of: BTreeMap<W, u32>,
    least: u32,
    worst: u32,
}

impl<W: CodeWord + Ord> TryFrom<BTreeMap<W, u32>> for Points<W> {
    type Error = String;

    fn try_from(points: BTreeMap<W, u32>) -> Result<Self, Self::Error> {
        if let Some(word) = W::ALL.iter().find(|word| !points.contains_key(word)) {
            return Err(format!("no points for {}", word.code()));
        }
        let least = points.values().copied().min().unwrap_or_default();
        let worst = points.values().copied().max().unwrap_or_default();
        Ok(Self {
            of: points,
            least,
            worst,
        })
    }
}

impl<W: CodeWord + Ord> Points<W> {
    /// The points of a word; nobody knows: the worst.
    pub fn of(&self, word: Option<W>) -> u32 {
        word.and_then(|word| self.of.get(&word).copied()).unwrap_or(self.worst)
    }

    /// The fewest and the most points there are.
    pub fn extremes(&self) -> (u32, u32) {
        (self.least, self.worst)
    }
}

/// A value that changes at thresholds, beginning at 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Vec<Step<T>>", bound(deserialize = "T: Copy + Deserialize<'de>"))]
pub struct Steps<T> {
    first: T,
    later: Vec<Step<T>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step<T> {
    from: u64,
    is: T,
}

impl<T: Copy> TryFrom<Vec<Step<T>>> for Steps<T> {
    type Error = &'static str;

    fn try_from(steps: Vec<Step<T>>) -> Result<Self, Self::Error> {
        match steps.split_first() {
            Some((first, later)) if first.from == 0 && steps.is_sorted_by(|one, next| one.from < next.from) => {
                Ok(Self {
                    first: first.is,
                    later: later.to_vec(),
                })
            }
            _ => Err("steps begin at 0 and ascend"),
        }
    }
}

impl<T: Copy + Ord> Steps<T> {
    /// The value at a point.
    pub fn at(&self, point: u64) -> T {
        self.later
            .iter()
            .rev()
            .find(|step| step.from <= point)
            .map_or(self.first, |step| step.is)
    }

    /// The value that holds for ever in the end.
    pub fn last(&self) -> T {
        self.later.last().map_or(self.first, |step| step.is)
    }

    /// Where it changes.
    pub fn turns(&self) -> impl Iterator<Item = u64> {
        self.later.iter().map(|step| step.from)
    }

    /// The highest value there is.
    pub fn worst(&self) -> T {
        self.values().max().unwrap_or(self.first)
    }

    /// Every value, in order.
    pub fn values(&self) -> impl Iterator<Item = T> {
        std::iter::once(self.first).chain(self.later.iter().map(|step| step.is))
    }

    /// Whether it only ever falls.
    pub fn never_rises(&self) -> bool {
        self.values().is_sorted_by(|earlier, later| earlier >= later)
    }
}
