//! A node's change of name in two phases: the new name is reserved, the node's own machine does its part, and the name
//! changes. What is not finished in ten minutes is called off.

use anet_protocol::event::{Event, RenamedNode};
use anet_protocol::id::{Alias, NetworkId, NodeId, RenameId};
use anet_protocol::node_config::validate_node_name;
use anet_protocol::rest::{ErrorCode, PrepareRename, RenameAnswer};
use anet_protocol::role::{CredentialKind, Operation};
use anet_protocol::time::Timestamp;

use super::find::{node_named, refuse_twin};
use super::may_manage;
use crate::audit::AuditEntry;
use crate::caller::Caller;
use crate::error::{HubError, Refusal};
use crate::events::{Channel, Effect};
use crate::hub::Hub;
use crate::networks::find::network_for;
use crate::store::{Rename, RenameStatus, Transaction};

/// How long a new name is reserved.
const SECONDS: i64 = 600;

fn refused(error: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::RenameNotPossible, error)
}

fn in_use(alias: &Alias) -> Refusal {
    Refusal::new(ErrorCode::AliasTaken, format!("alias \"{alias}\" already in use"))
}

/// Reserves the new name.
pub(crate) async fn prepare(hub: &Hub, caller: &Caller, request: PrepareRename) -> Result<RenameAnswer, HubError> {
    validate_node_name(&request.new_alias).map_err(|error| Refusal::invalid("new_alias", error.to_string()))?;
    if request.old_alias == request.new_alias {
        return Err(refused("old and new alias are identical").into());
    }
    let now = hub.now();
    let txn_id = RenameId::random(hub.entropy());
    let caller = caller.clone();
    hub.write(async move |transaction| {
        let network_id = request.network_id;
        network_for(transaction, &caller, &network_id, Operation::RenameNode).await?;
        let (old, new) = (Alias::from(request.old_alias), Alias::from(request.new_alias));
        let node = node_named(transaction, &network_id, &old).await?;
        if node.alias != old {
            return Err(refused(format!("the node is called \"{}\" now", node.alias)).into());
        }
        may_rename(transaction, &caller, &network_id, &node.node_id).await?;
        if transaction.node_by_alias(&network_id, &new).await?.is_some() {
            return Err(in_use(&new).into());
        }
        refuse_twin(transaction, &network_id, &new, Some(&old)).await?;
        release(transaction, &network_id, &new, now).await?;
        let rename = Rename {
            txn_id,
            network_id,
            node_id: node.node_id,
            old_alias: old,
            new_alias: new,
            status: RenameStatus::Prepared,
            prepared_by: caller.sender_id().to_owned(),
            expires_at: now.plus_seconds(SECONDS),
        };
        transaction.insert_rename(&rename, now).await?;
        let entry = AuditEntry::by(&caller, "node_rename_prepared", now)
            .to("node", &rename.old_alias)
            .detail(&rename.new_alias)
            .within(&rename.network_id);
        transaction.insert_audit(&entry).await?;
        Ok(RenameAnswer { txn_id: rename.txn_id })
    })
    .await
}

/// A node renames itself alone; a person the own nodes, and the network's owner and admins all of them.
async fn may_rename(
    transaction: &mut dyn Transaction,
    caller: &Caller,
    network_id: &NetworkId,
    node_id: &NodeId,
) -> Result<(), HubError> {
    if caller.credential == CredentialKind::Node {
        let own = caller.node.as_ref().is_some_and(|node| node.node_id == *node_id);
        let other = || Refusal::new(ErrorCode::UserTokenRequired, "user_token_required");
        return if own { Ok(()) } else { Err(other().message("a node renames itself alone").into()) };
    }
    let owner_id = transaction.node(node_id).await?.map(|stored| stored.owner_id);
    may_manage(transaction, caller, network_id, owner_id.as_ref()).await
}

/// Refuses a name that a rename under way has reserved; one that was not finished in time is called off.
pub(crate) async fn release(
    transaction: &mut dyn Transaction,
    network_id: &NetworkId,
    alias: &Alias,
    now: Timestamp,
) -> Result<(), HubError> {
    let Some(reserved) = transaction.reservation(network_id, alias).await? else { return Ok(()) };
    if reserved.expires_at > now {
        let error = format!("alias \"{alias}\" already reserved by an in-flight rename");
        return Err(Refusal::new(ErrorCode::AliasTaken, error).into());
    }
    transaction.set_rename_status(&reserved.txn_id, RenameStatus::Aborted, now).await?;
    Ok(())
}

