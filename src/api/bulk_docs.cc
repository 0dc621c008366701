// POST /{db}/_bulk_docs.
//
// The body is checked whole before anything is written. A small one is then one write; a large one
// lies in a file, and its documents are read again and written group by group, so that memory does
// not grow with it.

#include "api/audit_notes.h"
#include "api/bulk_handlers.h"
#include "api/document_handlers.h"
#include "api/engine_calls.h"
#include "api/parameters.h"
#include "api/uuids.h"
#include "config/config.h"
#include "telemetry/metrics.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <span>

namespace divan::api {
namespace {

constexpr std::size_t kRequestRawDepth = 3;  // {"docs":[{member: text}]}
constexpr std::size_t kDocumentRawDepth = 1; // {member: text}
// Of a large body, what is written at once.
constexpr std::size_t kGroupDocumentsMax = 1'000;
constexpr std::size_t kGroupBytesMax = 4 << 20;

// A document of the request.
struct Pending {
    std::optional<wire::DocumentInput> input; // nothing: read `text` again
    std::string_view text;
};

struct Bulk {
    bool replicated = false;
    bool accepted = false; // the client asks for more copies than there are
    bool all_or_nothing = false;
    std::vector<Pending> documents;
};

// What is told of each document.
struct BulkAnswers {
    std::vector<std::string> ids;
    std::vector<std::string> given_revs; // of replicated edits
    std::vector<Result<db::Written>> outcomes;
};

Result<wire::DocumentInput> read_input(const Services &services, const json::Value &value) {
    DIVAN_TRY(auto input, wire::read_document(value));
    if (!input.id)
        input.id = new_uuid(services);
    return input;
}

Result<wire::DocumentInput> take_input(const Services &services, Pending &pending) {
    if (pending.input)
        return std::move(*pending.input);
    DIVAN_TRY(auto value, json::parse(pending.text, json_options(services.config, kDocumentRawDepth)));
    return read_input(services, value);
}

// Reads and checks all documents; keeps them if `keep`, else where they are.
class BulkReader {
  public:
    BulkReader(const Services &services, const db::Database &database, bool keep)
        : services_(services), database_(database), keep_(keep) {}

    Result<Bulk> read(std::string_view text, bool url_replicated, std::string_view url_w) {
        json::ElementSink sink{[this] { begin(); },
                               [this](const json::Value &value, std::string_view part) { add(value, part); }};
        DIVAN_TRY(auto value,
                  json::parse_elements(text, "docs", sink, json_options(services_.config, kRequestRawDepth)));
        DIVAN_TRY_VOID(find_docs(value));
        const auto *all = value.object().find("all_or_nothing");
        bulk_.all_or_nothing = all != nullptr && all->is_true();
        const auto *w = value.object().find("w");
        bulk_.accepted = asks_for_copies(w != nullptr ? json::to_text(*w) : std::string(url_w));
        bulk_.replicated = url_replicated;
        if (const auto *new_edits = value.object().find("new_edits"))
            bulk_.replicated = new_edits->is_boolean() && !new_edits->boolean();
        if (const auto &wrong = bulk_.replicated ? wrong_if_replicated_ : wrong_)
            return *wrong;
        return std::move(bulk_);
    }

  private:
    void begin() {
        bulk_.documents.clear();
        wrong_.reset();
        wrong_if_replicated_.reset();
    }

    // Whether the edits are replicated may be told behind them.
    void add(const json::Value &value, std::string_view text) {
        if (wrong_ && wrong_if_replicated_)
            return;
        auto input = read_input(services_, value);
        check(input, false, wrong_);
        check(input, true, wrong_if_replicated_);
        auto &pending = bulk_.documents.emplace_back();
        if (keep_ && input.ok())
            pending.input = std::move(*input);
        else
            pending.text = text;
    }

    void check(const Result<wire::DocumentInput> &input, bool replicated, std::optional<Error> &wrong) {
        if (wrong)
            return;
        auto checked = input.ok() ? wire::check_document(services_.config, database_, *input, replicated)
                                  : Result<void>(input.error());
        if (!checked.ok())
            wrong = checked.error();
    }

