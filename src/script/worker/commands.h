#pragma once

// Requests of the pool, carried out.

#include "script/protocol.h"
#include "script/worker/channel.h"
#include "script/worker/engine.h"
#include "script/worker/realm.h"

#include <string>

namespace divan::script {

// The answer's frame. `drop_realm`: something was stopped half way, and the realm should not be used again.
struct Answer {
    std::string frame;
    bool drop_realm = false;
};

// REQUIRES: the functions of the request exist in the realm.
[[nodiscard]] Answer run_request(Engine &engine, Realm &realm, Channel &channel,
                                 const protocol::Request &request);

} // namespace divan::script
