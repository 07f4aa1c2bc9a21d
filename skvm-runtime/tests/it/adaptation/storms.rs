//! The network fails, or the provider: nobody learns anything from it.

use skvm_core::failure::FailureClass;
use skvm_core::harness::RunStatus;
use skvm_passes::variant::Variant;
use skvm_runtime::adaptation::AdaptPolicy;
use skvm_runtime::life::{ActivationReason, Fared};

use super::host::{Host, Play, Random, skill};

const BODY: &str = "# Report\n\n```sh\nfigtool report figures.csv --fmt json\n```\n";
const GOOD: &str = "figtool report figures.csv --format json";
const BAD: &str = "figtool report figures.csv --fmt json";

/// What real programs say when a server does not answer as it should.
const OUTAGES: [&str; 18] = [
    "curl: (22) The requested URL returned error: 503",
    "urllib.error.HTTPError: HTTP Error 503: Service Unavailable",
    "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: https://figures.example/a",
    "HTTP/1.1 503 Service Unavailable",
    "Error: Request failed with status code 503",
    "curl: (6) Could not resolve host: figures.example",
    "Error: connect ECONNREFUSED 203.0.113.7:443",
    "openai.RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached'}}",
    "httpx.HTTPStatusError: Server error '502 Bad Gateway' for url 'https://figures.example/a'",
    "urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host='figures.example', port=443): Max retries exceeded",
    "aiohttp.client_exceptions.ClientResponseError: 503, message='Service Unavailable'",
    "curl: (28) Operation timed out after 10001 milliseconds with 0 bytes received",
    "curl: (7) Failed to connect to figures.example port 443: Connection refused",
    "TypeError: fetch failed\n  cause: Error: getaddrinfo EAI_AGAIN figures.example",
    "Error: socket hang up",
    "npm error code E503",
    "anthropic.InternalServerError: Error code: 529 - {'type': 'overloaded_error'}",
    "wget: server returned error: HTTP/1.1 504 Gateway Time-out",
];

fn outage(random: &mut Random) -> &'static str {
    OUTAGES[(random.unit() * OUTAGES.len() as f64) as usize]
}

/// Half of all calls are answered with 503; the agent tries again and again, or gives up.
#[test]
fn a_storm_leads_to_nothing() {
    let mut host = Host::new(skill("# Report\n\nAsk the service.\n"), AdaptPolicy::default());
    let (mut random, mut spoiled) = (Random::new(7), 0);
    for _ in 0..200 {
        let mut play = Play::new();
        let mut is_hit = false;
        for part in 0..3 {
            let fails = random.happens(0.5);
            let command = format!("curl -f https://figures.example/{part}");
            play = match fails {
                true => play.command(&command, outage(&mut random), 22),
                false => play.command(&command, "total 3", 0),
            };
            is_hit |= fails;
        }
        let fails = is_hit && random.happens(0.5);
        host.session(|_| if fails { play.judged(false) } else { play });
        spoiled += u64::from(is_hit);
    }
    // At most that the network is down, once; nothing is compiled.
    assert!(matches!(host.told().as_slice(), [] | ["needs-person"]), "{:?}", host.told());
    assert_eq!(host.reasons(), [ActivationReason::First]);
    assert_eq!(host.fared(), Fared { clean: 200 - spoiled, spoiled, ..Fared::default() });
    assert!(spoiled > 150);
}

#[test]
fn every_outage_is_known_for_one() {
    let mut host = Host::new(skill("# Report\n\nAsk the service.\n"), AdaptPolicy::default());
    for outage in OUTAGES {
        let played = host.session(|_| Play::new().command("figtool fetch", outage, 1));
        let classes: Vec<FailureClass> =
            host.diagnosed(&played).iter().map(|one| one.class).collect();
        assert_eq!(classes, [FailureClass::FlakyNetwork], "{outage}");
    }
}

#[test]
fn a_provider_that_fails_leads_to_nothing() {
    let statuses = [RunStatus::ProviderFault, RunStatus::HarnessCrashed, RunStatus::ParseFailed];
    for status in statuses {
        let mut host = Host::new(skill(BODY), AdaptPolicy::default());
        let mut random = Random::new(3);
        let mut spoiled = 0;
        for _ in 0..200 {
            let fails = random.happens(0.5);
            spoiled += u64::from(fails);
            // What the agent met with before the end counts for nothing either.
            host.session(|_| match fails {
                true => Play::new().command(BAD, "sh: 1: figtool: not found", 127).ends(status),
                false => Play::new().command(GOOD, "total 3", 0),
            });
        }
        assert_eq!(host.told(), Vec::<&str>::new(), "{status:?}");
        assert_eq!(host.fared(), Fared { clean: 200 - spoiled, spoiled, ..Fared::default() });
    }
}

/// The sessions of a trial that the network spoiled are left out of it as well.
#[test]
fn a_real_fault_is_found_beside_a_network_that_fails_now_and_then() {
    let mut host = Host::new(skill(BODY), AdaptPolicy::default());
    let mut random = Random::new(11);
    let mut failures_after = 0;
    for number in 0..120 {
        let (is_hit, told) = (random.happens(0.2), outage(&mut random));
        let play = |variant: &Variant| {
            let play = match variant.text().contains("--fmt") {
                true => Play::new()
                    .command(BAD, "error: unexpected argument '--fmt' found", 2)
                    .command(GOOD, "total 3", 0),
                false => Play::new().command(GOOD, "total 3", 0),
            };
            if is_hit { play.command("curl -f https://figures.example/a", told, 22) } else { play }
        };
        let played = host.session(play);
        failures_after += usize::from(number >= 60 && played.variant.text().contains("--fmt json"));
    }
    assert_eq!(host.told(), ["diagnosed", "trial-started", "trial-ended"]);
    let kept = ActivationReason::TrialKept { won: 7, lost: 0 };
    assert_eq!(host.reasons(), [ActivationReason::First, kept]);
    assert_eq!(failures_after, 0);
    assert!(host.fared().spoiled > 10);
}

/// While half of the sessions are spoiled, the others still tell.
#[test]
fn a_real_fault_is_found_in_a_storm() {
    let mut host = Host::new(skill(BODY), AdaptPolicy::default());
    let mut random = Random::new(5);
    for _ in 0..200 {
        let is_hit = random.happens(0.5);
        host.session(|variant| match (is_hit, variant.text().contains("--fmt")) {
            (true, _) => Play::new().command(GOOD, OUTAGES[0], 22).judged(false),
            (false, true) => Play::new()
                .command(BAD, "error: unexpected argument '--fmt' found", 2)
                .command(GOOD, "total 3", 0),
            (false, false) => Play::new().command(GOOD, "total 3", 0),
        });
    }
    assert_eq!(host.told(), ["diagnosed", "trial-started", "trial-ended"]);
    assert_eq!(host.reasons().len(), 2);
}
