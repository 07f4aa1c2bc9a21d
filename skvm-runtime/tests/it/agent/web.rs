//! `web_fetch` against a server of this machine, which it may only reach when it is told so.

use serde_json::json;
use skvm_runtime::harness::bare::AddressPolicy;
use tokio::process::Command;

use super::Place;
use crate::loopback::{Answer, Behaviour, Loopback};

/// The `host:port` of a server.
fn authority(server: &Loopback) -> String {
    server.url("").trim_start_matches("http://").to_owned()
}

/// A place whose agent may reach the server.
fn reaching(server: &Loopback) -> Place {
    let mut place = Place::new();
    place.policy.addresses = AddressPolicy::default().allowing(authority(server));
    place
}

impl Place {
    async fn fetches(&self, url: &str) -> String {
        self.succeeds("web_fetch", json!({ "url": url })).await
    }

    async fn fails_to_fetch(&self, url: &str) -> String {
        self.fails("web_fetch", json!({ "url": url })).await
    }
}

fn page(body: &str) -> Answer {
    Answer::new(200, body).with_header("Content-Type", "text/plain")
}

#[tokio::test]
async fn an_allowed_authority_is_reached() {
    let server = Loopback::serve([page("hello"), page("again"), page("by name")]).await;
    let mut place = reaching(&server);
    assert_eq!(place.fetches(&server.url("/a?b=c")).await, "status 200 OK, text/plain\n\nhello");
    assert_eq!(server.requests()[0].method, "GET");
    assert_eq!(server.requests()[0].path, "/a?b=c");
    // The same address in another spelling is the same address.
    let spelled = server.url("/").replace("127.0.0.1", "127.1");
    assert!(place.fetches(&spelled).await.ends_with("again"));
    // A name is allowed by name, in any case of letters.
    let named = server.url("/").replace("127.0.0.1", "localhost");
    let port = authority(&server).replace("127.0.0.1", "LocalHost");
    place.policy.addresses = AddressPolicy::default().allowing(port);
    assert!(place.fetches(&named).await.ends_with("by name"));
    assert_eq!(server.connections(), 3);
}

