#include "api/audit_notes.h"

#include "access/basic_credentials.h"
#include "anomaly/watch.h"
#include "audit/log.h"

#include <algorithm>

namespace divan::api {
namespace {

using audit::Kind;
using audit::Outcome;

bool is_refusal(const Error &error) {
    return error.code() == ErrorCode::unauthorized || error.code() == ErrorCode::forbidden;
}

// The name that a request claims by Basic; empty: none.
std::string claimed_name(const Call &call) {
    auto header = call.header("Authorization");
    if (!header)
        return {};
    auto credentials = access::parse_basic_credentials(*header);
    return credentials.ok() && *credentials ? std::move((*credentials)->name) : std::string();
}

// Whether a route shows what documents hold.
bool reads_documents(const Call &call, const Route &route) {
    auto pattern = route.pattern;
    if (!pattern.starts_with("/{db}/") ||
        (call.method != "GET" && call.method != "POST" && call.method != "COPY"))
        return false;
    pattern.remove_prefix(std::string_view("/{db}/").size());
    if (pattern.starts_with("_partition/{partition}/"))
        pattern.remove_prefix(std::string_view("_partition/{partition}/").size());
    if (pattern.starts_with("{docid}"))
        return call.method != "POST";
    if (pattern.starts_with("_design/{ddoc}/_view") || pattern.starts_with("_design/{ddoc}/_list") ||
        pattern.starts_with("_design/{ddoc}/_show"))
        return true;
    if (pattern == "_design/{ddoc}" || pattern.starts_with("_design/{ddoc}/{attname"))
        return call.method != "POST";
    for (std::string_view listing : {"_all_docs", "_design_docs", "_changes", "_bulk_get", "_find"})
        if (pattern == listing || pattern.starts_with(std::string(listing) + "/"))
            return true;
    return false;
}

} // namespace

audit::Record audit_record(const Call &call, Kind kind, std::string_view action) {
    audit::Record record;
    record.kind = kind;
    record.action = action;
    record.principal = call.principal.name;
    record.authenticated = call.principal.authenticated_by;
    record.address = call.head().remote_address;
    record.method = call.head().method;
    record.path = call.head().raw_path();
    if (const auto *database = call.find_path_parameter("db"))
        record.database = *database;
    if (const auto *design = call.find_path_parameter("ddoc"))
        record.document = "_design/" + *design;
    else if (const auto *document = call.find_path_parameter("docid"))
        record.document = *document;
    return record;
}

std::string audit_origin(const Call &call) {
    if (call.services().audit == nullptr)
        return {};
    return audit::origin_members(audit_record(call, Kind::document_write, {}));
}

Task<void> note(Call &call, audit::Record record) {
    if (auto *watch = call.services().anomaly)
        watch->observe(record);
    auto *log = call.services().audit;
    if (log == nullptr || log->try_note(record))
        co_return;
    co_await call.on_engine([&] {
        log->note(std::move(record));
        return true;
    });
}

Task<Result<void>> note_change(Call &call, audit::Record record) {
    auto *log = call.services().audit;
    if (log == nullptr || !log->wants(record.kind))
        co_return Result<void>();
    co_return co_await call.on_engine([&] { return log->note_durable(std::move(record)); });
}

Task<Result<void>> note_change(Call &call, Kind kind, std::string_view action) {
    auto record = audit_record(call, kind, action);
    co_return co_await note_change(call, std::move(record));
}

Task<void> note_authentication(Call &call, const Result<access::Principal> &principal) {
    if (call.services().audit == nullptr)
        co_return;
    if (!principal.ok()) {
        auto name = claimed_name(call);
        auto error = principal.error();
        std::string_view how = name.empty() ? "" : "default";
        co_await note_failed_login(call, std::move(name), how, std::move(error));
    } else if (principal->password_checked) {
        co_await note_login(call, *principal, principal->authenticated_by);
    }
}

Task<void> note_login(Call &call, const access::Principal &principal, std::string_view how) {
    if (call.services().audit == nullptr)
        co_return;
    auto record = audit_record(call, Kind::authentication, "login");
    record.principal = principal.name;
    record.authenticated = how;
    co_await note(call, std::move(record));
}

Task<void> note_failed_login(Call &call, std::string name, std::string_view how, Error error) {
    call.refusal_noted = true;
    if (call.services().audit == nullptr || !is_refusal(error))
        co_return;
    // Forbidden: the password was right, or was not looked at.
    std::string_view action = error.code() == ErrorCode::forbidden ? "login_locked" : "login_failed";
    auto record = audit_record(call, Kind::authentication, action);
    record.outcome = Outcome::refused;
    record.principal = std::move(name);
    record.authenticated = how;
    record.reason = error.reason();
    co_await note(call, std::move(record));
}

Task<void> note_refusal(Call &call, Error error) {
    if (call.services().audit == nullptr || call.refusal_noted || !is_refusal(error))
        co_return;
    call.refusal_noted = true;
    auto record = audit_record(call, Kind::refusal, error.word());
    record.outcome = Outcome::refused;
    record.reason = error.reason();
    co_await note(call, std::move(record));
}

Task<void> note_refused_documents(Call &call, std::span<const std::string> ids,
                                  std::span<const Result<db::Written>> outcomes) {
    if (call.services().audit == nullptr)
        co_return;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i].ok() || !is_refusal(outcomes[i].error()))
            continue;
        auto record = audit_record(call, Kind::refusal, outcomes[i].error().word());
        record.outcome = Outcome::refused;
        record.document = ids[i];
        record.reason = outcomes[i].error().reason();
        co_await note(call, std::move(record));
    }
}

Task<void> note_read(Call &call, const Route &route) {
    auto *log = call.services().audit;
    if (log == nullptr || !log->wants(Kind::document_read) || !reads_documents(call, route) ||
        !log->options()->wants_documents(Kind::document_read, call.database->name()))
        co_return;
    auto record = audit_record(call, Kind::document_read, "read");
    co_await note(call, std::move(record));
}

void count_read(Call &call, const Route &route) {
    auto *watch = call.services().anomaly;
    auto &response = call.response();
    constexpr int kErrorStatus = 400;
    // An answer that was cut off has been read as far as it went.
    if (watch != nullptr && response.started() && response.status() < kErrorStatus &&
        reads_documents(call, route))
        watch->count_read(call.principal.name, call.head().remote_address, response.bytes_sent());
}

} // namespace divan::api
