#include "cli/replication_progress.h"

#include "cli/progress_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::cli {
namespace {

constexpr std::size_t kSamplesMax = 20;

} // namespace

Done &Done::operator+=(const Done &other) {
    documents_read += other.documents_read;
    documents_written += other.documents_written;
    documents_refused += other.documents_refused;
    return *this;
}

Done done_by(const replication::Progress &progress) {
    const auto &now = progress.statistics;
    const auto &before = progress.before_session;
    auto since = [](std::uint64_t a, std::uint64_t b) { return a - std::min(a, b); };
    return {since(now.docs_read, before.docs_read), since(now.docs_written, before.docs_written),
            since(now.doc_write_failures, before.doc_write_failures)};
}

std::uint64_t ReplicationProgress::looked_at() const {
    return progress_.changes_read - std::min(progress_.changes_read, progress_.changes_in_flight);
}

void ReplicationProgress::update(const replication::Progress &progress, Seconds now) {
    progress_ = progress;
    if (!samples_.empty() && looked_at() < samples_.back().changes)
        samples_.clear();
    samples_.push_back({now, looked_at(), progress.statistics.docs_written});
    if (samples_.size() > kSamplesMax)
        samples_.pop_front();
}

double ReplicationProgress::per_second(std::uint64_t Sample::*count) const {
    if (samples_.empty())
        return 0;
    auto took = (samples_.back().at - samples_.front().at).count();
    auto grown = samples_.back().*count - std::min(samples_.back().*count, samples_.front().*count);
    return took > 0 ? static_cast<double>(grown) / took : 0;
}

bool ReplicationProgress::up_to_date() const {
    return progress_.changes_in_flight == 0 && progress_.changes_pending.value_or(0) == 0 &&
           progress_.caught_up_at.count() > 0 && progress_.cause == replication::Cause::none;
}

std::optional<int> ReplicationProgress::percent() const {
    if (!progress_.changes_pending)
        return std::nullopt;
    auto all = progress_.changes_read + *progress_.changes_pending;
    if (all == 0)
        return std::nullopt;
    return static_cast<int>(looked_at() * 100 / all);
}

std::string ReplicationProgress::text() const {
    std::string text;
    auto share = percent();
    if (share) {
        auto all = progress_.changes_read + *progress_.changes_pending;
        text = fmt::format("{} %, {} of {} changes", *share, grouped(looked_at()), grouped(all));
    } else {
        text = fmt::format("{} changes", grouped(looked_at()));
    }
    auto documents = static_cast<std::uint64_t>(per_second(&Sample::documents));
    auto changes = per_second(&Sample::changes);
    if (documents > 0)
        text += fmt::format(", {} docs/s", grouped(documents));
    else if (changes >= 1)
        text += fmt::format(", {} changes/s", grouped(static_cast<std::uint64_t>(changes)));
    text += fmt::format(", {} in, {} out", bytes_text(progress_.statistics.bytes_in),
                        bytes_text(progress_.statistics.bytes_out));
    if (share && changes > 0) {
        auto left = progress_.changes_read + *progress_.changes_pending - looked_at();
        auto seconds = static_cast<std::int64_t>(static_cast<double>(left) / changes);
        if (left > 0)
            text += fmt::format(", {} left", duration_text(std::chrono::seconds(seconds + 1)));
    }
    if (progress_.cause != replication::Cause::none && !progress_.last_error.empty())
        text += fmt::format("; waits: {}", progress_.last_error);
    return text;
}

std::string ReplicationProgress::bar() const {
    auto share = percent();
    return share ? bar_text(*share) + " " + text() : text();
}

} // namespace divan::cli
