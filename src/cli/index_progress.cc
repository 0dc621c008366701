#include "cli/index_progress.h"

#include "cli/progress_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::cli {

void IndexProgress::update(std::uint64_t done, std::uint64_t total, Seconds now) {
    if (!known_ || done < done_) {
        first_done_ = done;
        first_at_ = now;
    }
    known_ = true;
    done_ = done;
    total_ = total;
    at_ = now;
}

std::optional<int> IndexProgress::percent() const {
    if (!known_ || total_ == 0)
        return std::nullopt;
    return static_cast<int>(std::min(done_, total_) * 100 / total_);
}

std::string IndexProgress::text() const {
    auto share = percent();
    if (!share)
        return {};
    auto text = fmt::format("{} %, {} of {} changes", *share, grouped(done_), grouped(total_));
    auto took = (at_ - first_at_).count();
    if (took <= 0 || done_ <= first_done_)
        return text;
    auto rate = static_cast<double>(done_ - first_done_) / took;
    text += fmt::format(", {}/s", grouped(static_cast<std::uint64_t>(rate)));
    if (total_ > done_) {
        auto left = static_cast<double>(total_ - done_) / rate;
        text += fmt::format(", {} left",
                            duration_text(std::chrono::seconds(static_cast<std::int64_t>(left) + 1)));
    }
    return text;
}

std::string IndexProgress::bar() const {
    auto share = percent();
    if (!share)
        return {};
    return bar_text(*share) + " " + text();
}

} // namespace divan::cli
