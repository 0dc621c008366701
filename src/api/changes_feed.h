#pragma once

// The `_changes` feed: options, rows, and the loop that serves all four kinds of feed.

#include "api/call.h"
#include "feed/page_reader.h"
#include "mango/projection.h"
#include "wire/document_json.h"

#include <optional>
#include <string>

namespace divan::api {

enum class FeedKind : std::uint8_t { normal, longpoll, continuous, eventsource };

struct FeedOptions {
    FeedKind kind = FeedKind::normal;
    std::string since = "0";
    std::optional<std::uint64_t> limit;
    bool include_docs = false;
    wire::DocumentOptions document;
    std::optional<Millis> heartbeat;
    Millis timeout{60'000};
    std::uint64_t seq_interval = 1;
    feed::PageOptions pages;                 // descending, style=all_docs, filter
    std::optional<mango::Projection> fields; // of filter=_selector: what is shown of documents; nullopt = all
    // Rows of `_db_updates` instead: the ids of `_global_changes` are "type:database".
    bool database_events = false;

    [[nodiscard]] bool live() const { return kind != FeedKind::normal; }
};

// Reads the options of a GET or POST; `body` is the POST's object or null, `body_text` its text. May block on
// the engine.
// Errors: bad_request with CouchDB's texts; not_found for filters of design documents that are not there.
[[nodiscard]] Result<FeedOptions> read_feed_options(const Call &call, const json::Value *body,
                                                    const std::optional<std::string> &body_text);

// Serves the feed of a database.
Task<Result<void>> serve_feed(Call &call, FeedOptions options);

} // namespace divan::api
