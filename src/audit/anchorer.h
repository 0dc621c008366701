#pragma once

// Brings anchors to the places of the settings, on a thread of its own: a peer that hangs must not hold up
// the log. A place that fails is tried again with the next anchor, which says more.

#include "audit/anchor.h"
#include "base/executor.h"

#include <atomic>
#include <map>
#include <memory>

namespace divan::telemetry {
class Logger;
class Registry;
} // namespace divan::telemetry

namespace divan::audit {

class Anchorer {
  public:
    Anchorer(telemetry::Logger &log, telemetry::Registry &metrics) : log_(log), metrics_(metrics), pool_(1) {}

    // Never blocks. One anchor at a time: while one is on its way nothing is done.
    void post(std::shared_ptr<const Options> options, Anchor anchor);
    // Whether some place has not got an anchor of so many records.
    [[nodiscard]] bool is_behind(std::uint64_t count) const { return anchored_ < count; }
    // The last one; waits for it.
    void finish(std::shared_ptr<const Options> options, Anchor anchor);

  private:
    void bring(const AnchorOptions &options, const Anchor &anchor);
    // False: it failed.
    bool bring_to(const std::string &place, const Anchor &anchor, const Result<void> &kept);

    telemetry::Logger &log_;
    telemetry::Registry &metrics_;
    std::atomic<bool> busy_ = false;
    std::atomic<std::uint64_t> anchored_ = 0;     // records that every place knows of
    std::map<std::string, std::uint64_t> counts_; // by place; on the pool
    ThreadPool pool_;
};

} // namespace divan::audit