    const Services &services_;
    const db::Database &database_;
    const bool keep_;
    Bulk bulk_;
    std::optional<Error> wrong_; // the first
    std::optional<Error> wrong_if_replicated_;
};

Result<std::vector<wire::PreparedDocument>> prepare(const Services &services, db::Database &database,
                                                    bool replicated, std::span<Pending> documents) {
    std::vector<wire::PreparedDocument> prepared;
    prepared.reserve(documents.size());
    for (auto &pending : documents) {
        DIVAN_TRY(auto input, take_input(services, pending));
        DIVAN_TRY(auto document,
                  wire::prepare_document(services.config, database, std::move(input), replicated));
        prepared.push_back(std::move(document));
    }
    return prepared;
}

// The revision that a document names: `_rev`, or the newest of `_revisions`.
std::optional<std::string> given_rev(const db::Edit &edit) {
    if (edit.path)
        return doc::RevId{edit.path->start, edit.path->hashes.front()}.text();
    return edit.parent ? std::optional(edit.parent->text()) : std::nullopt;
}

// Local documents go beside the commit groups' edits.
Task<Result<db::Written>> write_local_edit(Call &call, db::Edit &edit, bool replicated) {
    auto written = co_await call.on_engine([&]() -> Result<std::string> {
        if (!edit.deleted)
            return call.database->write_local(edit.id, std::move(edit.json), given_rev(edit), replicated);
        DIVAN_TRY_VOID(call.database->erase_local(edit.id));
        return std::string("0-0");
    });
    if (!written.ok())
        co_return written.error();
    auto rev = doc::RevId::parse(*written);
    if (!rev.ok())
        co_return rev.error();
    co_return db::Written{std::move(*rev), true};
}

bool is_written(const Result<db::Written> &outcome) {
    return outcome.ok();
}

// Errors of the document are told in its entry; others, like a stub without its attachment or a full disk,
// are of the whole request, unless a part of it was written.
bool fails_request(const Result<db::Written> &outcome) {
    if (outcome.ok())
        return false;
    switch (outcome.error().code()) {
    case ErrorCode::conflict:
    case ErrorCode::forbidden:
    case ErrorCode::partition_overflow:
    case ErrorCode::unauthorized:
    case ErrorCode::invalid_design_doc:
    case ErrorCode::compilation_error:
    case ErrorCode::function_failed:
    case ErrorCode::script_failed:
    case ErrorCode::not_found:
        return false;
    default:
        return true;
    }
}

// Writes one group and adds its answers. Errors: those of preparing it.
Task<Result<void>> write_group(Call &call, bool replicated, std::span<Pending> group, BulkAnswers &answers) {
    auto prepared =
        co_await call.on_engine([&] { return prepare(call.services(), *call.database, replicated, group); });
    if (!prepared.ok())
        co_return prepared.error();
    auto first = answers.ids.size();
    std::vector<db::Edit> edits;
    std::vector<std::size_t> edit_indexes;
    std::vector<std::vector<design::Advice>> advice; // of each edit
    std::vector<std::size_t> local_indexes;
    for (std::size_t i = 0; i < prepared->size(); ++i) {
        auto &edit = (*prepared)[i].edit;
        answers.ids.push_back(edit.id);
        answers.given_revs.push_back(replicated ? given_rev(edit).value_or("") : std::string());
        answers.outcomes.emplace_back(ErrorCode::internal_server_error);
        if (edit.id.starts_with("_local/")) {
            local_indexes.push_back(i);
            continue;
        }
        auto checked = co_await check_design_document(call, edit);
        if (!checked.ok()) {
            answers.outcomes.back() = checked.error();
        } else {
            edits.push_back(std::move(edit));
            edit_indexes.push_back(i);
            advice.push_back(std::move(*checked));
        }
    }
    if (!edits.empty()) {
        auto written = co_await write_documents(call, std::move(edits));
        auto failure = std::find_if(written.begin(), written.end(), fails_request);
        if (failure != written.end()) {
            for (auto i : local_indexes)
                answers.outcomes[first + i] = failure->error();
            local_indexes.clear();
        }
        for (std::size_t i = 0; i < written.size(); ++i) {
            if (written[i].ok())
                log_advice(call, answers.ids[first + edit_indexes[i]], advice[i]);
            answers.outcomes[first + edit_indexes[i]] = std::move(written[i]);
        }
    }
    // Backwards: of several for one id the first is what stays (couch_db_updater).
    for (auto i = local_indexes.rbegin(); i != local_indexes.rend(); ++i)
        answers.outcomes[first + *i] = co_await write_local_edit(call, (*prepared)[*i].edit, replicated);
    co_return Result<void>();
}

// How many of `documents` the next group takes.
std::size_t group_size(std::span<const Pending> documents) {
    if (documents.front().input)
        return documents.size();
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < std::min(documents.size(), kGroupDocumentsMax); ++count) {
        bytes += documents[count].text.size();
        if (count > 0 && bytes > kGroupBytesMax)
            break;
    }
    return count;
}

void append_error_row(std::string &out, std::string_view id, std::string_view rev, std::string_view word,
                      std::string_view reason) {
    json::ObjectWriter writer(out);
    writer.member("id", id);
    if (!rev.empty())
        writer.member("rev", rev);
    writer.member("error", word).member("reason", reason);
    writer.close();
}

// Errors: of the whole request.
Result<std::string> bulk_text(const Bulk &bulk, const BulkAnswers &answers) {
    const auto &outcomes = answers.outcomes;
    auto failure = std::find_if(outcomes.begin(), outcomes.end(), fails_request);
    if (failure != outcomes.end() && std::none_of(outcomes.begin(), outcomes.end(), is_written))
        return failure->error();
    std::string text = "[";
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const auto &outcome = outcomes[i];
        if (outcome.ok() && bulk.replicated)
            continue;
        text.append(text.size() > 1 ? "," : "");
        if (!outcome.ok()) {
            append_error_row(text, answers.ids[i], answers.given_revs[i], outcome.error().word(),
                             outcome.error().reason());
            continue;
        }
        text.append("{\"ok\":true,\"id\":");
        json::write_string(text, answers.ids[i]);
        text.append(",\"rev\":\"");
        outcome->rev.append_text(text);
        text.append(bulk.accepted ? "\",\"accepted\":true}" : "\"}");
    }
    text.push_back(']');
    return text;
}

