//! Slots that are used again, each time under a new generation.
//!
//! Invariant: a handle finds its value until that is removed, and never another one.

use std::cell::Cell;

/// A table whose handles are an index with a generation.
#[derive(Debug)]
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    len: usize,
    /// Slots that walks through the whole table looked at, since the start.
    walked: Cell<u64>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), len: 0, walked: Cell::new(0) }
    }
}

impl<T> Slab<T> {
    /// Put a value in; its index and generation. Generations begin at 1, so no handle is ever 0.
    pub fn insert(&mut self, value: T) -> (u32, u32) {
        self.insert_with(|_, _| value)
    }

    /// The same with a value that knows its index and generation.
    pub fn insert_with(&mut self, make: impl FnOnce(u32, u32) -> T) -> (u32, u32) {
        self.len += 1;
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.value = Some(make(index, slot.generation));
            return (index, slot.generation);
        }
        let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 slots");
        self.slots.push(Slot { generation: 1, value: Some(make(index, 1)) });
        (index, 1)
    }

    /// The value of a handle, if it is still there.
    #[must_use]
    pub fn get(&self, index: usize, generation: u32) -> Option<&T> {
        self.slots.get(index).filter(|slot| slot.generation == generation)?.value.as_ref()
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, index: usize, generation: u32) -> Option<&mut T> {
        self.slots.get_mut(index).filter(|slot| slot.generation == generation)?.value.as_mut()
    }

    /// The value in a slot, whatever its generation.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&T> {
        self.slots.get(index)?.value.as_ref()
    }

    /// The same, to change it.
    pub fn at_mut(&mut self, index: usize) -> Option<&mut T> {
        self.slots.get_mut(index)?.value.as_mut()
    }

    /// The generation of the value in a slot.
    #[must_use]
    pub fn generation(&self, index: usize) -> Option<u32> {
        let slot = self.slots.get(index)?;
        slot.value.as_ref().map(|_| slot.generation)
    }

    /// Take a value out. Its handle finds nothing from now on.
    pub fn remove(&mut self, index: usize, generation: u32) -> Option<T> {
        let slot = self.slots.get_mut(index).filter(|slot| slot.generation == generation)?;
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1).max(1);
        self.free.push(u32::try_from(index).expect("an index that was given out"));
        self.len -= 1;
        Some(value)
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many slots there are, used or free: indices are below this.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many slots all walks by `iter` looked at: what no peer's request may make grow with what others hold.
    #[must_use]
    pub fn walked(&self) -> u64 {
        self.walked.get()
    }

    /// All values with their index and generation.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, &T)> {
        self.walked.set(self.walked.get().saturating_add(self.slots.len() as u64));
        (0u32..)
            .zip(&self.slots)
            .filter_map(|(index, slot)| Some((index, slot.generation, slot.value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn a_kept_handle_finds_nothing_rather_than_a_stranger() {
        let mut slab = Slab::default();
        let (index, generation) = slab.insert("first");
        assert_eq!(slab.remove(index as usize, generation), Some("first"));
        let (again, later) = slab.insert("second");
        assert_eq!(again, index);
        assert_eq!(slab.get(index as usize, generation), None);
        assert_eq!(slab.get(again as usize, later), Some(&"second"));
        assert_eq!(slab.len(), 1);
    }
}
