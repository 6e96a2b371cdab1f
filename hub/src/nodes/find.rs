use anet_protocol::id::{Alias, NetworkId};
use anet_protocol::rest::{ErrorCode, Node};
use unicode_normalization::UnicodeNormalization as _;

use crate::error::{HubError, Refusal};
use crate::store::Reads;

/// How many names are suggested at most, and how alike they must be (Jaro-Winkler, 1 is equal).
const SUGGESTIONS: usize = 3;
const ALIKE: f64 = 0.75;

/// The node of that alias, or the one that had it last, or a refusal that suggests near names.
pub(crate) async fn node_named(reads: &mut dyn Reads, network_id: &NetworkId, alias: &Alias) -> Result<Node, HubError> {
    if let Some(stored) = reads.node_by_alias(network_id, alias).await? {
        return Ok(stored.node);
    }
    if let Some(node_id) = reads.renamed_from(network_id, alias).await?
        && let Some(stored) = reads.node(&node_id).await?
    {
        return Ok(stored.node);
    }
    let suggestions = near(alias.as_str(), reads.aliases(network_id).await?);
    Err(Refusal::new(ErrorCode::AliasNotFound, "alias_not_found")
        .message("no agent of that name; nothing was stored")
        .detail("alias", alias.as_str())
        .detail("queued", false)
        .detail("suggestions", suggestions)
        .into())
}

/// Refuses a new name that looks like another agent's: the same but for case, width or composition.
pub(crate) async fn refuse_twin(
    reads: &mut dyn Reads,
    network_id: &NetworkId,
    alias: &Alias,
    renamed: Option<&Alias>,
) -> Result<(), HubError> {
    let looks = |name: &str| name.nfkc().collect::<String>().to_lowercase();
    let look = looks(alias.as_str());
    let names = reads.aliases(network_id).await?;
    let mut others = names.iter().filter(|name| renamed.is_none_or(|renamed| renamed.as_str() != name.as_str()));
    match others.find(|name| looks(name) == look) {
        None => Ok(()),
        Some(twin) => Err(Refusal::new(ErrorCode::AliasTaken, format!("alias \"{twin}\" already in use"))
            .message(format!("the name looks like that of another agent, {twin}"))
            .into()),
    }
}

/// The names most like the wanted one, the likest first.
fn near(wanted: &str, names: Vec<String>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut ranked: Vec<(f64, String)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    ranked.into_iter().take(SUGGESTIONS).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["writer", "reviewer", "counter"].map(str::to_owned).to_vec();
        assert_eq!(near("wirter", names.clone()), ["writer"]);
        assert_eq!(near("Counte", names.clone()), ["counter"]);
        assert!(near("zzz", names).is_empty());
    }
}
