#include "api/design_calls.h"

#include "design/design_documents.h"

namespace divan::api {

Task<Result<std::shared_ptr<const design::DesignDocument>>> find_design_document(Call &call, std::string id) {
    auto &designs = call.services().designs;
    if (auto cached = designs.find_cached(call.database, id))
        co_return cached;
    co_return co_await call.on_engine([&] { return designs.find(call.database, id); });
}

Task<Result<std::shared_ptr<const design::DesignDocument>>> find_design_document(Call &call) {
    co_return co_await find_design_document(call, "_design/" + call.path_parameter("ddoc"));
}

Task<Result<void>> refuse_design_method(Call &call, std::string methods) {
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    call.common_headers.add("Allow", methods);
    co_return Error(ErrorCode::method_not_allowed, "Only " + methods + " allowed");
}

Task<Result<void>> refuse_design_path(Call &call, std::string word) {
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    co_return Error(ErrorCode::not_found, std::move(word), "Invalid path.");
}

} // namespace divan::api
