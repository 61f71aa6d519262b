use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::SERVICE;
use crate::ServiceError;
use crate::error::Doing;

/// A server that is paused takes connections and answers none.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends one command over a connection of its own and gives the reply as text.
pub(super) fn ask(port: u16, words: &str) -> Result<String, ServiceError> {
    let exchange = || -> io::Result<Result<String, String>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = BufReader::new(stream);
        stream.get_mut().write_all(encode(words).as_bytes())?;
        read_reply(&mut stream)
    };
    exchange()
        .doing(|| format!("ask {SERVICE} on port {port} for {words}"))?
        .map_err(|reply| ServiceError::Refused {
            service: SERVICE,
            reply,
        })
}

fn encode(words: &str) -> String {
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command.extend(["$", &word.len().to_string(), "\r\n", word, "\r\n"]);
    }
    command
}

/// One reply of RESP 2; the inner error is one that the server gave.
fn read_reply(stream: &mut impl BufRead) -> io::Result<Result<String, String>> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let (kind, rest) = line
        .trim_end()
        .split_at_checked(1)
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    match kind {
        "+" | ":" => Ok(Ok(rest.to_owned())),
        "-" => Ok(Err(rest.to_owned())),
        "$" => {
            let Ok(length) = usize::try_from(number(rest)?) else {
                return Ok(Ok(String::new()));
            };
            let mut bytes = vec![0; length + "\r\n".len()];
            stream.read_exact(&mut bytes)?;
            bytes.truncate(length);
            Ok(Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n")))
        }
        "*" => {
            let mut parts = Vec::new();
            for _ in 0..number(rest)? {
                match read_reply(stream)? {
                    Ok(part) => parts.push(part),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(parts.join("\n")))
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::{encode, read_reply};
    use std::io::ErrorKind;

    #[test]
    fn a_command_is_an_array_of_its_words() {
        assert_eq!(encode("GET key"), "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
    }

    #[test]
    fn replies_of_every_kind() {
        for (reply, text) in [
            ("+OK\r\n", "OK"),
            (":12\r\n", "12"),
            ("$4\r\na\r\nb\r\n", "a\nb"),
            ("$-1\r\n", ""),
            ("*2\r\n$1\r\na\r\n:1\r\n", "a\n1"),
            ("*-1\r\n", ""),
        ] {
            assert_eq!(
                read_reply(&mut reply.as_bytes()).unwrap(),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn an_error_of_the_server_is_told_apart() {
        assert_eq!(
            read_reply(&mut "-LOADING\r\n".as_bytes()).unwrap(),
            Err("LOADING".to_owned())
        );
    }

    #[test]
    fn a_reply_that_breaks_off_is_an_error() {
        for reply in ["", "$4\r\na"] {
            let error = read_reply(&mut reply.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    }
}