/// In the original, nothing kept a fetch from this machine and the metadata of clouds.
#[tokio::test]
async fn this_machine_is_not_reached_unless_it_is_allowed() {
    let server = Loopback::serve([page("secret")]).await;
    let place = Place::new();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.2",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "LOCALHOST",
        "127。0。0。1",
    ] {
        let url = server.url("/").replace("127.0.0.1", host);
        let told = place.fails_to_fetch(&url).await;
        assert!(told.contains("public address"), "{url}: {told}");
    }
    for url in ["http://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "http://[fe80::1]/"]
    {
        let told = place.fails_to_fetch(url).await;
        assert!(told.contains("is not a public address"), "{told}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_allowed_authority_allows_no_other() {
    let server = Loopback::serve([page("secret")]).await;
    let other = Loopback::serve([page("public")]).await;
    let place = reaching(&other);
    place.fails_to_fetch(&server.url("/")).await;
    place.fails_to_fetch(&other.url("/").replace("127.0.0.1", "localhost")).await;
    place
        .fails_to_fetch(&other.url("/").replace("http:", "https:").replace("127.0.0.1", "[::1]"))
        .await;
    assert_eq!((server.connections(), other.connections()), (0, 0));
}

#[tokio::test]
async fn a_redirect_is_followed_where_it_may_lead() {
    let moved = Answer::redirect(302, "/there?x=1");
    let server = Loopback::serve([moved, page("arrived")]).await;
    let told = reaching(&server).fetches(&server.url("/here")).await;
    assert!(told.ends_with("arrived"));
    assert_eq!(server.requests()[1].path, "/there?x=1");
}

#[tokio::test]
async fn a_redirect_leads_nowhere_that_a_fetch_may_not() {
    let hidden = Loopback::serve([page("secret")]).await;
    let hidden_port = hidden.url("/").replace("http://127.0.0.1", "");
    for target in [
        hidden.url("/"),
        hidden.url("/").replace("127.0.0.1", "localhost"),
        hidden.url("/").replace("127.0.0.1", "[::1]"),
        format!("//127.1{hidden_port}"),
        "http://169.254.169.254/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://example.org/".to_owned(),
        "http://user@example.org/".to_owned(),
        "http://".to_owned(),
    ] {
        let server = Loopback::serve([Answer::redirect(302, &target)]).await;
        let told = reaching(&server).fails_to_fetch(&server.url("/")).await;
        assert!(told.starts_with("cannot fetch http://"), "{target}: {told}");
        assert_eq!(server.connections(), 1, "{target}");
    }
    assert_eq!(hidden.connections(), 0);
}

#[tokio::test]
async fn redirects_come_to_an_end() {
    let server = Loopback::serve(vec![Answer::redirect(301, "/again"); 10]).await;
    let told = reaching(&server).fails_to_fetch(&server.url("/")).await;
    assert!(told.ends_with("it redirects more than 5 times"), "{told}");
    assert_eq!(server.connections(), 6);

    let server = Loopback::serve([Answer::new(302, "no location")]).await;
    let told = reaching(&server).fails_to_fetch(&server.url("/")).await;
    assert!(told.ends_with("it redirects without saying where"), "{told}");
}

#[tokio::test]
async fn what_is_no_web_address_is_refused() {
    let place = Place::new();
    for (url, why) in [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://example.org/", "only http and https"),
        ("data:text/plain,hello", "only http and https"),
        ("gopher://127.0.0.1/", "only http and https"),
        ("http://user:pass@example.org/", "a user name"),
        ("http://user@example.org/", "a user name"),
        ("http://:pass@example.org/", "a user name"),
        ("example.org", ""),
        ("/etc/passwd", ""),
        ("", ""),
        ("http://", ""),
        ("http://exa mple.org/", ""),
    ] {
        let told = place.fails_to_fetch(url).await;
        let head = format!("cannot fetch {url}: ");
        assert!(told.starts_with(&head) && told.contains(why), "{url}: {told}");
    }
}

#[tokio::test]
async fn a_huge_body_is_cut() {
    let huge = page(&"0123456789".repeat(200_000));
    let server = Loopback::serve([huge]).await;
    let told = reaching(&server).fetches(&server.url("/")).await;
    assert!(told.len() <= 33_000, "{} bytes", told.len());
    assert!(told.starts_with("status 200 OK, text/plain\n\n0123456789"));
    assert!(told.contains("bytes left out]"));
    assert!(told.ends_with("[cut after 1048576 bytes]"), "{}", &told[told.len() - 99..]);
}

#[tokio::test]
async fn a_refusal_of_the_server_is_an_error_with_its_body() {
    let server = Loopback::serve([
        Answer::new(404, "no such page").with_header("Content-Type", "text/html"),
        Answer::new(500, "it broke"),
    ])
    .await;
    let place = reaching(&server);
    let told = place.fails_to_fetch(&server.url("/")).await;
    let head = format!("cannot fetch {}: status 404", server.url("/"));
    assert!(told.starts_with(&head) && told.ends_with("text/html\n\nno such page"), "{told}");
    let told = place.fails_to_fetch(&server.url("/")).await;
    assert!(told.contains("status 500") && told.ends_with("unknown type\n\nit broke"), "{told}");
}

#[tokio::test]
async fn a_body_that_is_no_text_is_told_as_far_as_it_is() {
    let server = Loopback::serve([Answer::new(200, b"a\xff\xfeb".to_vec())]).await;
    let told = reaching(&server).fetches(&server.url("/")).await;
    assert!(told.ends_with("a\u{fffd}\u{fffd}b"), "{told}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_told() {
    let server =
        Loopback::serve([Behaviour::CloseAtOnce, Behaviour::CloseHalfway(page("half of it"))])
            .await;
    let place = reaching(&server);
    for _ in 0..2 {
        let told = place.fails_to_fetch(&server.url("/")).await;
        assert!(told.starts_with("cannot fetch http://127.0.0.1"), "{told}");
    }
}

/// The policy says nothing about what is not asked for: no credentials, no cookies.
#[tokio::test]
async fn a_fetch_carries_nothing_of_the_host() {
    let cookie = Answer::redirect(302, "/next").with_header("Set-Cookie", "id=1");
    let server = Loopback::serve([cookie, page("done")]).await;
    reaching(&server).fetches(&server.url("/")).await;
    for request in server.requests() {
        for header in ["Authorization", "Cookie", "Referer", "Proxy-Authorization"] {
            assert_eq!(request.header(header), None);
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_does_not_outlast_the_deadline() {
    let server = Loopback::serve([Behaviour::Hang]).await;
    let mut place = reaching(&server);
    place.limits.deadline = super::millis(200);
    let fetch = super::calls("web_fetch", json!({"url": server.url("/")}));
    let seen = place.run([fetch]).await;
    assert_eq!(seen.record.status, skvm_core::harness::RunStatus::Timeout);
}

/// A proxy would resolve names itself, so that nobody could judge what they resolve to.
#[tokio::test]
async fn the_proxy_of_the_host_is_not_used() {
    let proxy = Loopback::serve([page("secret")]).await;
    let test = "agent::web::a_private_name_is_not_reached_through_a_proxy";
    let child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored"])
        .envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, proxy.url("/"))))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output();
    let output = child.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
#[ignore = "run by the test above, with a proxy in its environment"]
async fn a_private_name_is_not_reached_through_a_proxy() {
    let told = Place::new().fails_to_fetch("http://localhost:9/").await;
    assert!(told.contains("has no public address"), "{told}");
}
