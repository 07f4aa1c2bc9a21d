//! From a model's id over its route to the model.

use skvm_core::llm::LlmRequest;
use skvm_core::target::ModelId;
use skvm_runtime::backend::BackendError;
use skvm_runtime::provider::{
    ApiKey, Endpoint, ProviderError, ProviderKind, ProviderRoute, ProviderRoutes, WireFormat,
};

use super::KEY;
use super::format::Format;
use crate::loopback::Loopback;

#[tokio::test]
async fn a_model_is_called_by_its_whole_id_and_asked_for_by_the_rest() {
    for (kind, format, base) in [
        (ProviderKind::OpenRouter, Format::ChatCompletions, "/v1"),
        (ProviderKind::OpenAiCompatible, Format::ChatCompletions, "/v1/"),
        (ProviderKind::OpenAiResponses, Format::Responses, "/v1"),
        (ProviderKind::Anthropic, Format::Messages, "/v1"),
        (ProviderKind::Anthropic, Format::Messages, ""),
    ] {
        let server = Loopback::serve([format.said("hi")]).await;
        let route = ProviderRoute::new("mine/*", kind).with_base_url(server.url(base));
        let routes = ProviderRoutes::new([route.with_key(ApiKey::new(KEY))]);
        let id = ModelId::from("mine/vendor/model");

        let model = routes.backend(&id).unwrap();

        assert_eq!(model.model(), &id);
        assert_eq!(model.complete(LlmRequest::user("hello")).await.unwrap().text, "hi");
        let [request] = &server.requests()[..] else { panic!("one request") };
        assert_eq!(request.path, format.path(), "{kind}");
        assert_eq!(request.json(), format.asked("hello"));
        let (name, value) = format.key_header();
        assert_eq!(request.header(name), Some(value.as_str()));
    }
}

#[test]
fn an_endpoint_is_called_as_its_provider_calls_it() {
    for wire in [WireFormat::ChatCompletions, WireFormat::Responses, WireFormat::Messages] {
        let endpoint = Endpoint::new(wire, "http://127.0.0.1:1/v1", "vendor/model");
        assert_eq!(endpoint.backend().unwrap().model().as_str(), "vendor/model");
    }
}

#[test]
fn what_cannot_be_asked_is_told_and_shows_no_key() {
    let route = || {
        let route = ProviderRoute::new("mine/*", ProviderKind::OpenAiCompatible);
        route.with_key(ApiKey::new(KEY))
    };
    let error = |route, id: &str| {
        let routes = ProviderRoutes::new([route]);
        let error = routes.backend(&ModelId::from(id)).err().unwrap();
        assert!(!format!("{error} {error:?}").contains(KEY));
        error
    };
    assert!(matches!(
        error(route(), "other/model"),
        BackendError::Provider(ProviderError::NoRoute { .. })
    ));
    let no_url = error(route(), "mine/model");
    assert!(matches!(no_url, BackendError::Provider(ProviderError::NoBaseUrl { .. })));
    assert_eq!(
        no_url.to_string(),
        "the route mine/* has no base URL, which openai-compatible needs"
    );
    assert!(matches!(
        error(route().with_base_url("ftp://host"), "mine/model"),
        BackendError::UnsupportedScheme { .. }
    ));
    let unset = route().with_key_from("SKVM_THIS_VARIABLE_IS_NOT_SET").with_base_url("http://h/v1");
    assert!(matches!(
        error(unset, "mine/model"),
        BackendError::Provider(ProviderError::KeyNotSet { .. })
    ));
}
