#include "api/changes_feed.h"
#include "api/router.h"

namespace divan::api {
namespace {

Task<Result<void>> serve_with(Call &call, const json::Value *body, std::optional<std::string> text) {
    // Filters of design documents are looked up: off the network thread.
    auto options = co_await call.on_engine([&] { return read_feed_options(call, body, text); });
    if (!options.ok())
        co_return options.error();
    co_return co_await serve_feed(call, std::move(*options));
}

Task<Result<void>> get_changes(Call &call) {
    co_return co_await serve_with(call, nullptr, std::nullopt);
}

Task<Result<void>> post_changes(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto length = call.exchange().body().length();
    if (length && *length == 0) {
        co_return co_await serve_with(call, nullptr, std::nullopt);
    }
    auto text = co_await call.read_body();
    if (!text.ok())
        co_return text.error();
    auto body = json::parse(*text, call.json_options());
    if (!body.ok())
        co_return body.error();
    if (!body->is_object())
        co_return Error(ErrorCode::bad_request, "Request body must be a JSON object");
    co_return co_await serve_with(call, &*body, std::move(*text));
}

} // namespace

std::vector<Route> changes_routes() {
    std::vector<ParameterInfo> parameters = {
        {"feed", "string", "normal, longpoll, continuous or eventsource."},
        {"since", "string", "A sequence, 0 or now."},
        {"limit", "integer", "Rows at most."},
        {"descending", "boolean", "Newest first."},
        {"style", "string", "main_only or all_docs: the winner or all leaves."},
        {"include_docs", "boolean", "Adds the documents."},
        {"conflicts", "boolean", "Adds _conflicts to the documents."},
        {"attachments", "boolean", "Adds attachment data to the documents."},
        {"att_encoding_info", "boolean", "Adds encoding and encoded_length."},
        {"heartbeat", "integer", "ms between empty lines while nothing changes."},
        {"timeout", "integer", "ms to wait for a change."},
        {"seq_interval", "integer", "Only every n-th row has a sequence."},
        {"filter", "string", "_doc_ids, _selector, _design, _view, or a function as ddoc/name."},
        {"view", "string", "The view of filter=_view, as ddoc/name."},
        {"doc_ids", "json", "The ids of filter=_doc_ids."}};
    constexpr auto kReader = access::Permission::database_reader;
    return {
        {"GET", "/{db}/_changes/{rest...}", kReader, get_changes, "As _changes: what follows is ignored.",
         parameters},
        {"POST", "/{db}/_changes/{rest...}", kReader, post_changes, "As _changes: what follows is ignored.",
         parameters},
        {"GET", "/{db}/_changes", kReader, get_changes, "What changed, each document once.", parameters},
        {"POST", "/{db}/_changes", kReader, post_changes,
         "As GET; doc_ids, selector and fields are in the body.", parameters},
    };
}

} // namespace divan::api
