#include "kv/page_filler.h"

namespace divan::kv {

bool PageFiller::add(std::string_view key, std::string_view value) {
    if (request_.keys_only)
        value = {};
    auto bytes = page_.bytes() + key.size() + value.size();
    bool fits = page_.empty() || bytes <= request_.bytes_max;
    if (page_.size() >= request_.rows_max || !fits) {
        page_.more = true;
        return false;
    }
    page_.add(key, value);
    return true;
}

bool range_is_empty(std::string_view begin, std::string_view end) {
    return !end.empty() && begin >= end;
}

} // namespace divan::kv
