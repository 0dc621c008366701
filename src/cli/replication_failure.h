#pragma once

// Why a replication failed, as who ran the command can do something about it. Pure.

#include "replication/replicate.h"

#include <string>

namespace divan::cli {

// "the target: http://HOST/db/ answers 401: Name or password is incorrect. Give ..."
[[nodiscard]] std::string failure_text(const replication::Failure &failure);
// Whether trying again later may help without anybody doing something.
[[nodiscard]] bool failure_may_pass(const replication::Failure &failure);

} // namespace divan::cli
