#include "api/error_response.h"

#include "base/encoding.h"
#include "json/writer.h"

namespace divan::api {

std::string error_text(const Error &error) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("error", to_utf8(error.word())).member("reason", to_utf8(error.reason()));
    writer.close();
    return text;
}

std::pair<net::ResponseHead, std::string> error_response(const Error &error) {
    net::ResponseHead head;
    head.status = error.status();
    head.headers.add("Server", std::string(kServerHeader));
    head.headers.add("Content-Type", "application/json");
    head.headers.add("Cache-Control", "must-revalidate");
    return {std::move(head), error_text(error) + "\n"};
}

} // namespace divan::api
