#include "audit/options.h"

#include "config/config.h"

#include <algorithm>

namespace divan::audit {
namespace {

bool matches_rest(std::string_view pattern, std::string_view name) {
    std::size_t p = 0;
    std::size_t n = 0;
    auto star = std::string_view::npos;
    std::size_t resumed = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resumed = n;
        } else if (p < pattern.size() && pattern[p] == name[n]) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++resumed;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

} // namespace

bool matches(std::string_view pattern, std::string_view name) {
    if (name.starts_with("_") && !pattern.starts_with("_"))
        return false;
    return matches_rest(pattern, name);
}

bool Options::wants_documents(Kind kind, std::string_view database) const {
    return wants(kind) && std::any_of(document_databases.begin(), document_databases.end(),
                                      [&](const auto &pattern) { return matches(pattern, database); });
}

std::shared_ptr<const Options> read_options(const config::Config &config) {
    auto integer = [&](std::string_view key) { return config.integer("audit", key); };
    auto options = std::make_shared<Options>();
    for (const auto &name : config.list("audit", "events"))
        if (auto kind = parse_kind(name))
            options->kinds[static_cast<std::size_t>(*kind)] = true;
    // Who turns recording off is recorded.
    for (auto kind : {Kind::configuration, Kind::audit})
        options->kinds[static_cast<std::size_t>(kind)] = true;
    options->document_databases = config.list("audit", "document_databases");
    options->redacted = config.list("audit", "redact_fields");
    options->queue_records_max = static_cast<std::size_t>(integer("queue_records_max"));
    options->queue_wait = Millis(integer("queue_wait_ms"));
    options->seal_interval = Millis(integer("seal_interval_ms"));
    auto &anchors = options->anchors;
    anchors.interval = std::chrono::seconds(integer("anchor_interval_seconds"));
    anchors.file = config.text("audit", "anchor_file");
    anchors.syslog = config.boolean("audit", "anchor_syslog");
    anchors.peer = config.text("audit", "anchor_peer");
    anchors.peer_user = config.text("audit", "anchor_peer_user");
    anchors.peer_password = config.secret("audit", "anchor_peer_password");
    anchors.peer_ca_file = config.text("audit", "anchor_peer_ca_file");
    return options;
}

} // namespace divan::audit
