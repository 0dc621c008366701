#pragma once

// Whether a long request, or a job, is still who it was when it began: its user has the same password, roles
// and no lock.

#include "access/principal.h"
#include "base/clock.h"
#include "base/event.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace divan::access {

class Authenticator;

// Used by one thread at a time.
class Standing {
  public:
    // The authenticator outlives it.
    Standing(Authenticator &authenticator, Principal principal);

    // `event` is notified when something has changed that may end it, until the event is released.
    void listen(const std::shared_ptr<Event> &event);
    // false: it has ended. nullopt: users have changed, ask holds(). Never blocks.
    [[nodiscard]] std::optional<bool> holds_cached();
    // May block on the engine.
    [[nodiscard]] bool holds();
    // Until it ends by itself, as a token does: nobody is notified then.
    [[nodiscard]] std::optional<Millis> time_left() const;

  private:
    bool note(bool holds, std::uint64_t count);

    Authenticator &authenticator_;
    const Principal principal_;
    std::uint64_t seen_; // Users::change_count() when it was last found to hold
    bool ended_ = false;
};

} // namespace divan::access
