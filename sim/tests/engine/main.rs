//! What the engine promises, on all engines alike, and how near its streams are to the kernel's.

mod contract;
mod linux_tcp;
