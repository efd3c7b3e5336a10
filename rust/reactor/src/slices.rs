//! Room for slices that is allocated once.
//!
//! A list of slices borrows from what it points to, so it cannot simply be kept from one write to
//! the next; an empty list borrows nothing, so it can. The standard library collects an iterator
//! over a vector into that vector's own allocation: what is kept is that allocation.

/// An empty list with room, kept between uses.
#[derive(Debug, Default)]
pub(crate) struct Room(Vec<&'static [u8]>);

impl Room {
    /// The list, for slices that live as long as is needed. It allocates only if it was not given back.
    pub fn take<'a>(&mut self) -> Vec<&'a [u8]> {
        std::mem::take(&mut self.0)
    }

    /// Keep the list's allocation for the next time.
    pub fn give_back(&mut self, mut list: Vec<&[u8]>) {
        list.clear();
        self.0 = list.into_iter().map(|_| -> &'static [u8] { &[] }).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn the_same_allocation_is_used_again() {
        let mut room = Room::default();
        let mut list = room.take();
        list.reserve(64);
        let bytes = vec![1, 2, 3];
        list.push(&bytes);
        let (capacity, place) = (list.capacity(), list.as_ptr().addr());
        room.give_back(list);
        drop(bytes);
        let list = room.take();
        assert!(list.is_empty());
        assert_eq!((list.capacity(), list.as_ptr().addr()), (capacity, place));
    }
}
