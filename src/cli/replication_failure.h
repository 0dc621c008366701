#pragma once

// Why a replication failed, as who ran the command can do something about it. Pure, but for tell_failure().

#include "cli/command_output.h"
#include "replication/replicate.h"

#include <string>

namespace divan::cli {

// "the target: http://HOST/db/ answers 401: Name or password is incorrect. Give ..."
[[nodiscard]] std::string failure_text(const replication::Failure &failure);
// Whether trying again later may help without anybody doing something.
[[nodiscard]] bool failure_may_pass(const replication::Failure &failure);
// Of replication::identify(), which reads the filter function from the source.
[[nodiscard]] replication::Failure failure_to_identify(const Error &error,
                                                       const replication::Replication &replication);
// How to give a name and a password, or a token, for one end: a sentence.
[[nodiscard]] std::string login_advice(bool at_target);
// The last word of a command: an event `failed`, or an error.
void tell_failure(const replication::Failure &failure, CommandOutput &output);

} // namespace divan::cli
