#pragma once

// Whether a long request, or a job, is still who it was when it began, its user having the same password,
// roles and no lock; and may still do what it does, by policies and the `_security` of its databases.

#include "access/gate.h"
#include "access/principal.h"
#include "base/clock.h"
#include "base/event.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::access {

class Authenticator;

// Used by one thread at a time.
class Standing {
  public:
    // The authenticator outlives it.
    Standing(Authenticator &authenticator, Principal principal);

    // Ends it also when this may not be done any more, or other documents are shown. With `opened` it was
    // permitted already; otherwise it counts from when it is. The gate outlives it.
    void need(const Gate &gate, Permission permission, const db::Database &opened);
    void need(const Gate &gate, Permission permission, std::string database);

    // `event` is notified when something has changed that may end it, until the event is released.
    void listen(const std::shared_ptr<Event> &event);
    // false: it has ended. nullopt: users have changed, ask holds(). Never blocks.
    [[nodiscard]] std::optional<bool> holds_cached();
    // May block on the engine.
    [[nodiscard]] bool holds();
    // Until it ends by itself, as a token does: nobody is notified then.
    [[nodiscard]] std::optional<Millis> time_left() const;

  private:
    struct Need {
        const Gate *gate;
        Permission permission;
        std::string database;
        bool held;
        std::string shown; // db::Visibility::digest() of what was opened; "": everything was shown
    };

    // Of users and policies; grows.
    [[nodiscard]] std::uint64_t change_count() const;
    bool note(bool holds, std::uint64_t count);

    Authenticator &authenticator_;
    const Principal principal_;
    std::vector<Need> needs_;
    std::uint64_t seen_; // change_count() when it was last found to hold
    bool ended_ = false;
};

} // namespace divan::access
