//! A table whose keys stay unique: a slot that is used again gets a new generation. Small when little is in it.

/// A key into a [`Slots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    len: u32,
    /// The generation of what was inserted last. Counted for the whole table, so that a key stays unique when the table
    /// gives its memory back.
    generation: u32,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    /// The next free slot, where this one is free.
    next: u32,
    value: Option<T>,
}

const NONE: u32 = u32::MAX;

impl<T> Slots<T> {
    pub(crate) const fn new() -> Slots<T> {
        Slots { slots: Vec::new(), free: NONE, len: 0, generation: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.len += 1;
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        if self.free == NONE {
            if self.slots.is_empty() {
                self.slots.reserve_exact(1);
            }
            self.slots.push(Slot { generation, next: NONE, value: Some(value) });
            return Key { index: self.slots.len() as u32 - 1, generation };
        }
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.next;
        slot.generation = generation;
        slot.value = Some(value);
        Key { index, generation }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// Gives the memory of an empty table back.
    pub(crate) fn release(&mut self) {
        if self.len == 0 {
            (self.slots, self.free) = (Vec::new(), NONE);
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        if slot.generation == key.generation { slot.value.as_ref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation == key.generation { slot.value.as_mut() } else { None }
    }

    /// What stands at `index`, whatever its generation.
    pub(crate) fn at(&self, index: u32) -> Option<(Key, &T)> {
        let slot = self.slots.get(index as usize)?;
        Some((Key { index, generation: slot.generation }, slot.value.as_ref()?))
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        let value = slot.value.take()?;
        slot.next = self.free;
        self.free = key.index;
        self.len -= 1;
        Some(value)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let key = |(index, slot): (usize, &Slot<T>)| Key { index: index as u32, generation: slot.generation };
        self.slots.iter().enumerate().filter(|(_, slot)| slot.value.is_some()).map(key)
    }
}
