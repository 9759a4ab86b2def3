//! Message ids: one generator per file.

mod snowflake;

pub use snowflake::Snowflake;
