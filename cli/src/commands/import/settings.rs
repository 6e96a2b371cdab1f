//! What is imported into `~/.anet/supervisor.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use anet_supervisor::{Options, Policies, settings_file};
use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::found::Policy;
use crate::failure::Failure;
use crate::files;

/// The settings file with the new sections, and what a person had written there before, which stays.
#[derive(Debug)]
pub(super) struct NewSettings {
    text: String,
    /// `NAME: key` of each key that was there already.
    pub(super) kept: Vec<String>,
}

/// Adds a section for each program; comments and keys that are there stay as they are.
///
/// # Errors
/// When the file has a fault, which is not made worse.
pub(super) fn add(home: &Path, policies: &BTreeMap<String, Policy>) -> Result<NewSettings, Failure> {
    let path = settings_file(home);
    let text = files::read_optional(&path)?.unwrap_or_default();
    let check = |text: &str| Options::parse(text, &path, &Policies::default()).map_err(Failure::failed);
    check(&text)?;
    let broken = |what: &str| Failure::message(format!("{}: {what} is no table", path.display()));
    let mut document: DocumentMut = text.parse().map_err(Failure::failed)?;
    let mut kept = Vec::new();
    for (name, policy) in policies.iter().filter(|(_, policy)| !policy.is_empty()) {
        let nodes = document.entry("node").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let nodes = nodes.as_table_like_mut().ok_or_else(|| broken("node"))?;
        let section = nodes.entry(name).or_insert_with(|| Item::Table(Table::new()));
        let section = section.as_table_like_mut().ok_or_else(|| broken(name))?;
        for (key, value) in policy {
            let value: Value = value.parse().map_err(Failure::failed)?;
            let is_new = match key.split_once('.') {
                None => insert(section, key, value),
                Some((table, key)) => {
                    let inner = section.entry(table).or_insert_with(|| InlineTable::new().into());
                    insert(inner.as_table_like_mut().ok_or_else(|| broken(table))?, key, value)
                }
            };
            if !is_new {
                kept.push(format!("{name}: {key}"));
            }
        }
    }
    let text = document.to_string();
    check(&text)?;
    Ok(NewSettings { text, kept })
}

/// Whether there was none.
fn insert(table: &mut dyn TableLike, key: &str, value: Value) -> bool {
    if table.contains_key(key) {
        return false;
    }
    table.insert(key, value.into());
    true
}

impl NewSettings {
    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written; it is as before then.
    pub(super) fn write(&self, home: &Path) -> Result<(), Failure> {
        Ok(files::write_private(&settings_file(home), &self.text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policies(name: &str, keys: &[(&'static str, &str)]) -> BTreeMap<String, Policy> {
        let policy = keys.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        [(name.to_owned(), policy)].into()
    }

    #[test]
    fn sections_are_added_and_what_a_person_wrote_stays() {
        let home = tempfile::tempdir().unwrap();
        let before = "# mine\n[node.web]\nrestart = \"always\" # for a reason\n";
        std::fs::write(settings_file(home.path()), before).unwrap();
        let mut wanted = policies("web", &[("restart", "\"never\""), ("stop-grace", "\"3s\"")]);
        wanted.extend(policies("b b", &[("start-backoff.first", "\"1s\"")]));
        let settings = add(home.path(), &wanted).unwrap();
        assert_eq!(settings.kept, ["web: restart"]);
        assert_eq!(
            settings.text,
            format!("{before}stop-grace = \"3s\"\n\n[node.\"b b\"]\nstart-backoff = {{ first = \"1s\" }}\n")
        );
    }

    #[test]
    fn a_file_with_a_fault_and_a_value_that_is_none_are_refused() {
        let home = tempfile::tempdir().unwrap();
        assert!(add(home.path(), &policies("web", &[("restart", "\"perhaps\"")])).is_err());
        std::fs::write(settings_file(home.path()), "[nodes]\n").unwrap();
        let failure = add(home.path(), &policies("web", &[("restart", "\"never\"")])).unwrap_err();
        assert!(format!("{:#}", failure.error).contains(":1:2: unknown field"), "{:#}", failure.error);
    }
}
