#include "audit/verify.h"

#include "audit/record.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

namespace divan::audit {
namespace {

using What = Finding::What;

constexpr std::uint64_t kProgressRecords = 1'000;
constexpr std::string_view kTimeBegin = "\"time\":\"";

bool is_same(const std::string &expected, const std::string &stored) {
    return crypto::Secret(expected).equals(stored);
}

std::string range_text(std::uint64_t first, std::uint64_t last) {
    return first == last ? fmt::format("Record {} ", first) : fmt::format("Records {} to {} ", first, last);
}

std::string time_of(const std::string &text) {
    auto begin = text.find(kTimeBegin);
    if (begin == std::string::npos)
        return {};
    begin += kTimeBegin.size();
    return text.substr(begin, text.find('"', begin) - begin);
}

class Verifier {
  public:
    Verifier(const crypto::Secret &key, VerifyInput input)
        : input_(std::move(input)), chain_(key, input_.uuid),
          head_lost_mark_(fmt::format("\"action\":\"{}\"", kHeadLostAction)) {
        if (head_is_genuine())
            chain_ = Chain(key, (*input_.head)->head.uuid);
        mac_ = chain_.genesis();
        for (const auto &line : input_.anchors)
            add_anchor(line);
    }

    Result<Verification> run() {
        for (;;) {
            DIVAN_TRY(auto block, input_.next_block());
            if (!block)
                break;
            if (block->records)
                for (const auto &record : *block->records)
                    look_at(record);
            else
                unreadable_.push_back(block->first_number);
        }
        look_at_head();
        for (const auto &[first, last] : missing_)
            find_missing(first, last);
        look_at_end();
        std::sort(findings_.begin(), findings_.end(), [](const auto &a, const auto &b) {
            return std::tie(a.first, a.what, a.last) < std::tie(b.first, b.what, b.last);
        });
        result_.finding_count = findings_.size();
        if (findings_.size() > kFindingsMax)
            findings_.resize(kFindingsMax);
        result_.findings = std::move(findings_);
        return std::move(result_);
    }

  private:
    // A record whose MAC is not what follows from the one before it, and what would follow.
    struct Doubt {
        std::uint64_t number;
        std::string expected;
    };

    void find(What what, std::uint64_t first, std::uint64_t last, std::string detail) {
        findings_.push_back({what, first, last, std::move(detail)});
    }

    // ---- records

    void look_at(const StoredRecord &record) {
        ++result_.records;
        if (input_.progress && result_.records % kProgressRecords == 0)
            input_.progress(record.number);
        if (record.number < next_) {
            look_at_late(record);
            return;
        }
        if (record.number > next_) {
            missing_.emplace(next_, record.number - 1);
            settle(What::broken_link);
            mac_.clear();
            certain_ = false;
        }
        next_ = record.number + 1;
        if (is_same(chain_.tag(record.number, record.text), record.tag))
            look_at_genuine(record);
        else
            look_at_changed(record);
        compare_anchors(record.number);
    }

    // It stands behind one with a higher number.
    void look_at_late(const StoredRecord &record) {
        auto number = record.number;
        auto gap = missing_.upper_bound(number);
        if (gap == missing_.begin() || std::prev(gap)->second < number) {
            find(What::added, number, number, fmt::format("Record {} is there more than once.", number));
            return;
        }
        --gap;
        auto [first, last] = *gap;
        missing_.erase(gap);
        if (first < number)
            missing_.emplace(first, number - 1);
        if (number < last)
            missing_.emplace(number + 1, last);
        find(What::reordered, number, number,
             fmt::format("Record {} stands behind record {}.", number, next_ - 1));
        if (!is_same(chain_.tag(number, record.text), record.tag))
            find(What::changed, number, number, fmt::format("Record {} was changed.", number));
    }

