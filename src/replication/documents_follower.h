#pragma once

// Finds the `_replicator` databases of a store and follows their changes: each document is told once as it
// is when it is looked at, at the start and after each change. A database costs nothing while nobody writes
// to it: its store tells of writes.
//
// Used on the loop of its context only.

#include "replication/replicate.h"

#include <functional>
#include <memory>
#include <string>

namespace divan::db {
class Database;
class Store;
struct Body;
struct Head;
} // namespace divan::db

namespace divan::replication {

struct FollowedDocument {
    std::string database;
    std::string id;
    bool deleted = false;
    std::string json; // without special members but the server's notes
};

class DocumentsFollower {
  public:
    struct Sink {
        std::function<void(const FollowedDocument &)> document;
        // The database and all its documents are gone.
        std::function<void(const std::string &database)> removed;
    };
    // All outlive it; the store may live on.
    DocumentsFollower(Context &context, db::Store &store, Sink sink);
    ~DocumentsFollower(); // REQUIRES: stopped

    void start();
    // Waits for what is under way; nothing is told any more.
    Task<void> stop();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

// The winner's body, wherever it lies. May block on the engine.
[[nodiscard]] Result<db::Body> winner_body(db::Database &database, const db::Head &head);

} // namespace divan::replication
