//! Prints the OpenAPI document of the hub.

use std::error::Error;
use std::io::Write as _;

fn main() -> Result<(), Box<dyn Error>> {
    let document = serde_json::to_string_pretty(&anet_hub::openapi())?;
    writeln!(std::io::stdout(), "{document}")?;
    Ok(())
}
