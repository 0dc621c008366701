#pragma once

// What follows the changes feed of a database: a view index, later others. A Follower reads, a Consumer
// derives.
//
// A consumer keeps its checkpoint in the write that moves its rows, so that it goes on after a crash where
// its rows are. Calls come from one thread at a time, but not always the same.

#include "index/document_page.h"

#include <memory>

namespace divan::index {

struct Checkpoint {
    kv::Sequence sequence;
    std::uint64_t purge_seq = 0;

    // Whether what stands here has seen everything up to `other`.
    [[nodiscard]] bool covers(const Checkpoint &other) const {
        return sequence >= other.sequence && purge_seq >= other.purge_seq;
    }
};

// A page on its way through a consumer.
class PageWork {
  public:
    virtual ~PageWork() = default;
    // Waits for what begin() has started, then writes rows and checkpoint together.
    virtual Result<void> commit(db::Database &database) = 0;
};

class Consumer {
  public:
    virtual ~Consumer() = default;
    [[nodiscard]] virtual Checkpoint checkpoint() const = 0;
    [[nodiscard]] virtual PageOptions page_options() const = 0;
    // A turn begins.
    virtual Result<void> prepare(db::Database &database) = 0;
    // Starts what can be done before the page before it is written. Works are committed in the order in which
    // they were begun; one that is destroyed instead was never there.
    virtual Result<std::unique_ptr<PageWork>> begin(DocumentPage page) = 0;
    // These documents were purged: what was derived from them is derived anew from what is left of them.
    virtual Result<void> purged(db::Database &database, const std::vector<std::string> &ids,
                                std::uint64_t purge_seq) = 0;
    // Records of purges are lost: everything that was derived from documents that are gone has to be found.
    virtual Result<void> sweep(db::Database &database, std::uint64_t purge_seq) = 0;
    // The feed has ended for now.
    virtual Result<void> caught_up(db::Database &database) = 0;
};

} // namespace divan::index
