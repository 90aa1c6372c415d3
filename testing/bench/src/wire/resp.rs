//! Answers of Redis: the list of strings that a script returns. The first string says what happened.

use anyhow::{Context, Result, bail};

use super::{Connection, connection::LINE_END};

/// Reads an answer to its end and returns its first string. An answer without a list is returned as it is.
pub(crate) async fn read_verdict(connection: &mut Connection) -> Result<Vec<u8>> {
    let (kind, rest) = read_line(connection).await?;
    if kind != b'*' {
        return read_string(connection, kind, rest).await;
    }
    let mut verdict = None;
    for _ in 0..number(&rest)? {
        let (kind, rest) = read_line(connection).await?;
        let element = read_string(connection, kind, rest).await?;
        verdict.get_or_insert(element);
    }
    verdict.context("an empty list")
}

async fn read_line(connection: &mut Connection) -> Result<(u8, Vec<u8>)> {
    let length = connection.line().await?;
    let (kind, rest) = connection.unused()[..length].split_first().context("an empty line")?;
    let line = (*kind, rest.to_vec());
    connection.consume(length + LINE_END.len());
    Ok(line)
}

async fn read_string(connection: &mut Connection, kind: u8, rest: Vec<u8>) -> Result<Vec<u8>> {
    match kind {
        b'$' => {
            let mut string = Vec::new();
            connection.take(number(&rest)?, |part| string.extend_from_slice(part)).await?;
            connection.take(LINE_END.len(), |_| {}).await?;
            Ok(string)
        }
        b'+' | b':' => Ok(rest),
        _ => bail!("Redis answered {}{}", char::from(kind), String::from_utf8_lossy(&rest)),
    }
}

fn number(text: &[u8]) -> Result<usize> {
    std::str::from_utf8(text)?.parse().context("a length that is no number")
}
