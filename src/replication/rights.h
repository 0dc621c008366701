#pragma once

// With whose rights a replication opens local databases: its user's, as they are now and for as long as they
// stay. For the files of this module only; on the loop.

#include "access/standing.h"
#include "replication/replicate.h"

namespace divan::replication {

// The principal with the roles that it has now; as it is where the server knows nothing of it, and of a
// `user_ctx`, for which an admin vouches. Errors: forbidden if its account is locked, or has changed since it
// asked for the replication.
Task<Result<access::Principal>> current_principal(Context &context, const Replication &replication);

// What it takes at one end (source or target): to read all of a database, or to write anywhere in it, and not
// only single documents.
[[nodiscard]] access::Permission permission_at(const access::Gate &gate, Cause end,
                                               const std::string &database);

// Cancels a session when its user's password, roles or lock change, or its local databases are closed to the
// user.
class RightsWatch {
  public:
    // All outlive it. `replication`: with current_principal().
    RightsWatch(Context &context, const Replication &replication, Cancellation &session);
    // Until stop(); ends at once if there is nothing to watch.
    Task<void> run();
    void stop() { stopping_.cancel(); }
    [[nodiscard]] bool lost() const { return lost_; }

  private:
    Context &context_;
    const Replication &replication_;
    Cancellation &session_;
    Cancellation stopping_;
    bool lost_ = false;
};

[[nodiscard]] Error rights_changed(const access::Principal &principal);

} // namespace divan::replication
