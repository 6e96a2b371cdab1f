use anet_protocol::rest::AuthStatus;

use crate::error::HubError;
use crate::hub::Hub;

/// What a first screen needs to know.
pub(crate) async fn status(hub: &Hub) -> Result<AuthStatus, HubError> {
    let mut reads = hub.read().await?;
    let setup_needed = !reads.has_users().await?;
    Ok(AuthStatus {
        auth: hub.settings().access.as_str().to_owned(),
        registration: hub.registration(&mut *reads).await?,
        setup_needed,
        setup_code_needed: setup_needed && !hub.setup_code().fits(None),
    })
}
