#include "cli/server_answer.h"

#include "replication/remote_answer.h"
#include "json/parser.h"

#include <fmt/format.h>

namespace divan::cli {

Error answered_error(const net::ClientResponse &answer) {
    auto body = json::parse(answer.body);
    std::string reason = fmt::format("the server answered {}", answer.status);
    if (body.ok() && body->is_object())
        for (const char *name : {"error", "reason"})
            if (const auto *text = body->object().find(name); text != nullptr && text->is_string())
                reason += ": " + text->string();
    return {replication::code_of_status(answer.status), reason};
}

} // namespace divan::cli
