//! A hash: fields and values, in the order in which the fields came.
//!
//! Redis keeps that order for small hashes and none for large ones; here it always holds.

use std::collections::BTreeMap;

/// The value of a key that is a hash.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hash {
    fields: BTreeMap<Vec<u8>, (u64, Vec<u8>)>,
    order: BTreeMap<u64, Vec<u8>>,
    next: u64,
}

impl Hash {
    /// The value of a field.
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        self.fields.get(field).map(|(_, value)| value.as_slice())
    }

    /// Sets a field; whether it is new.
    pub fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        if let Some((_, old)) = self.fields.get_mut(field) {
            *old = value.to_vec();
            return false;
        }
        self.fields.insert(field.to_vec(), (self.next, value.to_vec()));
        self.order.insert(self.next, field.to_vec());
        self.next += 1;
        true
    }

    /// Removes a field; whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        let Some((place, _)) = self.fields.remove(field) else { return false };
        self.order.remove(&place);
        true
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fields and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.order.values().map(|field| (field.as_slice(), self.fields[field].1.as_slice()))
    }
}
