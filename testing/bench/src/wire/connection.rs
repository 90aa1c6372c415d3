//! A connection with a buffer of bytes that were read and not used yet.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A page of 2,000 seats takes a few reads of this size; most answers take one.
const BUFFER_BYTES: usize = 64 << 10;

/// A kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    begin: usize,
    end: usize,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES].into_boxed_slice(), begin: 0, end: 0 })
    }

    pub(crate) async fn open_many(addr: SocketAddr, count: usize) -> io::Result<Vec<Self>> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Self::open(addr).await?);
        }
        Ok(connections)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The bytes that were read and not used.
    pub(crate) fn unused(&self) -> &[u8] {
        &self.buffer[self.begin..self.end]
    }

    /// Marks the first bytes of [`Self::unused`] as used.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.begin += bytes;
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        }
    }

    /// Waits for more bytes. It is an error when the other side ends the connection, or when a line or head does not fit into
    /// the buffer.
    pub(crate) async fn fill(&mut self) -> io::Result<()> {
        if self.end == self.buffer.len() {
            if self.begin == 0 {
                return Err(io::Error::other("a line or head of an answer does not fit into the buffer"));
            }
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        match self.stream.read(&mut self.buffer[self.end..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }

    /// Uses exactly this many bytes, in the pieces in which they arrive.
    pub(crate) async fn take(&mut self, mut bytes: usize, mut sink: impl FnMut(&[u8])) -> io::Result<()> {
        while bytes > 0 {
            if self.unused().is_empty() {
                self.fill().await?;
            }
            let piece = self.unused().len().min(bytes);
            sink(&self.unused()[..piece]);
            self.consume(piece);
            bytes -= piece;
        }
        Ok(())
    }

    /// Waits for the next line and returns its length without [`LINE_END`]. The caller consumes both.
    pub(crate) async fn line(&mut self) -> io::Result<usize> {
        loop {
            if let Some(length) = memchr::memmem::find(self.unused(), LINE_END) {
                return Ok(length);
            }
            self.fill().await?;
        }
    }
}

/// The end of lines in HTTP and in Redis' protocol.
pub(crate) const LINE_END: &[u8] = b"\r\n";
