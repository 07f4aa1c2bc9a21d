//! The standard rewriting rules.

mod chain;
mod checklist;
mod directions;
mod file_list;
mod full_address;
mod loop_bound;
mod placeholders;
mod quoting;
mod script_path;

pub use chain::SplitChain;
pub use checklist::Checklist;
pub use directions::Directions;
pub use file_list::FileList;
pub use full_address::FullAddress;
pub use loop_bound::LoopBound;
pub use placeholders::Placeholders;
pub use script_path::ScriptPath;
