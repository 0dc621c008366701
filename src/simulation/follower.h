#pragma once

// A reader of a node's changes feed, page by page from where it was, through everything that happens to the
// node meanwhile.

#include "simulation/asking.h"
#include "simulation/dice.h"

#include <map>
#include <set>
#include <string>

namespace divan::simulation {

class Follower {
  public:
    Follower(Asker &asker, Dice dice, std::string node)
        : asker_(asker), dice_(std::move(dice)), node_(std::move(node)) {}

    // Reads until it is told to finish and there is nothing more, or until the asker is stopped.
    Task<void> run();
    void finish() { finishing_ = true; }
    [[nodiscard]] bool finished() const { return finished_; }
    // The leaves of each document as the newest row told them.
    [[nodiscard]] const std::map<std::string, std::set<std::string>> &seen() const { return seen_; }

  private:
    // How many rows came; nothing: it must be asked for again.
    std::optional<std::size_t> take(const json::Value &page);

    Asker &asker_;
    Dice dice_;
    const std::string node_;
    std::string since_ = "0";
    bool finishing_ = false;
    bool finished_ = false;
    std::map<std::string, std::set<std::string>> seen_;
};

} // namespace divan::simulation
