//! A model whose calls wait for the governor's leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use skvm_core::llm::{LlmBackend, LlmError, LlmErrorKind, LlmRequest, LlmResponse};
use skvm_core::target::ModelId;
use skvm_runtime::scheduler::{GovernedModel, Governor, GovernorBounds, Resource, Sample, Signals};

struct Silent;

impl Signals for Silent {
    fn sample(&self) -> Sample {
        Sample::default()
    }
}

/// Counts how many calls are under way, and refuses those beyond a number.
struct Provider {
    model: ModelId,
    bears: usize,
    now: AtomicUsize,
    most: AtomicUsize,
    refused: AtomicUsize,
}

#[async_trait]
impl LlmBackend for Provider {
    fn model(&self) -> &ModelId {
        &self.model
    }

    async fn complete(&self, _: LlmRequest) -> Result<LlmResponse, LlmError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        if now > self.bears {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(LlmError::new(LlmErrorKind::RateLimited { retry_after: None }));
        }
        Ok(LlmResponse::text("done"))
    }
}

fn provider(bears: usize) -> Arc<Provider> {
    let zero = || AtomicUsize::new(0);
    let model = ModelId::from("m");
    Arc::new(Provider { model, bears, now: zero(), most: zero(), refused: zero() })
}

#[tokio::test(start_paused = true)]
async fn calls_keep_within_the_hosts_bound() {
    let provider = provider(100);
    let bounds = GovernorBounds { model: 3, ..GovernorBounds::default() };
    let governor = Governor::with(bounds, Silent).warmed_up();
    let model = GovernedModel::new(Arc::clone(&provider), governor);
    assert_eq!(model.model(), &ModelId::from("m"));
    let answers = join_all((0..30).map(|_| model.complete(LlmRequest::user("?")))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(provider.most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn refusals_make_it_ask_for_less_at_once() {
    let provider = provider(2);
    let governor = Governor::with(GovernorBounds::default(), Silent).warmed_up();
    let before = governor.limit(Resource::Model);
    let model = GovernedModel::new(Arc::clone(&provider), governor.clone());
    for _ in 0..40 {
        join_all((0..8).map(|_| model.complete(LlmRequest::user("?")))).await;
    }
    assert!(governor.limit(Resource::Model) < before);
    let refused = provider.refused.load(Ordering::SeqCst);
    assert!((1..160).contains(&refused), "{refused} of 320 calls were refused");
}
