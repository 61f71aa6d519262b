use std::collections::HashSet;

use super::{Config, ConfigError};
use crate::connection::{ProviderProtocol, may_be_listed};

impl Config {
    /// Checks the connections that are set up here, as far as that goes without asking a provider.
    pub(crate) fn check_connections(
        &self,
        protocol: Option<&dyn ProviderProtocol>,
    ) -> Result<(), ConfigError> {
        for address in &self.return_addresses {
            if !may_be_listed(address) {
                let address = address.clone();
                return Err(ConfigError::ReturnAddress { address });
            }
        }
        let mut keys = HashSet::new();
        for settings in &self.connections {
            let key = settings.key.clone();
            let protocol = protocol.ok_or(ConfigError::ConnectionProtocol)?;
            if !keys.insert(&settings.key) {
                return Err(ConfigError::ConnectionKey { key });
            }
            protocol
                .check(settings)
                .map_err(|problem| ConfigError::Connection { key, problem })?;
        }
        Ok(())
    }
}
