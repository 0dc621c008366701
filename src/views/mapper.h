#pragma once

// What makes rows of documents: functions in JavaScript, or the fields of a Mango index.
//
// Threads: any.

#include "script/pool.h"
#include "selector/selector.h"

#include <future>
#include <memory>
#include <string>
#include <vector>

namespace divan::views {

class Mapper {
  public:
    virtual ~Mapper() = default;
    // The rows of every map for each of the documents, JSON texts; `function` is the number of the map.
    // Never blocks on the engine. REQUIRES: canonical texts.
    [[nodiscard]] virtual std::future<Result<script::MapAnswer>>
    map(std::vector<std::string> documents) const = 0;
};

// Functions of the program are the maps. The pool outlives the mapper.
[[nodiscard]] std::unique_ptr<const Mapper>
make_script_mapper(script::Pool &pool, std::shared_ptr<const script::Program> program);
// Texts of the `map` objects of a design document of the language "query". One that is no index has no rows.
[[nodiscard]] std::unique_ptr<const Mapper> make_query_mapper(const std::vector<std::string> &maps,
                                                              const selector::Limits &limits);

} // namespace divan::views
