//! The one table of settings, from which the flags, the variables, the keys of the file and the help come.

/// Makes [`Key`] with its names.
macro_rules! keys {
    ($($heading:literal { $($name:ident $toml:literal $env:literal $value:literal $help:literal)+ })+) => {
        /// One setting.
        #[expect(clippy::enum_variant_names, reason = "encryption key is the field's word")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Key {
            $($($name,)+)+
        }

        impl Key {
            pub(crate) const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// The key in the file, dotted where it is in a table.
            pub(crate) const fn toml(self) -> &'static str {
                match self { $($(Self::$name => $toml,)+)+ }
            }

            /// The environment variable.
            pub(crate) const fn env(self) -> &'static str {
                match self { $($(Self::$name => $env,)+)+ }
            }

            /// What the help calls the value.
            pub(crate) const fn value_name(self) -> &'static str {
                match self { $($(Self::$name => $value,)+)+ }
            }

            pub(crate) const fn help(self) -> &'static str {
                match self { $($(Self::$name => $help,)+)+ }
            }

            pub(crate) const fn heading(self) -> &'static str {
                match self { $($(Self::$name => $heading,)+)+ }
            }
        }
    };
}

keys! {
    "Server" {
        Listen "listen" "ZALT_LISTEN" "ADDRESS:PORT"
            "Where to listen; port 0 takes a free one [default: 127.0.0.1:3000]"
        DataDir "data_dir" "ZALT_DATA_DIR" "FOLDER"
            "Where the database file and, in development, the key are kept [default: ./zalt-data]"
        BaseUrl "base_url" "ZALT_BASE_URL" "URL"
            "The origin that people open, such as https://auth.example.com [default in development: http://localhost:PORT]"
        Mode "env" "ZALT_ENV" "development|production"
            "Production refuses unsafe settings; a base URL that others reach means production [default: development]"
        Metrics "metrics.listen" "ZALT_METRICS_LISTEN" "ADDRESS:PORT"
            "Where to serve metrics to Prometheus, at /metrics; keep it from the public [default: nowhere]"
        MaxConnections "max_connections" "ZALT_MAX_CONNECTIONS" "NUMBER"
            "Connections at once; more have to wait [default: 512]"
        TrustedProxies "trusted_proxies" "ZALT_TRUSTED_PROXIES" "NETWORKS"
            "Addresses and networks of the proxies in front of this server, separated by commas [default: none]"
        ForwardedHeader "forwarded_header" "ZALT_FORWARDED_HEADER" "x-forwarded-for|forwarded"
            "The header in which those proxies name the client [default: x-forwarded-for]"
        AllowedOrigins "allowed_origins" "ZALT_ALLOWED_ORIGINS" "ORIGINS"
            "Other origins whose pages may call the API with their visitors' cookies, separated by commas [default: none]"
        HstsSubdomains "hsts_include_subdomains" "ZALT_HSTS_INCLUDE_SUBDOMAINS" "true|false"
            "Whether browsers are told to use https for the subdomains too [default: false]"
    }
    "Storage" {
        Database "database_url" "DATABASE_URL" "URL"
            "The database: sqlite:PATH, or postgres://user:password@host/database for several replicas [default: zalt.db in the data folder]"
        DatabaseReplica "database.replica_url" "ZALT_DATABASE_REPLICA_URL" "URL"
            "A standby of PostgreSQL that answers lists, which may then be some moments old [default: the database itself]"
        DatabaseSchema "database.schema" "ZALT_DATABASE_SCHEMA" "NAME"
            "The schema of PostgreSQL that is Zalt's own [default: zalt]"
        DatabasePoolSize "database.pool_size" "ZALT_DATABASE_POOL_SIZE" "NUMBER"
            "Connections to PostgreSQL that this server holds at most [default: two for each core, 8 to 32]"
        DatabaseAcquireTimeout "database.acquire_timeout" "ZALT_DATABASE_ACQUIRE_TIMEOUT" "DURATION"
            "How long a request waits for one of them [default: 5s]"
        DatabaseStatementTimeout "database.statement_timeout" "ZALT_DATABASE_STATEMENT_TIMEOUT" "DURATION"
            "How long PostgreSQL may work on one statement [default: 10s]"
        DatabaseTransactionPooler "database.transaction_pooler" "ZALT_DATABASE_TRANSACTION_POOLER" "true|false"
            "Whether a pooler stands in front of PostgreSQL that lends a connection for one transaction, such as PgBouncer [default: false]"
        DatabaseStartupTimeout "database.startup_timeout" "ZALT_DATABASE_STARTUP_TIMEOUT" "DURATION"
            "How long a start waits for PostgreSQL to come up [default: 30s]"
        Redis "redis_url" "REDIS_URL" "URL"
            "What several replicas share besides PostgreSQL: redis://user:password@host:port, or rediss:// for TLS; the servers of a cluster separated by commas [default: none]"
        RedisCluster "redis.cluster" "ZALT_REDIS_CLUSTER" "true|false"
            "Whether it is one server of a cluster [default: true where several are named]"
        RedisKeyPrefix "redis.key_prefix" "ZALT_REDIS_KEY_PREFIX" "PREFIX"
            "What every key in Redis begins with; applications that share a Redis need one each [default: zalt:]"
        RedisTimeout "redis.timeout" "ZALT_REDIS_TIMEOUT" "DURATION"
            "How long Redis may take for an answer before it counts as away [default: 1s]"
        RedisRootCertificates "redis.root_certificates" "ZALT_REDIS_ROOT_CERTIFICATES" "FILE"
            "The certificates in PEM that Redis has to prove itself by, in place of those that browsers trust"
        SessionCache "sessions.cache" "ZALT_SESSIONS_CACHE" "true|false"
            "Whether sessions that were just checked are held in memory; on PostgreSQL it needs Redis, which tells of revocations [default: true, on PostgreSQL without Redis false]"
        SessionCacheMaxAge "sessions.cache_max_age" "ZALT_SESSIONS_CACHE_MAX_AGE" "DURATION"
            "How long at most [default: 5s]"
        SessionCacheCapacity "sessions.cache_capacity" "ZALT_SESSIONS_CACHE_CAPACITY" "NUMBER"
            "How many at most [default: 10000]"
        AccountBudgets "budgets.accounts" "ZALT_BUDGETS_ACCOUNTS" "database|redis"
            "Where tries at an account are counted. Redis is quicker; while it is away nobody signs in, and what it loses is forgotten [default: database]"
        NetworksWithoutRedis "budgets.network.without_redis" "ZALT_BUDGETS_NETWORK_WITHOUT_REDIS" "database|memory|refuse"
            "Where it is counted what a network does while Redis is away: in the database, by each server for itself, or nowhere and so refused [default: database]"
    }
    "Secrets" {
        EncryptionKey "encryption_key" "ENCRYPTION_KEY" "KEY"
            "The key that seals what is stored: 32 random bytes in base64 (`openssl rand -base64 32`); older keys may follow, separated by commas [default in development: made once and kept in the data folder]"
        JwtSecret "jwt_secret" "JWT_SECRET" "SECRET"
            "Sign access tokens with HS256 under this secret of at least 32 bytes, which back ends share [default: EdDSA keys that are made and rotated]"
    }
    "Messages" {
        SmtpUrl "smtp_url" "SMTP_URL" "URL"
            "The mail server, smtps://user:password@host or smtp://user:password@host (STARTTLS) [default in development: mail is shown, not sent]"
        MailFrom "mail_from" "ZALT_MAIL_FROM" "ADDRESS"
            "Who mail is from, such as Acme <no-reply@example.com> [default: from the SMTP URL]"
        MailHookUrl "mail_hook_url" "ZALT_MAIL_HOOK_URL" "URL"
            "A service of yours that sends mail, in place of a mail server"
        MailHookSecret "mail_hook_secret" "ZALT_MAIL_HOOK_SECRET" "SECRET"
            "What requests to it are signed with: whsec_ and base64"
        SmsTwilioAccount "sms.twilio_account" "ZALT_SMS_TWILIO_ACCOUNT" "SID"
            "Send text messages by this account at Twilio"
        SmsTwilioToken "sms.twilio_token" "ZALT_SMS_TWILIO_TOKEN" "TOKEN"
            "The auth token of that account"
        SmsFrom "sms.from" "ZALT_SMS_FROM" "SENDER"
            "The number, name or messaging service that text messages are from"
        SmsHookUrl "sms.hook_url" "ZALT_SMS_HOOK_URL" "URL"
            "A service of yours that sends text messages, in place of Twilio"
        SmsHookSecret "sms.hook_secret" "ZALT_SMS_HOOK_SECRET" "SECRET"
            "What requests to it are signed with: whsec_ and base64"
    }
    "Rules" {
        ApplicationName "application_name" "ZALT_APPLICATION_NAME" "NAME"
            "The name that people read on pages and in mails [default: Zalt]"
        SignUpOpen "sign_up.open" "ZALT_SIGN_UP_OPEN" "true|false"
            "Whether strangers may sign up [default: true]"
        SignUpPasswordRequired "sign_up.password_required" "ZALT_SIGN_UP_PASSWORD_REQUIRED" "true|false"
            "Whether a new account needs a password [default: true]"
        PasswordMinLength "password.min_length" "ZALT_PASSWORD_MIN_LENGTH" "NUMBER"
            "The fewest characters of a new password, 8 to 64; NIST asks for 15 where a password alone signs in [default: 8]"
        FirstFactors "first_factors" "ZALT_FIRST_FACTORS" "FACTORS"
            "What a sign-in may begin with, separated by commas: password, email_code, email_link, sms_code, passkey [default: password,email_code,email_link,passkey]"
        SecondFactors "second_factors.policy" "ZALT_SECOND_FACTORS_POLICY" "disabled|optional|required"
            "Whether a sign-in asks for a second factor: of nobody, of who has set one up, of everybody [default: optional]"
        LiveSessions "second_factors.applies_to_live_sessions" "ZALT_SECOND_FACTORS_APPLIES_TO_LIVE_SESSIONS" "true|false"
            "Whether a required second factor is asked for in sessions that live already, too; else at the next sign-in [default: false]"
        SecondFactorMethods "second_factors.methods" "ZALT_SECOND_FACTORS_METHODS" "FACTORS"
            "The second factors that may be set up and are accepted, separated by commas: totp, passkey, sms_code, email_code [default: totp,passkey]"
        PasskeysRpId "passkeys.rp_id" "ZALT_PASSKEYS_RP_ID" "DOMAIN"
            "The domain that passkeys belong to, for ever: the base URL's host or a parent domain of it [default: the base URL's host; none for an IP address, which can't have passkeys]"
        PasskeysOrigins "passkeys.origins" "ZALT_PASSKEYS_ORIGINS" "ORIGINS"
            "Origins on that domain or below it whose pages may use the passkeys too, separated by commas; for Android apps android:apk-key-hash:HASH [default: the base URL's alone]"
        PasskeysRelatedOrigins "passkeys.related_origins" "ZALT_PASSKEYS_RELATED_ORIGINS" "ORIGINS"
            "Origins of other domains whose pages may use them too, separated by commas; the domain of passkeys.rp_id has to serve this server's /.well-known/webauthn [default: none]"
        PasskeysUserVerification "passkeys.user_verification" "ZALT_PASSKEYS_USER_VERIFICATION" "required|first_factor|preferred"
            "When an authenticator has to check who is there, by a PIN or biometrics: always, where the passkey comes first, or never [default: first_factor]"
        PasskeysClones "passkeys.clones" "ZALT_PASSKEYS_CLONES" "refuse|report"
            "What is done about a passkey whose counter did not move on, since somebody may have a copy [default: refuse]"
        PasskeysTimeout "passkeys.timeout" "ZALT_PASSKEYS_TIMEOUT" "DURATION"
            "How long a request for a passkey is open, 30s to 5m [default: 5m]"
        PasskeysListCredentials "passkeys.list_credentials" "ZALT_PASSKEYS_LIST_CREDENTIALS" "true|false"
            "Whether an identifier tells strangers which passkeys its account has, for keys that hold no list of their own [default: false]"
        PhoneCountries "phone_numbers.countries" "ZALT_PHONE_NUMBERS_COUNTRIES" "COUNTRIES"
            "The countries whose mobile phone numbers are accepted and get text messages, by their two letters, separated by commas, such as AT,DE [default: none, and no text messages]"
        PhoneMessagesPerHour "phone_numbers.messages_per_hour" "ZALT_PHONE_NUMBERS_MESSAGES_PER_HOUR" "NUMBER"
            "The most text messages in an hour, to all numbers together: what an attack may cost at worst [default: 500]"
        TrustedDevices "trusted_devices" "ZALT_TRUSTED_DEVICES" "DURATION"
            "How long somebody may have a device stand in for the second factor, up to 90d [default: not at all]"
        NewDeviceMails "new_device_mails" "ZALT_NEW_DEVICE_MAILS" "true|false"
            "Whether people are told of a sign-in from a device that is new to their account [default: false]"
        RecoveryHold "recovery_hold" "ZALT_RECOVERY_HOLD" "DURATION"
            "How long an address that was taken off a frozen account waits before it recovers it, while the others can object, 1h to 7d [default: 1d]"
        ConnectionLinking "connection_linking" "ZALT_CONNECTION_LINKING" "prove_account|verified_address"
            "What it takes to connect a provider's account to one here with the same address: proving that one too, or the address alone where both sides verified it [default: prove_account]"
        ReturnAddresses "return_addresses" "ZALT_RETURN_ADDRESSES" "ADDRESSES"
            "Addresses beside this server's own pages where people may be led after signing in with a provider, separated by commas; each counts to the last character [default: none]"
        ProviderTokens "provider_tokens" "ZALT_PROVIDER_TOKENS" "true|false"
            "Whether front ends get the tokens that open a provider's API in the name of their user [default: false]"
        SessionLifetime "sessions.lifetime" "ZALT_SESSIONS_LIFETIME" "DURATION"
            "A session is over this long after sign-in [default: 30d]"
        SessionIdleTimeout "sessions.idle_timeout" "ZALT_SESSIONS_IDLE_TIMEOUT" "DURATION"
            "A session is over when it was not used for this long [default: 14d]"
        RefreshGrace "sessions.refresh_grace" "ZALT_SESSIONS_REFRESH_GRACE" "DURATION"
            "How long a replaced refresh token still yields its unused successor [default: 30s]"
        ReauthenticationWindow "sessions.reauthentication_window" "ZALT_SESSIONS_REAUTHENTICATION_WINDOW" "DURATION"
            "How recent an authentication has to be for important changes [default: 10m]"
        AccessTokenLifetime "access_tokens.lifetime" "ZALT_ACCESS_TOKENS_LIFETIME" "DURATION"
            "How long an access token is valid, at most an hour [default: 5m]"
        NetworkTries "budgets.network.tries" "ZALT_BUDGETS_NETWORK_TRIES" "NUMBER"
            "Attempts, passwords and messages that one network may ask for in a period [default: 60]"
        NetworkPeriod "budgets.network.period" "ZALT_BUDGETS_NETWORK_PERIOD" "DURATION"
            "That period [default: 1m]"
        EventsKept "events_kept" "ZALT_EVENTS_KEPT" "DURATION"
            "How long the audit log is kept [default: for ever]"
        HashingMemory "hashing.memory_kib" "ZALT_HASHING_MEMORY_KIB" "KIB"
            "Memory that argon2id takes for one password [default: 19456]"
        HashingIterations "hashing.iterations" "ZALT_HASHING_ITERATIONS" "NUMBER"
            "Passes that argon2id makes over it [default: 2]"
        HashingThreads "hashing.threads" "ZALT_HASHING_THREADS" "NUMBER"
            "Passwords that are hashed at once [default: one for each core]"
        HashingQueue "hashing.queue" "ZALT_HASHING_QUEUE" "NUMBER"
            "Passwords that may wait to be hashed [default: 256]"
    }
    "Log" {
        LogFormat "log.format" "ZALT_LOG_FORMAT" "text|json"
            "The form of the log, which goes to standard error [default: text, in production json]"
        LogFilter "log.filter" "ZALT_LOG_FILTER" "FILTER"
            "What is logged, such as info or info,zalt_server=debug [default: info]"
    }
}

