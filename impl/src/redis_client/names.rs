//! What Redis and the Sentinels call each other: IP addresses as text, where the rest of the cluster
//! has node numbers. It must not know how anybody is dialled.

use std::net::Ipv4Addr;

/// The mapping between node numbers and the IP addresses by which Redis nodes name each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Names {
    /// The address of node 0, as a number.
    pub base: u32,
}

impl Default for Names {
    fn default() -> Self {
        Self::PRIVATE
    }
}

impl Names {
    /// In a private network node `n` is `10.0.0.0` + `n`.
    pub const PRIVATE: Self = Self { base: u32::from_be_bytes([10, 0, 0, 0]) };

    /// With sockets of the machine a node's number is its address.
    pub const REAL: Self = Self { base: 0 };

    /// The address of a node. Panics when it would lie behind 255.255.255.255.
    pub fn ip(self, node: u32) -> Ipv4Addr {
        let address = self.base.checked_add(node);
        Ipv4Addr::from(address.expect("clusters have fewer nodes than there are addresses"))
    }

    /// The node with that address; `None` when it lies before the first node's.
    pub fn node(self, ip: Ipv4Addr) -> Option<u32> {
        u32::from(ip).checked_sub(self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_both_ways() {
        assert_eq!(Names::PRIVATE.ip(258), Ipv4Addr::new(10, 0, 1, 2));
        assert_eq!(Names::PRIVATE.node(Ipv4Addr::new(10, 0, 1, 2)), Some(258));
        assert_eq!(Names::PRIVATE.node(Ipv4Addr::LOCALHOST), Some(0x7500_0001));
        assert_eq!(Names::PRIVATE.node(Ipv4Addr::new(9, 255, 255, 255)), None);
        let loopback = u32::from(Ipv4Addr::LOCALHOST);
        assert_eq!(Names::REAL.ip(loopback), Ipv4Addr::LOCALHOST);
        assert_eq!(Names::REAL.node(Ipv4Addr::LOCALHOST), Some(loopback));
    }
}
