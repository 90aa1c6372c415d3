//! Answers of HTTP/1.1: the status, and the end of the body. Of the headers only the length is read.

use std::{io, net::SocketAddr};

use anyhow::{Context, Result, bail};

use super::{Connection, connection::LINE_END};

const HEAD_END: &[u8] = b"\r\n\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub status: u16,
    /// The length of the head, with the empty line.
    length: usize,
    body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Length(usize),
    Chunked,
}

/// A whole answer, for callers that look at its content.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    /// The body as it was sent: it may be compressed.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header with this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// A `GET` with further header lines, each of which ends with CRLF.
pub(crate) fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{headers}\r\n").into_bytes()
}

/// Sends a request on a new connection and reads the answer.
pub(crate) async fn fetch(addr: SocketAddr, request: &[u8]) -> Result<Answer> {
    let mut connection = Connection::open(addr).await?;
    connection.send(request).await?;
    let head = read_head(&mut connection).await?;
    let text = String::from_utf8_lossy(&connection.unused()[..head.length]).into_owned();
    let mut body = Vec::new();
    read_body(&mut connection, head, |part| body.extend_from_slice(part)).await?;
    Ok(Answer { status: head.status, head: text, body })
}

/// Reads an answer to its end. The sink gets the body.
pub(crate) async fn read(connection: &mut Connection, sink: impl FnMut(&[u8])) -> Result<Head> {
    let head = read_head(connection).await?;
    read_body(connection, head, sink).await?;
    Ok(head)
}

async fn read_head(connection: &mut Connection) -> Result<Head> {
    loop {
        if let Some(head) = parse_head(connection.unused())? {
            return Ok(head);
        }
        connection.fill().await?;
    }
}

async fn read_body(connection: &mut Connection, head: Head, mut sink: impl FnMut(&[u8])) -> Result<()> {
    connection.consume(head.length);
    match head.body {
        Body::Length(length) => connection.take(length, sink).await?,
        Body::Chunked => {
            while let length @ 1.. = read_chunk_length(connection).await? {
                connection.take(length, &mut sink).await?;
                connection.take(LINE_END.len(), |_| {}).await?;
            }
            connection.take(LINE_END.len(), |_| {}).await?;
        }
    }
    Ok(())
}

async fn read_chunk_length(connection: &mut Connection) -> io::Result<usize> {
    let line = connection.line().await?;
    let length = std::str::from_utf8(&connection.unused()[..line])
        .ok()
        .and_then(|text| usize::from_str_radix(text, 16).ok())
        .ok_or_else(|| io::Error::other("a chunk without a length"))?;
    connection.consume(line + LINE_END.len());
    Ok(length)
}

/// The head. `None` as long as it is not complete.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(end) = memchr::memmem::find(bytes, HEAD_END) else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end]).context("a head that is no text")?;
    let mut lines = text.split("\r\n");
    let status: u16 = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
        .context("an answer that does not begin like one of HTTP/1.1")?;
    let mut body = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = Some(Body::Length(value.trim().parse().context("a content-length that is no number")?));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            body = Some(Body::Chunked);
        }
    }
    let body = match (status, body) {
        // These never have a body, even when they have a length.
        (204 | 304, _) => Body::Length(0),
        (_, Some(body)) => body,
        (_, None) => bail!("an answer without a length: {text}"),
    };
    Ok(Some(Head { status, length: end + HEAD_END.len(), body }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[rstest]
    #[case::with_a_length("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n", 200, Body::Length(12))]
    #[case::in_another_case("HTTP/1.1 409 Conflict\r\nContent-Length:0\r\n\r\nrest", 409, Body::Length(0))]
    #[case::chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, Body::Chunked)]
    #[case::not_modified("HTTP/1.1 304 Not Modified\r\netag: \"a:b\"\r\n\r\n", 304, Body::Length(0))]
    fn a_head_tells_status_and_body(#[case] bytes: &str, #[case] status: u16, #[case] body: Body) {
        let head = parse_head(bytes.as_bytes()).unwrap().expect("a complete head");
        assert_eq!((head.status, head.body), (status, body));
        assert!(bytes.as_bytes()[..head.length].ends_with(HEAD_END));
    }

    #[test]
    fn an_incomplete_head_is_none_and_another_protocol_is_an_error() {
        assert_eq!(parse_head(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap(), None);
        assert!(parse_head(b"+PONG\r\n\r\n").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n").is_err());
    }

    /// Reads `count` answers from a server that sends these pieces.
    async fn answers(pieces: &'static [&'static str], count: usize) -> Vec<(u16, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        });
        let mut connection = Connection::open(addr).await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..count {
            let mut body = Vec::new();
            let head = read(&mut connection, |part| body.extend_from_slice(part)).await.unwrap();
            answers.push((head.status, String::from_utf8(body).unwrap()));
        }
        serving.await.unwrap();
        answers
    }

    #[tokio::test]
    async fn answers_are_told_apart_however_they_are_cut() {
        let pieces = &[
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
            "loHTTP/1.1 409 Conflict\r\ncontent-",
            "length: 2\r\n\r\nno",
        ];
        assert_eq!(answers(pieces, 2).await, [(200, "hello".to_owned()), (409, "no".to_owned())]);
    }

    #[tokio::test]
    async fn chunks_are_put_together() {
        let pieces = &[
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1",
            "0\r\n0123456789abcdef\r",
            "\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        ];
        assert_eq!(answers(pieces, 2).await, [(200, "abc0123456789abcdef".to_owned()), (204, String::new())]);
    }
}
