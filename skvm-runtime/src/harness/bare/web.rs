//! The `web_fetch` tool.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use url::{Host, Url};

use super::files::Refusal;
use super::policy::AddressPolicy;

/// Time for a fetch with all its redirects.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest body that is read, in bytes.
const MAX_BODY: usize = 1 << 20;
/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Fetches addresses that the policy allows. Names are judged by what they resolve to, at the moment
/// of connecting, so that a name cannot change its mind in between. Proxies are not used.
pub(super) struct Web {
    policy: AddressPolicy,
}

impl Web {
    pub(super) fn new(policy: AddressPolicy) -> Self {
        Self { policy }
    }

    pub(super) async fn fetch(&self, address: &str) -> Result<String, Refusal> {
        let told = |why: String| Refusal(format!("cannot fetch {address}: {why}"));
        match tokio::time::timeout(TIMEOUT, self.follow(address)).await {
            Ok(outcome) => outcome.map_err(told),
            Err(_) => Err(told(format!("no answer within {} seconds", TIMEOUT.as_secs()))),
        }
    }

    async fn follow(&self, address: &str) -> Result<String, String> {
        let mut url = Url::parse(address).map_err(|error| error.to_string())?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get(&url).await?;
            if !response.status().is_redirection() {
                return body(response).await;
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.ok_or("it redirects without saying where")?;
            url = url.join(location).map_err(|error| error.to_string())?;
        }
        Err(format!("it redirects more than {MAX_REDIRECTS} times"))
    }

    async fn get(&self, url: &Url) -> Result<Response, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err("only http and https addresses can be fetched".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("addresses with a user name are refused".to_owned());
        }
        let host = url.host().ok_or("it names no host")?;
        let port = url.port_or_known_default().unwrap_or(0);
        let trusted = self.policy.allows(&format!("{host}:{port}"));
        let literal = match host {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        if let Some(ip) = literal.filter(|ip| !trusted && !is_public(*ip)) {
            return Err(format!("{ip} is not a public address"));
        }
        // A proxy would resolve the name itself, where nobody can judge what it resolves to.
        let mut client = Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT);
        if !trusted {
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        let client = client.build().map_err(|error| error.to_string())?;
        client.get(url.clone()).send().await.map_err(|error| chain(&error))
    }
}

/// The error with its causes, for the reason is in the last one.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

async fn body(mut response: Response) -> Result<String, String> {
    let status = response.status();
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("unknown type")
        .to_owned();
    let mut bytes = Vec::new();
    let mut complete = true;
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY {
            bytes.truncate(MAX_BODY);
            complete = false;
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let cut = if complete { String::new() } else { format!("\n[cut after {MAX_BODY} bytes]") };
    let answer = format!("status {status}, {kind}\n\n{text}{cut}");
    if status.is_success() { Ok(answer) } else { Err(answer) }
}

/// Resolves names, and leaves out addresses that are not public.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|addr| is_public(addr.ip())).collect();
            if public.is_empty() {
                let why = format!("{} has no public address", name.as_str());
                return Err(why.into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address is reachable from anywhere, as far as its range tells.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    let first = ip.segments()[0];
    // Global unicast is 2000::/3; 6to4 and NAT64 carry an IPv4 address that may be anything.
    (0x2000..0x4000).contains(&first)
        && first != 0x2002
        && !(first == 0x2001 && ip.segments()[1] < 0x0200)
        && !(first == 0x2001 && ip.segments()[1] == 0x0db8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
