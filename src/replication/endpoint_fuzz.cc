// Ends of replications as strangers write them: whatever is taken is shown without its password, and can be
// asked for.

#include "config/config.h"
#include "replication/endpoint.h"
#include "json/parser.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    static auto config = config::Config::load({}, "").value();
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto value = json::parse(text);
    if (!value.ok())
        value = json::Value(text);
    auto proxy = replication::read_proxy(&*value, *config);
    auto endpoint = replication::read_endpoint(&*value, std::nullopt, *config);
    if (!endpoint.ok())
        return 0;
    const auto &password = endpoint->password;
    if (password.size() > 8 && endpoint->path.find(password) == std::string::npos &&
        endpoint->destination.host.find(password) == std::string::npos &&
        endpoint->shown().find(password) != std::string::npos)
        std::abort();
    for (char c : endpoint->path)
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
            std::abort();
    for (const auto &[name, header] : endpoint->headers)
        if ((name + header).find_first_of("\r\n") != std::string::npos)
            std::abort();
    return 0;
}
