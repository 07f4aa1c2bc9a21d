//! The server of the probes' sites.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use skvm_probes::site::{Site, SiteRequest, SiteResponse, SiteServer};

fn site() -> Site {
    Site::new(|request: &SiteRequest| match request.path.as_str() {
        "/hello" => SiteResponse::html(format!("hello {}", request.query("name").unwrap_or("you"))),
        "/form" => SiteResponse::html(request.form("field").unwrap_or("nothing").to_owned()),
        _ => SiteResponse::not_found(),
    })
}

fn send(server: &SiteServer, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.base().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // A server that has refused may have closed already.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn requests_are_answered_and_logged() {
    let server = SiteServer::start(site()).unwrap();
    let answer =
        send(&server, b"GET /hello?name=A%20%26+B HTTP/1.1\r\nHost: x\r\nCookie: a=1; b=2\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello A & B"), "{answer}");
    let form = b"POST /form HTTP/1.1\r\nContent-Length: 12\r\n\r\nfield=%C3%A9";
    let answer = send(&server, &[form.as_slice(), b"x"].concat());
    assert!(answer.contains("200 OK"), "{answer}");
    assert!(send(&server, b"GET /none HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    let log = server.requests();
    assert_eq!(log.len(), 3);
    assert_eq!((log[0].query("name"), log[0].cookie("b")), (Some("A & B"), Some("2")));
    assert_eq!((log[1].form("field"), log[1].method.as_str()), (Some("é"), "POST"));
    assert_eq!(log[2].status, 404);
}

#[test]
fn hostile_requests_are_refused_and_do_not_stop_the_server() {
    let server = SiteServer::start(site()).unwrap();
    let long = [b"GET /".as_slice(), &vec![b'a'; 200_000], b" HTTP/1.1\r\n\r\n"].concat();
    let headers = "X: y\r\n".repeat(50_000);
    for request in [
        b"".as_slice(),
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\xff\xfe\x00\r\n\r\n",
        b"GET /%zz%f HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /form HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
        b"POST /form HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        &long,
        format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes(),
    ] {
        let mut stream = TcpStream::connect(server.base().trim_start_matches("http://")).unwrap();
        let _ = stream.write_all(request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let _ = stream.read_to_end(&mut answer);
    }
    assert!(send(&server, b"GET /hello HTTP/1.1\r\n\r\n").ends_with("hello you"));
}

#[test]
fn dropping_the_server_closes_its_port() {
    let server = SiteServer::start(site()).unwrap();
    let address = server.base().trim_start_matches("http://").to_owned();
    // A client that never says a word does not hold it up.
    let _silent = TcpStream::connect(&address).unwrap();
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(4));
    assert!(TcpStream::connect(&address).is_err());
}
