//! A bounded ring that forgets its oldest value.

use std::collections::VecDeque;

/// Keeps the newest `capacity` values; allocates once.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    items: VecDeque<T>,
    capacity: usize,
}

impl<T> Ring<T> {
    /// An empty ring for `capacity` values (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { items: VecDeque::with_capacity(capacity), capacity }
    }

    /// Adds a value and returns the one that had to go.
    pub fn push(&mut self, value: T) -> Option<T> {
        let gone = if self.items.len() == self.capacity { self.items.pop_front() } else { None };
        self.items.push_back(value);
        gone
    }

    /// Values from oldest to newest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter()
    }

    /// The newest value.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.items.back()
    }

    /// The oldest value.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.items.front()
    }

    /// Removes the oldest value.
    pub fn pop_front(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// How many values are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.items.clear();
    }
}

impl<T: Clone> Ring<T> {
    /// A copy from oldest to newest.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        self.items.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest() {
        let mut r = Ring::new(3);
        assert!(r.is_empty());
        for i in 0..5 {
            r.push(i);
        }
        assert_eq!(r.to_vec(), [2, 3, 4]);
        assert_eq!(r.push(5), Some(2));
        assert_eq!((r.first(), r.last(), r.len()), (Some(&3), Some(&5), 3));
    }
}
