#pragma once

// How far a replication is, as people read it. Pure.

#include "replication/replicate.h"

#include <chrono>
#include <deque>
#include <optional>
#include <string>

namespace divan::cli {

// What a run did, without what earlier ones counted in the checkpoint.
struct Done {
    std::uint64_t documents_read = 0;
    std::uint64_t documents_written = 0;
    std::uint64_t documents_refused = 0;

    Done &operator+=(const Done &other);
};
// Of a session.
[[nodiscard]] Done done_by(const replication::Progress &progress);

// What is shown of a session, from samples of how it stands.
class ReplicationProgress {
  public:
    using Seconds = std::chrono::duration<double>;

    // `now` since any beginning. A session that begins anew is noticed.
    void update(const replication::Progress &progress, Seconds now);
    // Of the changes that this session has to look at; nullopt: not known.
    [[nodiscard]] std::optional<int> percent() const;
    // "45 %, 12,345 of 27,000 changes, 1,200 docs/s, 3.1 MB in, 2.9 MB out, 12 s left"
    [[nodiscard]] std::string text() const;
    // "[####------] 45 %, ..."
    [[nodiscard]] std::string bar() const;
    // Everything that the source has is written.
    [[nodiscard]] bool up_to_date() const;

  private:
    struct Sample {
        Seconds at{};
        std::uint64_t changes = 0;
        std::uint64_t documents = 0;
    };
    [[nodiscard]] std::uint64_t looked_at() const;
    [[nodiscard]] double per_second(std::uint64_t Sample::*count) const;

    replication::Progress progress_;
    std::deque<Sample> samples_; // of the last seconds
};

} // namespace divan::cli
