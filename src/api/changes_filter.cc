#include "api/changes_filter.h"

#include "api/request_object.h"

namespace divan::api {

Result<feed::FunctionFilter> find_function_filter(const Call &call, std::string_view section,
                                                  std::string_view name, const char *malformed,
                                                  const std::optional<std::string> &body) {
    DIVAN_TRY(auto filter,
              feed::find_function_filter(call.database, call.services().designs, section, name, malformed));
    if (!filter.is_map) {
        DIVAN_TRY(filter.request, request_object(call, {.body = body}));
    }
    return filter;
}

Result<SelectorFilter> read_selector_filter(const json::Object &body, const selector::Limits &limits) {
    SelectorFilter filter;
    DIVAN_TRY(filter.selector, feed::read_selector(body, limits));
    const auto *fields = body.find("fields");
    if (fields == nullptr)
        return filter;
    if (!fields->is_array())
        return Error(ErrorCode::bad_request, "Selector error: fields must be JSON array");
    auto names = mango::read_fields(*fields);
    auto projection = names.ok() ? mango::Projection::make(*names) : names.error();
    if (!projection.ok())
        return Error(ErrorCode::bad_request, projection.error().reason());
    filter.fields = std::move(*projection);
    return filter;
}

} // namespace divan::api