impl Key {
    /// The flag, without the dashes in front.
    pub(crate) fn flag(self) -> String {
        self.toml().replace(['.', '_'], "-")
    }

    /// Whether the value must never be shown. Such a setting can also be read from a file of its own.
    pub(crate) const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Database
                | Self::DatabaseReplica
                | Self::Redis
                | Self::EncryptionKey
                | Self::JwtSecret
                | Self::SmtpUrl
                | Self::MailHookSecret
                | Self::SmsTwilioToken
                | Self::SmsHookSecret
        )
    }

    /// The variable that names the file of a secret.
    pub(crate) fn file_env(self) -> String {
        format!("{}_FILE", self.env())
    }

    /// The flag that names the file of a secret.
    pub(crate) fn file_flag(self) -> String {
        format!("{}-file", self.flag())
    }

    /// The key that names the file of a secret.
    pub(crate) fn file_toml(self) -> String {
        format!("{}_file", self.toml())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Key;

    #[test]
    fn the_document_lists_every_setting_in_the_words_of_the_help() {
        let document = include_str!("../../../docs/configuration.md");
        for key in Key::ALL {
            let help = key.help().replace('|', "&#124;");
            let row = format!("| `{}` | `{}` | {help} |", key.toml(), key.env());
            assert!(document.contains(&row), "docs/configuration.md lacks {row}");
        }
    }

    #[test]
    fn no_name_is_used_twice() {
        let names = |of: fn(Key) -> String| {
            let secrets = Key::ALL.iter().filter(|key| key.is_secret()).count();
            let all: HashSet<String> = Key::ALL.iter().map(|key| of(*key)).collect();
            assert_eq!(all.len(), Key::ALL.len());
            secrets
        };
        names(Key::flag);
        names(|key| key.toml().to_owned());
        assert_eq!(names(|key| key.env().to_owned()), 9);
    }
}
