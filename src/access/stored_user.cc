#include "access/stored_user.h"

#include "json/parser.h"

namespace divan::access {

Result<std::optional<StoredUser>> read_stored_user(db::Database &database, const std::string &id) {
    std::optional<StoredUser> none;
    DIVAN_TRY(auto head, database.head(id));
    if (!head || head->deleted)
        return none;
    DIVAN_TRY(auto body, database.body(*head));
    if (!body)
        return none;
    DIVAN_TRY(auto value, json::parse(body->json, {.depth_max = json::kAnyDepth}));
    StoredUser stored{std::move(*head), std::move(value.object()), {}};
    for (const auto &attachment : body->attachments)
        stored.attachments.push_back(attachment.name);
    return std::optional(std::move(stored));
}

} // namespace divan::access
