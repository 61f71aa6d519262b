use std::io::{self, BufRead};

use zalt_core::identifier::{EmailAddress, Username};
use zalt_core::password::Password;
use zalt_core::user::{Metadata, Name, NewUser, Profile};
use zalt_core::{Error, RequestContext};
use zeroize::Zeroizing;

use super::say;
use crate::application::{Application, ApplicationError, local_base_url};
use crate::cli::CreateUser;
use crate::config::Config;
use crate::storage::Schema;

/// Why there is no such user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateUserError {
    #[error(transparent)]
    Application(#[from] ApplicationError),
    #[error("the password can't be read: {0}")]
    Input(#[source] io::Error),
    #[error("--password-stdin: there is no password on standard input")]
    NoPassword,
    #[error(transparent)]
    Core(#[from] Error),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// The longest line that is read as a password.
const MAX_LINE: u64 = 4096;

/// Makes a user whose address counts as verified.
///
/// It works beside a server on the same database: each write is one commit with its own guards, and the server's cache
/// holds sessions only.
pub(crate) async fn create_user(
    config: &Config,
    wanted: CreateUser,
) -> Result<(), CreateUserError> {
    let email_address = EmailAddress::parse(&wanted.email).map_err(Error::from)?;
    let name = |text: Option<&String>| text.map(|text| Name::parse(text)).transpose();
    let profile = Profile {
        first_name: name(wanted.first_name.as_ref()).map_err(Error::from)?,
        last_name: name(wanted.last_name.as_ref()).map_err(Error::from)?,
        image_url: None,
    };
    let username = wanted
        .username
        .as_deref()
        .map(Username::parse)
        .transpose()
        .map_err(Error::from)?;
    let password = if wanted.password_from_stdin {
        Some(read_password(io::stdin().lock())?)
    } else {
        None
    };

    // A new file may be made here; what is there already may have a server of an older version on it.
    let schema = match config.database_file() {
        Some(file) if !file.exists() => Schema::Migrated,
        _ => Schema::AsItIs,
    };
    let base_url = local_base_url(config.listen.port());
    let application = Application::open(config, schema, &base_url).await?;
    let users = application.zalt.users();
    let has_password = password.is_some();
    let password = match password {
        Some(password) => {
            let mut context = vec![email_address.local_part()];
            context.extend(username.as_ref().map(Username::as_str));
            Some(users.hash_new_password(password, &context).await?)
        }
        None => None,
    };
    let new = NewUser {
        email_address: email_address.clone(),
        username,
        password,
        profile,
        unsafe_metadata: Metadata::default(),
    };
    let created = users.create(&RequestContext::internal(), new).await;
    application.storage.close().await;
    say(format_args!("{} is {}", email_address, created?.id))?;
    if !has_password {
        let base = application.zalt.base_url().as_str().trim_end_matches('/');
        say(format_args!(
            "no password is set: sign in with an e-mailed code, or set a password at {base}/password/forgotten"
        ))?;
    }
    Ok(())
}

fn read_password(input: impl BufRead) -> Result<Password, CreateUserError> {
    let mut line = Zeroizing::new(String::new());
    input
        .take(MAX_LINE)
        .read_line(&mut line)
        .map_err(CreateUserError::Input)?;
    let text = line.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(CreateUserError::NoPassword);
    }
    Ok(Password::parse(text).map_err(Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_as_it_stands() {
        let read = |text: &str| read_password(text.as_bytes()).map(|it| it.expose().to_owned());
        assert_eq!(read("  a b \r\nmore\n").unwrap(), "  a b ");
        assert_eq!(read("no line break").unwrap(), "no line break");
        assert!(matches!(read("\n"), Err(CreateUserError::NoPassword)));
        assert!(matches!(read(""), Err(CreateUserError::NoPassword)));
    }
}