// CouchDB answers a request for a transaction with an entry for each document (417).
Result<std::string> all_or_nothing_text(const Services &services, Bulk &bulk) {
    std::string text = "[";
    for (auto &pending : bulk.documents) {
        DIVAN_TRY(auto input, take_input(services, pending));
        auto rev = input.rev ? input.rev->text() : std::string("0-");
        text.append(text.size() > 1 ? "," : "");
        append_error_row(text, *input.id, rev, "not_implemented", "all_or_nothing is not supported");
    }
    text.push_back(']');
    return text;
}

} // namespace

Task<Result<void>> post_bulk_docs(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    call.services().metrics.count(telemetry::Metric::bulk_requests);
    auto body = co_await call.read_text();
    if (!body.ok())
        co_return body.error();
    auto new_edits = call.query.find("new_edits");
    bool url_replicated = new_edits && *new_edits == "false";
    auto url_w = call.query.find("w").value_or("");
    auto bulk = co_await call.on_engine([&]() -> Result<Bulk> {
        DIVAN_TRY(auto text, (*body)->view());
        return BulkReader(call.services(), *call.database, !(*body)->on_disk())
            .read(text, url_replicated, url_w);
    });
    if (!bulk.ok())
        co_return bulk.error();
    if (!(*body)->on_disk())
        body->reset(); // its documents are kept
    if (bulk->all_or_nothing) {
        auto refusal = co_await call.on_engine([&] { return all_or_nothing_text(call.services(), *bulk); });
        if (!refusal.ok())
            co_return refusal.error();
        co_return co_await call.send_json(417, std::move(*refusal));
    }
    BulkAnswers answers;
    for (auto rest = std::span(bulk->documents); !rest.empty();) {
        auto group = rest.first(group_size(rest));
        rest = rest.subspan(group.size());
        auto written = co_await write_group(call, bulk->replicated, group, answers);
        if (!written.ok())
            co_return written.error();
    }
    co_await note_refused_documents(call, answers.ids, answers.outcomes);
    auto text = bulk_text(*bulk, answers);
    if (!text.ok())
        co_return text.error();
    call.services().metrics.count(telemetry::Metric::document_writes,
                                  static_cast<std::int64_t>(answers.ids.size()));
    int status = bulk->accepted ? 202 : 201;
    co_return co_await call.send_json(status, std::move(*text));
}

} // namespace divan::api
