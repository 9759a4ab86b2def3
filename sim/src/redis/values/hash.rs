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
    /// See [`Hash::is_compact`].
    large: bool,
}

/// Redis keeps a hash in a compact form up to so many fields (`hash-max-listpack-entries`, at its
/// default) …
const COMPACT_FIELDS_MAX: usize = 128;

/// … whose fields and values have so many bytes (`hash-max-listpack-value`, at its default).
const COMPACT_BYTES_MAX: usize = 64;

impl Hash {
    /// The value of a field.
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        self.fields.get(field).map(|(_, value)| value.as_slice())
    }

    /// Sets a field; whether it is new.
    pub fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        self.large |= field.len().max(value.len()) > COMPACT_BYTES_MAX;
        if let Some((_, old)) = self.fields.get_mut(field) {
            *old = value.to_vec();
            return false;
        }
        self.fields.insert(field.to_vec(), (self.next, value.to_vec()));
        self.order.insert(self.next, field.to_vec());
        self.next += 1;
        self.large |= self.fields.len() > COMPACT_FIELDS_MAX;
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

    /// Whether Redis would keep it in a compact form, in the order in which fields came. Once it is
    /// too large for that it never returns to it.
    pub fn is_compact(&self) -> bool {
        !self.large
    }

    /// Fields behind `after` in the order of bytes, with their values; all of them when it is `None`.
    pub fn after(&self, after: Option<&[u8]>) -> impl Iterator<Item = (&[u8], &[u8])> {
        use std::ops::Bound::{Excluded, Unbounded};
        let fields = self.fields.range::<[u8], _>((after.map_or(Unbounded, Excluded), Unbounded));
        fields.map(|(field, (_, value))| (field.as_slice(), value.as_slice()))
    }

    /// Fields and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.order.values().map(|field| (field.as_slice(), self.fields[field].1.as_slice()))
    }
}
