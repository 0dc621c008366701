#pragma once

// Reading the log for an auditor: records by number, filtered, in pages.

#include "audit/blocks.h"
#include "audit/record.h"

#include <functional>
#include <optional>
#include <string>

namespace divan::audit {

// What is asked for; what is empty is not.
struct Filter {
    std::string since; // time_text(), inclusive
    std::string until; // exclusive
    std::string kind, action, outcome, principal, database, document, address;

    [[nodiscard]] bool admits(const json::Object &record) const;
    // Whether every record passes.
    [[nodiscard]] bool open() const;
};

// Of a time as a client writes it: RFC 3339 in UTC with any fraction or none, a date, or microseconds since
// the epoch; as time_text() writes it. Errors: query_parse_error.
[[nodiscard]] Result<std::string> read_time(std::string_view text);

struct Query {
    Filter filter;
    std::uint64_t from = 0;  // number; 0: the first, or with `descending` the last
    std::uint64_t count = 0; // records beyond are not looked at: Head::count of some time
    bool descending = false;
    std::size_t records_max = 100;    // that are answered
    std::size_t scanned_max = 10'000; // that are looked at
};

struct QueryPage {
    std::vector<std::string> texts;
    std::uint64_t next = 0; // Query::from of the next page; 0: there is none
};

// Errors: those of the engine; a block that cannot be read is passed over: verify() names it.
[[nodiscard]] Result<QueryPage> read_records(kv::Engine &engine, const Query &query);

} // namespace divan::audit
