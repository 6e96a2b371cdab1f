//! The table of checks, in the order in which they are shown.

mod admin_login;
mod audit_log;
mod boot;
mod certificate;
mod clock_skew;
mod config_drift;
mod containment;
mod directories;
mod disk;
mod duplicates;
mod env_file;
pub(super) mod git;
mod global_config;
mod hub;
mod hub_database;
pub(super) mod leftovers;
mod legacy_fields;
mod login;
mod node_config;
mod node_hub;
mod node_id;
mod node_token;
mod nodes;
mod orphans;
mod plain_secrets;
mod ports;
mod private_files;
mod process;
mod programs;
mod project_files;
mod settings_file;
mod shared_login;
mod shell;
mod supervisor;
mod telegram;
#[cfg(test)]
mod testing;

use super::check::Check;

/// Every check.
pub const CHECKS: [Check; 35] = [
    global_config::CHECK,
    login::CHECK,
    shell::CHECK,
    hub::CHECK,
    certificate::CHECK,
    clock_skew::CHECK,
    ports::CHECK,
    hub_database::CHECK,
    audit_log::CHECK,
    admin_login::CHECK,
    supervisor::CHECK,
    settings_file::CHECK,
    containment::CHECK,
    boot::CHECK,
    orphans::CHECK,
    nodes::CHECK,
    duplicates::CHECK,
    node_config::CHECK,
    legacy_fields::CHECK,
    node_id::CHECK,
    node_hub::CHECK,
    node_token::CHECK,
    plain_secrets::CHECK,
    env_file::CHECK,
    programs::CHECK,
    shared_login::CHECK,
    process::CHECK,
    config_drift::CHECK,
    directories::CHECK,
    private_files::CHECK,
    git::CHECK,
    project_files::CHECK,
    telegram::CHECK,
    leftovers::CHECK,
    disk::CHECK,
];
