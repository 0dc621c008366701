#include "views/definition.h"

#include <algorithm>
#include <map>
#include <set>

namespace divan::views {
namespace {

bool is_builtin(std::string_view reduce) {
    return reduce.starts_with('_');
}

// The views that the sources belong to, for errors: "views.by_email.map".
std::string function_name(const design::DesignDocument &document, std::string_view member,
                          const std::string &source, std::string design::ViewDefinition::*field) {
    for (const auto &view : document.views)
        if (view.*field == source)
            return "views." + view.name + "." + std::string(member);
    return std::string(member);
}

// The maps, and the reduces of each; in an order that does not depend on names.
using Sources = std::map<std::pair<std::string, collation::Order>, std::set<std::string>>;

Sources sources_of(const design::DesignDocument &document) {
    Sources sources;
    for (const auto &view : document.views) {
        auto &reduces = sources[{view.map, view.order}];
        if (!view.reduce.empty())
            reduces.insert(view.reduce);
    }
    return sources;
}

script::Program program_of(const design::DesignDocument &document, const std::string &database_uuid,
                           std::string key) {
    script::Program program;
    program.key = std::move(key);
    program.database = database_uuid;
    program.design_id = document.id;
    return program;
}

std::unique_ptr<const Mapper> script_mapper(const design::DesignDocument &document, const Sources &sources,
                                            script::Program program, script::Pool &pool) {
    if (!document.lib.empty())
        program.library = R"({"views":{"lib":)" + document.lib + "}}";
    for (const auto &[source, reduces] : sources)
        program.functions.push_back(
            {function_name(document, "map", source.first, &design::ViewDefinition::map), source.first});
    return make_script_mapper(pool, std::make_shared<script::Program>(std::move(program)));
}

std::unique_ptr<const Mapper> query_mapper(const Sources &sources, const selector::Limits &limits) {
    std::vector<std::string> maps;
    for (const auto &[source, reduces] : sources)
        maps.push_back(source.first);
    return make_query_mapper(maps, limits);
}

} // namespace

Definition::Place Definition::place(const design::ViewDefinition &view) const {
    for (std::size_t i = 0; i < maps.size(); ++i) {
        if (maps[i].source != view.map || maps[i].order != view.order)
            continue;
        Place place;
        place.map = static_cast<MapNumber>(i);
        if (!view.reduce.empty()) {
            auto found = std::find(maps[i].reduce_sources.begin(), maps[i].reduce_sources.end(), view.reduce);
            DIVAN_CHECK(found != maps[i].reduce_sources.end());
            place.reduce = static_cast<std::size_t>(found - maps[i].reduce_sources.begin());
        }
        return place;
    }
    DIVAN_CHECK(false);
    return {};
}

Result<std::shared_ptr<const Definition>> make_definition(const design::DesignDocument &document,
                                                          std::string signature, const db::Database &database,
                                                          script::Pool &pool, const ReduceLimits &limits) {
    const bool query = document.language == "query";
    if (!query && !document.is_javascript())
        return Error(ErrorCode::not_implemented,
                     "Views in the language \"" + document.language + "\" are not part of this version.");
    auto definition = std::make_shared<Definition>();
    definition->language = document.language;
    definition->design_id = document.id;
    definition->local_sequence = document.local_seq;
    definition->partitioned = design::has_partitioned_views(document, database.partitioned());
    // Design documents are in no partition.
    definition->include_design = document.include_design && !query && !definition->partitioned;

    const auto sources = sources_of(document);
    definition->mapper =
        query ? query_mapper(sources, document.selector_limits)
              : script_mapper(document, sources, program_of(document, database.uuid(), "maps:" + signature),
                              pool);
    auto reduces_program =
        std::make_shared<script::Program>(program_of(document, database.uuid(), "reduces:" + signature));
    // Reducers refer to the program, so it is complete before they are made.
    for (const auto &[source, reduces] : sources)
        for (const auto &reduce : reduces)
            if (!is_builtin(reduce))
                reduces_program->functions.push_back(
                    {function_name(document, "reduce", reduce, &design::ViewDefinition::reduce), reduce});
    std::uint32_t function = 0;
    for (const auto &[source, reduces] : sources) {
        MapDefinition map;
        map.source = source.first;
        map.order = source.second;
        for (const auto &reduce : reduces) {
            map.reduce_sources.push_back(reduce);
            if (is_builtin(reduce)) {
                DIVAN_TRY(auto builtin, make_builtin_reduce(reduce, limits));
                map.reducers.push_back(make_builtin_reducer(std::move(builtin)));
            } else {
                map.reducers.push_back(make_script_reducer(pool, reduces_program, function++, limits));
            }
        }
        definition->maps.push_back(std::move(map));
    }
    definition->signature = std::move(signature);
    return std::shared_ptr<const Definition>(std::move(definition));
}

} // namespace divan::views
