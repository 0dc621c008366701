#pragma once

// A client that reads and writes documents of random nodes, and remembers what it was told.

#include "simulation/asking.h"
#include "simulation/dice.h"
#include "simulation/history.h"

#include <string>
#include <vector>

namespace divan::simulation {

struct WorkloadOptions {
    std::vector<std::string> nodes;
    std::size_t documents = 12; // that all clients share
    Millis pause_max{800};      // between operations
};

class WorkloadClient {
  public:
    WorkloadClient(Asker &asker, Dice dice, History &history, WorkloadOptions options)
        : asker_(asker), dice_(std::move(dice)), history_(history), options_(std::move(options)) {}

    // Works until the asker is stopped; what is under way ends then, its outcome unknown.
    Task<void> run();

  private:
    Task<void> edit(std::string node, std::string id);
    Task<void> erase(std::string node, std::string id);
    Task<void> attach(std::string node, std::string id);
    // A revision that somebody else is said to have made.
    Task<void> replicated_edit(std::string node, std::string id);
    Task<void> bulk_edit(std::string node);
    void conclude(std::size_t number, const Answered &answer);
    [[nodiscard]] std::string draw_id();
    [[nodiscard]] std::string draw_text(std::size_t bytes_max);
    // New members of a document.
    void change(json::Object &document, std::int64_t value);

    Asker &asker_;
    Dice dice_;
    History &history_;
    const WorkloadOptions options_;
};

} // namespace divan::simulation
