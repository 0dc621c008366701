#pragma once

// What the detector looks at, and how it follows from records of the audit log: those that are made now and
// those that were kept. Pure.

#include "audit/record.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace divan::anomaly {

struct Observation {
    enum class What : std::uint8_t { login, failed_login, refusal, reads };
    What what = What::login;
    std::chrono::microseconds time{}; // since the epoch
    // UTF-8, cut to what a record would hold. What is not known is empty.
    std::string principal; // of a failed login: the name that was claimed
    std::string address;
    std::string path;
    // Of reads: how many requests, and the bytes of their answers.
    std::uint64_t requests = 0;
    std::uint64_t bytes = 0;
};

// nullopt: nothing that is looked at. A record without a time has none.
[[nodiscard]] std::optional<Observation> observation_of(const audit::Record &record);
// Of a record that was read (audit::parse_record).
[[nodiscard]] std::optional<Observation> observation_of(const json::Object &record);

// Reads audit::time_text().
[[nodiscard]] std::optional<std::chrono::microseconds> parse_time(std::string_view text);

// As UTF-8, at most so many bytes of it before bytes that are none are replaced.
[[nodiscard]] std::string clean(std::string_view text, std::size_t bytes_max);

} // namespace divan::anomaly
