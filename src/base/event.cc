#include "base/event.h"

namespace divan {

void Event::notify() {
    UniqueFunction<void()> callback;
    {
        std::lock_guard lock(mutex_);
        if (!callback_) {
            pending_ = true;
            return;
        }
        callback = std::move(callback_);
        callback_ = {};
    }
    callback();
}

void Event::on_notify(UniqueFunction<void()> callback) {
    {
        std::lock_guard lock(mutex_);
        if (!pending_ || !callback) {
            callback_ = std::move(callback);
            return;
        }
        pending_ = false;
        callback_ = {};
    }
    callback();
}

} // namespace divan
