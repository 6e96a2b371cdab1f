//! What the kernel knows: processes, their trees, and handles that cannot hit a stranger.

pub(crate) mod boot_time;
pub(crate) mod control_group;
pub(crate) mod execution;
pub(crate) mod exit_status;
pub(crate) mod file_identity;
pub(crate) mod isolation;
pub(crate) mod memory_use;
pub(crate) mod orphans;
pub(crate) mod own_memory;
pub(crate) mod own_process;
pub(crate) mod pid_file_descriptor;
pub(crate) mod process_entry;
pub(crate) mod process_table;
pub(crate) mod resource_mark;
pub(crate) mod tree;
