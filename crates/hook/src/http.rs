//! HTTP/1.1 to a server on this machine: one request a connection, everything within a deadline.
//!
//! It speaks to our own server alone: bodies with a length, no redirects, no proxies, no TLS.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};

use crate::deadline::Deadline;

/// The path of the door.
const DOOR: &str = "/v1/doors/hooks";
/// Bytes of an answer that are read: the results of a batch and room to spare.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    authority: String,
    addresses: Vec<SocketAddr>,
}

/// An address that payloads do not go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// It is not of the form `http://HOST:PORT`.
    #[error("`{url}` is no address such as http://127.0.0.1:7171")]
    NotAnAddress {
        /// The text.
        url: String,
    },
    /// It is another machine.
    #[error(
        "`{host}` is not this machine, and payloads would cross the network unencrypted; --allow-remote lets them"
    )]
    Remote {
        /// The host.
        host: String,
    },
}

impl Endpoint {
    /// Reads an address. Names are not looked up unless the server may be another machine.
    ///
    /// # Errors
    /// When it is none, or is of another machine and that was not allowed.
    pub fn parse(url: &str, may_be_remote: bool) -> Result<Self, EndpointFault> {
        let fault = || EndpointFault::NotAnAddress { url: url.to_owned() };
        let authority = url.strip_prefix("http://").ok_or_else(fault)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() || !authority.bytes().all(is_authority) {
            return Err(fault());
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| fault())?),
            _ => (authority, 80),
        };
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let addresses = match name.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() || may_be_remote => vec![SocketAddr::new(ip, port)],
            Err(_) if name == "localhost" => vec![
                SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
                SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port),
            ],
            Err(_) if may_be_remote => {
                (name, port).to_socket_addrs().map_err(|_| fault())?.collect()
            }
            Ok(_) | Err(_) => return Err(EndpointFault::Remote { host: name.to_owned() }),
        };
        Ok(Self { authority: authority.to_owned(), addresses })
    }
}

fn is_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte)
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One document.
    One,
    /// A document a line.
    Lines,
}

/// An answer of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a body through the door and reads the answer.
pub(crate) fn post(
    endpoint: &Endpoint,
    token: Option<&str>,
    form: Form,
    body: &str,
    deadline: &Deadline,
) -> io::Result<Answer> {
    let mut stream = connect(endpoint, deadline)?;
    stream.set_nodelay(true)?;
    let content_type = match form {
        Form::One => "application/json",
        Form::Lines => "application/x-ndjson",
    };
    let mut request = format!(
        "POST {DOOR} HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n",
        endpoint.authority,
        body.len(),
    );
    if let Some(token) = token {
        request.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(request.as_bytes())?;
    read_answer(&mut stream, deadline)
}

/// Whether somebody listens there.
pub(crate) fn knock(endpoint: &Endpoint, deadline: &Deadline) -> io::Result<()> {
    connect(endpoint, deadline).map(drop)
}

fn connect(endpoint: &Endpoint, deadline: &Deadline) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in &endpoint.addresses {
        match TcpStream::connect_timeout(address, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn left(deadline: &Deadline) -> io::Result<std::time::Duration> {
    let left = deadline.left();
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn read_answer(stream: &mut TcpStream, deadline: &Deadline) -> io::Result<Answer> {
    let mut bytes = Vec::with_capacity(4 << 10);
    let mut chunk = [0; 8 << 10];
    loop {
        if let Some(answer) = parse(&bytes)? {
            return Ok(answer);
        }
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
        }
    }
}

/// The answer, once all of it is there.
fn parse(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).map_err(|_| invalid())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
    let status = status.and_then(|line| line.get(..3)?.parse().ok()).ok_or_else(invalid)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.filter(|length| *length <= ANSWER_BYTES_MAX).ok_or_else(invalid)?;
    let body = bytes.get(end + 4..).unwrap_or_default();
    let Some(body) = body.get(..length) else { return Ok(None) };
    let body = String::from_utf8(body.to_vec()).map_err(|_| invalid())?;
    Ok(Some(Answer { status, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_stay_on_this_machine_unless_told_otherwise() {
        for local in [
            "http://127.0.0.1:7171",
            "http://localhost:7171/",
            "http://[::1]:80",
            "http://127.8.8.8",
        ] {
            assert!(Endpoint::parse(local, false).is_ok(), "{local}");
        }
        for remote in [
            "http://10.0.0.1:7171",
            "http://annals.example:80",
            "http://localhost.example:1",
            "http://0.0.0.0:1",
        ] {
            assert!(
                matches!(Endpoint::parse(remote, false), Err(EndpointFault::Remote { .. })),
                "{remote}"
            );
        }
        assert!(Endpoint::parse("http://10.0.0.1:7171", true).is_ok());
        for wrong in [
            "https://127.0.0.1:1",
            "127.0.0.1:1",
            "http://",
            "http://127.0.0.1:x",
            "http://a b:1",
            "http://a\r\nx:1",
        ] {
            assert!(
                matches!(Endpoint::parse(wrong, false), Err(EndpointFault::NotAnAddress { .. })),
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there() {
        let text = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        for cut in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            Some(Answer { status: 201, body: "{}".to_owned() })
        );
        for wrong in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
