#pragma once

// Finds the changes that a selector lets pass by looking at the documents themselves, in the order of their
// ids and in several places at once: this costs a tenth of looking each of them up from the feed.
//
// Threads: any, one at a time.

#include "db/database.h"
#include "selector/selector.h"

#include <memory>
#include <string>
#include <vector>

namespace divan::feed {

struct Candidate {
    kv::Sequence sequence;
    std::string id;
    bool passes = false; // otherwise it may: it is deleted, or has conflicts
};

class CandidateScan {
  public:
    // Of changes behind `since`. `database` outlives it. Errors: the engine's. Blocks on the engine.
    [[nodiscard]] static Result<CandidateScan>
    begin(db::Database &database, std::shared_ptr<const selector::Selector> selector, kv::Sequence since);

    // Looks at some thousands of documents, so that readers can send heartbeats in between.
    // Errors: the engine's. Blocks on the engine.
    Result<void> scan_some();
    [[nodiscard]] bool done() const;
    [[nodiscard]] std::size_t count() const; // of candidates so far
    // The database's last sequence when it began: what is committed later is not looked at.
    [[nodiscard]] kv::Sequence last() const { return last_; }
    // By sequence. REQUIRES: done()
    [[nodiscard]] std::vector<Candidate> take();

  private:
    // A range of ids.
    struct Part {
        std::string begin; // the next id
        std::optional<std::string> end;
        bool done = false;
        selector::Matcher matcher;
        std::vector<Candidate> found;
    };

    CandidateScan(db::Database &database, kv::Sequence since, kv::Sequence last)
        : database_(&database), since_(since), last_(last) {}
    Result<void> split(const std::shared_ptr<const selector::Selector> &selector);
    Result<void> scan(Part &part) const;

    db::Database *database_;
    kv::Sequence since_;
    kv::Sequence last_;
    bool plain_members_ = false; // are all that the selector needs
    std::vector<Part> parts_;
};

} // namespace divan::feed
