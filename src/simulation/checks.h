#pragma once

// What must be true of the databases of a simulation. Each check appends a sentence for what is wrong.

#include "db/database.h"
#include "simulation/follower.h"
#include "simulation/history.h"

#include <string>
#include <vector>

namespace divan::simulation {

using Problems = std::vector<std::string>;

// A database whose content is looked at.
struct Replica {
    std::string name;
    db::Database &database;
};

// The leaves of all documents, as a text: equal for databases with the same leaves. Empty: it cannot be read.
[[nodiscard]] std::string leaves_text(db::Database &database);

// All have the same leaves, and of each the same body and attachments.
void check_equal(const std::vector<Replica> &replicas, Problems &problems);
// What was acknowledged is a leaf or an ancestor, with the body that was sent; what was refused is not there,
// nor what nobody sent; attachments are whole.
void check_history(const Replica &replica, const History &history, Problems &problems);
// What this node has acknowledged is there: it has restarted.
void check_durable(const Replica &replica, const History &history, Problems &problems);
// A follower that has finished knows the newest leaves of each document.
void check_follower(const Replica &replica, const Follower &follower, Problems &problems);
// The target has all that the source had up to the checkpoint `log_id` that both keep.
void check_checkpoint(const Replica &source, const Replica &target, const std::string &log_id,
                      Problems &problems);

} // namespace divan::simulation
