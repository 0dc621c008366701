// Rules and answers of functions are anybody's; what they make of a request stays in its database.

#include "api/rewrite_rules.h"
#include "json/parser.h"

#include <cstdlib>

namespace {

void require_inside(std::string_view target) {
    auto path = target.substr(0, target.find('?'));
    bool inside = path == "/db" || path.starts_with("/db/");
    if (!inside || (std::string(path) + "/").find("/../") != std::string::npos)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto query = net::Query::parse("key=%221%22&x=%2E%2E%2F").value();
    api::RewriteRequest request{"GET", "db", "app", {"a", "..", "b/c"}, &query, true};
    auto rules = json::parse(text, {.depth_max = 200});
    if (rules.ok() && rules->is_array())
        if (auto target = api::apply_rewrite_rules(rules->array(), request); target.ok())
            require_inside(*target);
    if (auto answer = api::read_rewrite_answer(text, request); answer.ok() && !answer->status)
        require_inside(answer->target);
    return 0;
}
