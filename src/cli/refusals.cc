#include "cli/refusals.h"

#include "cli/progress_text.h"

#include <fmt/format.h>

namespace divan::cli {

void Refusals::note(const replication::Replication &replication, const replication::Refusal &refusal) {
    std::lock_guard lock(mutex_);
    if (news_.refused.size() < kept_max_)
        news_.refused.push_back({replication.source.shown(), refusal});
    else
        ++news_.dropped;
}

Refusals::News Refusals::take() {
    std::lock_guard lock(mutex_);
    return std::exchange(news_, {});
}

void tell_refusals(Refusals &refusals, std::string_view who, CommandOutput &output) {
    auto news = refusals.take();
    for (const auto &[source, refusal] : news.refused) {
        output.event("refused", [&](json::ObjectWriter &writer) {
            writer.member("source", std::string_view(source));
            writer.member("id", std::string_view(refusal.id));
            writer.member("rev", std::string_view(refusal.rev));
            writer.member("error", refusal.error.word());
            writer.member("reason", std::string_view(refusal.error.reason()));
        });
        if (!output.json())
            output.error(fmt::format("{} refuses document `{}` ({}) of {}: {}, {}", who, refusal.id,
                                     refusal.rev, source, refusal.error.word(), refusal.error.reason()));
    }
    if (news.dropped == 0)
        return;
    output.event("refused", [&](json::ObjectWriter &writer) { writer.member("dropped", news.dropped); });
    if (!output.json())
        output.error(fmt::format("{} refuses {} more documents, too many at once to be listed", who,
                                 grouped(news.dropped)));
}

} // namespace divan::cli