    void look_at_changed(const StoredRecord &record) {
        auto number = record.number;
        auto claimed = number_of(record.text);
        bool is_another =
            claimed && *claimed != number && is_same(chain_.tag(*claimed, record.text), record.tag);
        if (is_another)
            find(What::reordered, number, number,
                 fmt::format("Record {} stands in the place of record {}.", *claimed, number));
        else
            find(What::changed, number, number, fmt::format("Record {} was changed.", number));
        settle(What::broken_link);
        // What follows was made with this MAC, unless it was changed, too: then nothing can be said.
        mac_ = record.mac;
        certain_ = false;
    }

    // The text is proven by its tag; is the place, too?
    void look_at_genuine(const StoredRecord &record) {
        note_text(record);
        auto follows = [&](const std::string &before) {
            return is_same(chain_.link(before, record.number, record.tag), record.mac);
        };
        if (doubt_) {
            bool mac_was_changed = follows(doubt_->expected);
            certain_ = mac_was_changed || follows(mac_);
            settle(mac_was_changed ? What::changed : What::broken_link);
        } else if (mac_.empty()) {
            certain_ = false;
        } else if (follows(mac_)) {
            certain_ = true;
        } else if (certain_) {
            doubt_ = Doubt{record.number, chain_.link(mac_, record.number, record.tag)};
        }
        mac_ = record.mac;
    }

    void settle(What what) {
        if (!doubt_)
            return;
        auto number = doubt_->number;
        if (what == What::changed)
            find(what, number, number, fmt::format("The MAC of record {} was changed.", number));
        else
            find(what, number, number,
                 fmt::format("Record {} does not follow record {}: the log was put together anew.", number,
                             number - 1));
        doubt_.reset();
    }

    void note_text(const StoredRecord &record) {
        auto time = time_of(record.text);
        if (result_.first_time.empty())
            result_.first_time = time;
        result_.last_time = std::move(time);
        if (record.text.find(head_lost_mark_) != std::string::npos)
            find(
                What::head_lost, record.number, record.number,
                fmt::format("Record {} says that the server found no head that fits when it started: records "
                            "before it may be missing.",
                            record.number));
    }

    void find_missing(std::uint64_t first, std::uint64_t last) {
        auto block = std::find_if(unreadable_.begin(), unreadable_.end(),
                                  [&](auto number) { return number >= first && number <= last; });
        auto removed_last = block == unreadable_.end() ? last : *block - 1;
        if (removed_last >= first)
            find(What::removed, first, removed_last,
                 range_text(first, removed_last) + (first == removed_last ? "is missing." : "are missing."));
        if (block != unreadable_.end())
            find(What::unreadable, *block, last,
                 range_text(*block, last) + "cannot be read: the row was changed.");
    }

    // ---- the head

    bool head_is_genuine() {
        return input_.head.ok() && *input_.head &&
               is_same(chain_.seal_head((*input_.head)->head), (*input_.head)->seal);
    }

    void look_at_head() {
        auto last = next_ - 1;
        if (!head_is_genuine()) {
            settle(What::changed);
            if (result_.records > 0 || !input_.head.ok() || *input_.head)
                find(What::head, last, last,
                     input_.head.ok() && !*input_.head ? "The head of the log is missing."
                                                       : "The head of the log was changed.");
            if (!unreadable_.empty() && unreadable_.back() > last)
                missing_.emplace(next_, unreadable_.back());
            return;
        }
        const auto &head = (*input_.head)->head;
        result_.count = head.count;
        bool mac_was_changed = doubt_ && head.mac == doubt_->expected;
        bool fits = mac_was_changed || head.mac == mac_;
        settle(mac_was_changed ? What::changed : What::broken_link);
        if (head.count > last)
            missing_.emplace(next_, head.count);
        else if (head.count < last)
            find(What::added, head.count + 1, last,
                 range_text(head.count + 1, last) + "behind the head: nobody with the key wrote that.");
        else if (certain_ && !fits)
            find(What::head, last, last, "The head of the log does not fit its last record.");
    }

    // ---- anchors

