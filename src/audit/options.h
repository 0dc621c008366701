#pragma once

// The settings of [audit] that may change while the server runs.

#include "audit/record.h"
#include "base/clock.h"
#include "crypto/secret.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace divan::config {
class Config;
}

namespace divan::audit {

struct AnchorOptions {
    std::chrono::seconds interval{60};
    std::string file;
    bool syslog = false;
    std::string peer; // URL of a database
    std::string peer_user;
    crypto::SharedSecret peer_password;
    std::string peer_ca_file;
};

struct Options {
    std::array<bool, kKindCount> kinds{};
    std::vector<std::string> document_databases; // patterns
    RedactedFields redacted;
    std::size_t queue_records_max = 10'000;
    Millis queue_wait{1'000};
    Millis seal_interval{200};
    AnchorOptions anchors;

    [[nodiscard]] bool wants(Kind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
    // Whether reads and writes (`kind`) of documents of this database are recorded.
    [[nodiscard]] bool wants_documents(Kind kind, std::string_view database) const;
};

[[nodiscard]] std::shared_ptr<const Options> read_options(const config::Config &config);

// `*` stands for any characters; a `_` at the beginning of a name is only matched by one in the pattern.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name);

} // namespace divan::audit
