#pragma once

// What happened, once: what an auditor reads. Plain data and its one text; no I/O.

#include "base/result.h"
#include "json/value.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::audit {

// X(name)
#define DIVAN_AUDIT_KINDS(X)                                                                                 \
    X(authentication)                                                                                        \
    X(refusal)                                                                                               \
    X(configuration)                                                                                         \
    X(security)                                                                                              \
    X(policy)                                                                                                \
    X(design)                                                                                                \
    X(replication)                                                                                           \
    X(document_read)                                                                                         \
    X(document_write)                                                                                        \
    X(database)                                                                                              \
    X(anomaly)                                                                                               \
    X(audit)

enum class Kind : std::uint8_t {
#define DIVAN_AUDIT_KIND(name) name,
    DIVAN_AUDIT_KINDS(DIVAN_AUDIT_KIND)
#undef DIVAN_AUDIT_KIND
        kCount,
};
inline constexpr std::size_t kKindCount = static_cast<std::size_t>(Kind::kCount);

[[nodiscard]] std::string_view kind_name(Kind kind);
[[nodiscard]] std::optional<Kind> parse_kind(std::string_view name);

enum class Outcome : std::uint8_t { granted, refused, failed };
[[nodiscard]] std::string_view outcome_name(Outcome outcome);

// Members that are empty are left out of the text. Never a password, a token, a cookie, a query string or the
// body of a document.
struct Record {
    std::chrono::microseconds time{}; // since the epoch; 0: when it is noted
    Kind kind = Kind::audit;
    std::string action; // "login", "config_set", ...
    Outcome outcome = Outcome::granted;
    std::string principal;     // who; empty: nobody, or the server itself
    std::string authenticated; // how: "cookie", "default", ...; "server": the server itself
    std::string address;       // of the client
    std::string method;
    std::string path; // without the query
    std::string database;
    std::string document;
    std::string revision;
    std::string replaced; // the revision before it
    std::string reason;
    json::Object details;
};

// The action of a record (of kind audit) that a start makes which finds no head that fits.
inline constexpr std::string_view kHeadLostAction = "head_lost";

// Which members of details are never written, besides those of passwords, tokens and secrets.
using RedactedFields = std::vector<std::string>;
inline constexpr std::string_view kRedacted = "[redacted]";

// "2026-11-29T04:08:55.123456Z": texts sort as times do.
[[nodiscard]] std::string time_text(std::chrono::microseconds time);

// Appends `"name":"text",` unless the text is empty. What is no UTF-8 is made so; at most `bytes_max` of it.
void append_member(std::string &out, std::string_view name, std::string_view text, std::size_t bytes_max);
// The members of a record that tell who asked for what: from `principal` to `database`, each with a comma
// behind it. For all records of one request.
[[nodiscard]] std::string origin_members(const Record &record);
// The text of a record from `time` on: canonical JSON with the members in the order of Record. Details that
// are large are left out, with their size.
[[nodiscard]] std::string body_of(const Record &record, std::string_view node,
                                  const RedactedFields &redacted = {});
// The members before `action`, as body_of() begins.
[[nodiscard]] std::string body_begin(std::string_view time, std::string_view node, Kind kind);
// The text of a record: its number, then the body.
[[nodiscard]] std::string numbered(std::uint64_t number, std::string_view body);

// The number that a text says it has; nullopt: it is no text of a record.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text);
// Reads a text. Errors: corruption.
[[nodiscard]] Result<json::Object> parse_record(std::string_view text);

} // namespace divan::audit