    void add_anchor(const AnchorLine &line) {
        ++result_.anchors;
        if (!line.anchor.ok() ||
            !is_same(chain_.seal_anchor(line.anchor->head, line.anchor->time), line.anchor->seal)) {
            find(What::changed_anchor, 0, 0,
                 fmt::format("The anchor in line {} was changed, or was made with another key.", line.line));
        } else if (line.anchor->head.uuid != chain_.uuid()) {
            find(What::contradiction, line.anchor->head.count, line.anchor->head.count,
                 fmt::format("The anchor in line {} is of another log.", line.line));
        } else {
            anchors_.emplace(line.anchor->head.count, &line);
        }
    }

    void compare_anchors(std::uint64_t number) {
        auto [begin, end] = anchors_.equal_range(number);
        for (auto anchor = begin; anchor != end; ++anchor) {
            const auto &mac = anchor->second->anchor->head.mac;
            if (is_same(mac, mac_) || (doubt_ && is_same(mac, doubt_->expected)))
                newest_fitting_ = anchor->second;
            else if (certain_ && !doubt_)
                find(What::contradiction, number, number,
                     fmt::format(
                         "The anchor in line {}, of {}, knows of another record {}: the log was written "
                         "anew.",
                         anchor->second->line, anchor->second->anchor->time, number));
        }
    }

    // What anchors know of that is not there.
    void look_at_end() {
        auto last = next_ - 1;
        auto behind = anchors_.upper_bound(last);
        if (behind == anchors_.end())
            return;
        auto count = anchors_.rbegin()->first;
        auto after = newest_fitting_ == nullptr
                         ? std::string("before the first anchor that fits")
                         : fmt::format("after the anchor in line {} ({} records, {})", newest_fitting_->line,
                                       newest_fitting_->anchor->head.count, newest_fitting_->anchor->time);
        find(What::truncated, next_, count,
             fmt::format(
                 "The log was cut off {}: the anchor in line {}, of {}, knows of {} records, and the log "
                 "ends with record {}.",
                 after, behind->second->line, behind->second->anchor->time, behind->first, last));
    }

    VerifyInput input_;
    Chain chain_;
    const std::string head_lost_mark_;
    std::uint64_t next_ = 1;
    std::string mac_;     // of the record before; empty: it is not there
    bool certain_ = true; // that it is the true one
    std::optional<Doubt> doubt_;
    std::map<std::uint64_t, std::uint64_t> missing_;           // first to last
    std::vector<std::uint64_t> unreadable_;                    // first numbers of blocks
    std::multimap<std::uint64_t, const AnchorLine *> anchors_; // by count
    const AnchorLine *newest_fitting_ = nullptr;
    std::vector<Finding> findings_;
    Verification result_;
};

} // namespace

std::string_view finding_name(What what) {
    switch (what) {
    case What::changed:
        return "changed";
    case What::removed:
        return "removed";
    case What::reordered:
        return "reordered";
    case What::added:
        return "added";
    case What::broken_link:
        return "broken_link";
    case What::unreadable:
        return "unreadable";
    case What::head:
        return "head";
    case What::head_lost:
        return "head_lost";
    case What::truncated:
        return "truncated";
    case What::contradiction:
        return "contradiction";
    case What::changed_anchor:
        return "changed_anchor";
    }
    return "";
}

Result<Verification> verify(const crypto::Secret &key, VerifyInput input) {
    return Verifier(key, std::move(input)).run();
}

Result<Verification> verify_log(kv::Engine &engine, const crypto::Secret &key, std::string uuid,
                                std::vector<AnchorLine> anchors,
                                std::function<void(std::uint64_t)> progress) {
    BlockScan scan(engine, 1, false);
    VerifyInput input{.next_block = [&scan] { return scan.next(); },
                      .head = read_head(engine),
                      .uuid = std::move(uuid),
                      .anchors = std::move(anchors),
                      .progress = std::move(progress)};
    return verify(key, std::move(input));
}

} // namespace divan::audit