/// The rename, if it is the caller's to finish, and still would be to begin. Somebody else's looks like none at all.
async fn own(transaction: &mut dyn Transaction, caller: &Caller, txn_id: &RenameId) -> Result<Rename, HubError> {
    let not_found = || refused("rename transaction not found");
    let rename = transaction.rename(txn_id).await?.filter(|rename| rename.prepared_by == caller.sender_id());
    let rename = rename.ok_or_else(not_found)?;
    match network_for(transaction, caller, &rename.network_id, Operation::RenameNode).await {
        Err(error) if error.code() == ErrorCode::NetworkNotFound => return Err(not_found().into()),
        network => network?,
    };
    if transaction.node(&rename.node_id).await?.is_some() {
        may_rename(transaction, caller, &rename.network_id, &rename.node_id).await?;
    }
    Ok(rename)
}

/// Gives the node its new name. Doing it twice is doing it once.
pub(crate) async fn commit(hub: &Hub, caller: &Caller, txn_id: RenameId) -> Result<RenameAnswer, HubError> {
    let (now, caller) = (hub.now(), caller.clone());
    hub.write(async move |transaction| {
        let rename = own(transaction, &caller, &txn_id).await?;
        match rename.status {
            RenameStatus::Committed => return Ok(RenameAnswer { txn_id }),
            RenameStatus::Prepared if rename.expires_at > now => {}
            RenameStatus::Prepared | RenameStatus::Aborted => {
                return Err(refused("rename transaction was aborted").into());
            }
        }
        if transaction.node_by_alias(&rename.network_id, &rename.new_alias).await?.is_some() {
            return Err(refused(format!("alias \"{}\" was taken since prepare", rename.new_alias)).into());
        }
        transaction.node(&rename.node_id).await?.ok_or_else(|| refused("the node is gone"))?;
        transaction.rename_node(&rename, now).await?;
        transaction.set_rename_status(&txn_id, RenameStatus::Committed, now).await?;
        tell(transaction, &rename, now).await?;
        let entry = AuditEntry::by(&caller, "node_rename_committed", now)
            .to("node", &txn_id)
            .detail(format!("{} → {}", rename.old_alias, rename.new_alias))
            .within(&rename.network_id);
        transaction.insert_audit(&entry).await?;
        let channel = |alias| Channel::node(&rename.network_id, alias);
        transaction.after_commit(Effect::Rekey { from: channel(&rename.old_alias), to: channel(&rename.new_alias) });
        Ok(RenameAnswer { txn_id })
    })
    .await
}

/// Old name, new name and every member hear of it.
async fn tell(transaction: &mut dyn Transaction, rename: &Rename, now: Timestamp) -> Result<(), HubError> {
    let event = Event::NodeRenamed {
        event: "node.renamed".to_owned(),
        txn_id: rename.txn_id.clone(),
        alias: rename.new_alias.clone(),
        network_id: rename.network_id.clone(),
        node_id: rename.node_id.clone(),
        data: RenamedNode {
            old_alias: rename.old_alias.clone(),
            new_alias: rename.new_alias.clone(),
            node_id: rename.node_id.clone(),
            history_policy: "preserve".to_owned(),
        },
    };
    for alias in [&rename.old_alias, &rename.new_alias] {
        transaction.append_event(&Channel::node(&rename.network_id, alias), &event, now).await?;
    }
    for member in transaction.members(&rename.network_id).await? {
        transaction.append_event(&Channel::user(&rename.network_id, &member.username), &event, now).await?;
    }
    Ok(())
}

/// Gives the new name free. Doing it twice is doing it once.
pub(crate) async fn abort(hub: &Hub, caller: &Caller, txn_id: RenameId) -> Result<RenameAnswer, HubError> {
    let (now, caller) = (hub.now(), caller.clone());
    hub.write(async move |transaction| {
        let rename = own(transaction, &caller, &txn_id).await?;
        match rename.status {
            RenameStatus::Aborted => return Ok(RenameAnswer { txn_id }),
            RenameStatus::Committed => return Err(refused("rename already committed, cannot abort").into()),
            RenameStatus::Prepared => {}
        }
        transaction.set_rename_status(&txn_id, RenameStatus::Aborted, now).await?;
        let entry = AuditEntry::by(&caller, "node_rename_aborted", now)
            .to("node", &txn_id)
            .detail(format!("{} → {}", rename.old_alias, rename.new_alias))
            .within(&rename.network_id);
        transaction.insert_audit(&entry).await?;
        Ok(RenameAnswer { txn_id })
    })
    .await
}
