//! Message ids: one generator per file; and `reserve`, which keeps them unique whatever the wall
//! clock does.

mod reserve;
mod snowflake;

pub use reserve::Ids;
pub use snowflake::Snowflake;
