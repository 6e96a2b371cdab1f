//! Conditions of lists. Values are always bound, never written into the text.

use sqlx::{QueryBuilder, Sqlite};

use crate::store::Scope;

/// ` WHERE <column> IN (…)`, so that further conditions can follow with ` AND `.
pub(super) fn push_scope(query: &mut QueryBuilder<Sqlite>, column: &'static str, scope: &Scope) {
    match scope {
        Scope::All => {
            query.push(" WHERE true");
        }
        // No network in reach: no row. (`IN ()` is not a form that every dialect takes.)
        Scope::Networks(networks) if networks.is_empty() => {
            query.push(" WHERE false");
        }
        Scope::Networks(networks) => {
            query.push(" WHERE ").push(column).push(" IN (");
            let mut list = query.separated(", ");
            for network in networks {
                list.push_bind(network.as_str().to_owned());
            }
            query.push(")");
        }
    }
}

/// ` AND <column> = …`, when a value is asked for.
pub(super) fn push_equal(query: &mut QueryBuilder<Sqlite>, column: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        query.push(" AND ").push(column).push(" = ").push_bind(value.to_owned());
    }
}

/// The end of a list query: only keys below `before`, newest first, one row more than asked for, so that
/// it is known whether a next page exists.
pub(super) fn push_page(query: &mut QueryBuilder<Sqlite>, key: &'static str, before: Option<i64>, limit: u32) {
    if let Some(before) = before {
        query.push(" AND ").push(key).push(" < ").push_bind(before);
    }
    query.push(" ORDER BY ").push(key).push(" DESC LIMIT ").push_bind(i64::from(limit) + 1);
}
