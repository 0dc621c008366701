#include "telemetry/metrics.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <vector>

namespace divan::telemetry {
namespace {

struct Info {
    std::string_view name;
    std::string_view description;
};

constexpr Info kInfos[] = {
#define DIVAN_COUNTER_INFO(identifier, name, description) {name, description},
    DIVAN_COUNTERS(DIVAN_COUNTER_INFO)
#undef DIVAN_COUNTER_INFO
};

constexpr double kSmallest = 0.01; // ms
constexpr double kGrowth = 1.25;

std::string leaf(std::string_view value, std::string_view type, std::string_view description) {
    return fmt::format(R"({{"value":{},"type":"{}","desc":"{}"}})", value, type, description);
}

// Leaves by path, written as nested objects.
struct Tree {
    std::map<std::string, Tree> children;
    std::string text;

    void put(std::string_view name, std::string value) {
        auto *node = this;
        while (true) {
            auto dot = name.find('.');
            node = &node->children[std::string(name.substr(0, dot))];
            if (dot == std::string_view::npos)
                break;
            name.remove_prefix(dot + 1);
        }
        node->text = std::move(value);
    }

    void write(std::string &out) const {
        if (children.empty()) {
            out += text;
            return;
        }
        out += '{';
        bool first = true;
        for (const auto &[name, child] : children) {
            if (!first)
                out += ',';
            first = false;
            out += fmt::format("\"{}\":", name);
            child.write(out);
        }
        out += '}';
    }
};

std::string histogram_json(const Histogram::Summary &s) {
    return fmt::format(
        R"({{"min":{},"max":{},"arithmetic_mean":{},"geometric_mean":{},"harmonic_mean":{},"median":{},"variance":{},)"
        R"("standard_deviation":{},"skewness":0,"kurtosis":0,"percentile":[[50,{}],[75,{}],[90,{}],[95,{}],[99,{}],[999,{}]],)"
        R"("histogram":[],"n":{}}})",
        s.min, s.max, s.mean, s.geometric_mean, s.harmonic_mean, s.p50, s.variance, std::sqrt(s.variance),
        s.p50, s.p75, s.p90, s.p95, s.p99, s.p999, s.count);
}

// The names of CouchDB's prometheus endpoint: `couchdb_` before those that do not begin so.
std::string underscored(std::string_view name) {
    std::string out(name.starts_with("couchdb.") ? "" : "couchdb.");
    out.append(name);
    std::replace(out.begin(), out.end(), '.', '_');
    return out;
}

} // namespace

std::size_t Histogram::bucket_of(double value) {
    if (value <= kSmallest)
        return 0;
    auto bucket = static_cast<std::size_t>(std::log(value / kSmallest) / std::log(kGrowth)) + 1;
    return std::min(bucket, kBuckets - 1);
}

double Histogram::value_of(std::size_t bucket) {
    return kSmallest * std::pow(kGrowth, static_cast<double>(bucket) - 0.5);
}

void Histogram::add(double value) {
    buckets_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
}

Histogram::Summary Histogram::summary() const {
    Summary s;
    std::array<std::uint64_t, kBuckets> counts{};
    double squares = 0;
    double logs = 0;
    double inverses = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        counts[i] = buckets_[i].load(std::memory_order_relaxed);
        if (counts[i] == 0)
            continue;
        auto n = static_cast<double>(counts[i]);
        auto value = value_of(i);
        if (s.count == 0)
            s.min = value;
        s.max = value;
        s.count += counts[i];
        s.sum += n * value;
        squares += n * value * value;
        logs += n * std::log(value);
        inverses += n / value;
    }
    if (s.count == 0)
        return s;
    auto n = static_cast<double>(s.count);
    s.mean = s.sum / n;
    s.geometric_mean = std::exp(logs / n);
    s.harmonic_mean = n / inverses;
    s.variance = std::max(0.0, squares / n - s.mean * s.mean);
    auto quantile = [&](double share) {
        auto rank = share * n;
        double seen = 0;
        for (std::size_t i = 0; i < kBuckets; ++i) {
            seen += static_cast<double>(counts[i]);
            if (seen >= rank && counts[i] > 0)
                return value_of(i);
        }
        return s.max;
    };
    s.p50 = quantile(0.5);
    s.p75 = quantile(0.75);
    s.p90 = quantile(0.9);
    s.p95 = quantile(0.95);
    s.p99 = quantile(0.99);
    s.p999 = quantile(0.999);
    return s;
}

void Registry::count_request(std::string_view method, int status, std::chrono::nanoseconds took) {
    count(Metric::requests);
    request_time.add(static_cast<double>(took.count()) / 1e6);
    auto find = [](std::string_view name) {
        for (std::size_t i = 0; i < std::size(kInfos); ++i)
            if (kInfos[i].name == name)
                return static_cast<int>(i);
        return -1;
    };
    // Names are looked up once a kind, not once a request.
    static const auto kStatus = [&] {
        std::array<std::int8_t, 600> table{};
        for (int i = 0; i < 600; ++i)
            table[static_cast<std::size_t>(i)] =
                static_cast<std::int8_t>(find(fmt::format("couchdb.httpd_status_codes.{}", i)));
        return table;
    }();
    if (status > 0 && status < 600 && kStatus[static_cast<std::size_t>(status)] >= 0)
        count(static_cast<Metric>(kStatus[static_cast<std::size_t>(status)]));
    struct Method {
        std::string_view name;
        Metric metric;
    };
    for (auto known : {Method{"GET", Metric::method_get}, Method{"PUT", Metric::method_put},
                       Method{"POST", Metric::method_post}, Method{"HEAD", Metric::method_head},
                       Method{"DELETE", Metric::method_delete}, Method{"COPY", Metric::method_copy},
                       Method{"OPTIONS", Metric::method_options}})
        if (known.name == method) {
            count(known.metric);
            return;
        }
}

namespace {

// Of times in milliseconds.
void append_summary(std::string &out, std::string_view name, const Histogram::Summary &s) {
    out += fmt::format("# TYPE {} summary\n", name);
    for (auto [quantile, value] : {std::pair<const char *, double>{"0.5", s.p50},
                                   {"0.75", s.p75},
                                   {"0.9", s.p90},
                                   {"0.95", s.p95},
                                   {"0.99", s.p99},
                                   {"0.999", s.p999}})
        out += fmt::format("{}{{quantile=\"{}\"}} {}\n", name, quantile, value / 1e3);
    out += fmt::format("{0}_sum {1}\n{0}_count {2}\n", name, s.sum / 1e3, s.count);
}

struct NamedGauge {
    std::string_view name;
    std::string_view description;
    std::int64_t value;
};

std::array<NamedGauge, 6> replicator_gauges(const Registry::Gauges &gauges) {
    return {
        {{"couch_replicator.jobs.running", "replicator scheduler running jobs", gauges.replicator_running},
         {"couch_replicator.jobs.pending", "replicator scheduler pending jobs", gauges.replicator_pending},
         {"couch_replicator.jobs.crashed", "replicator scheduler crashed jobs", gauges.replicator_crashed},
         {"couch_replicator.jobs.total", "total number of replicator scheduler jobs",
          gauges.replicator_total},
         {"divan.replicator.changes_pending", "changes that replications have not read yet",
          gauges.replicator_changes_pending},
         {"divan.replicator.behind_seconds",
          "seconds for which the replication that is furthest behind is so",
          gauges.replicator_behind_seconds}}};
}

} // namespace

std::string Registry::stats_json(const Gauges &gauges) const {
    Tree tree;
    for (std::size_t i = 0; i < std::size(kInfos); ++i)
        tree.put(kInfos[i].name,
                 leaf(fmt::format("{}", counters_[i].load()), "counter", kInfos[i].description));
    tree.put("couchdb.open_databases",
             leaf(fmt::format("{}", gauges.open_databases), "counter", "number of open databases"));
    for (auto [name, description, value] : replicator_gauges(gauges))
        tree.put(name, leaf(fmt::format("{}", value), "gauge", description));
    tree.put("couchdb.request_time", leaf(histogram_json(request_time.summary()), "histogram",
                                          "length of a request inside CouchDB without MochiWeb"));
    tree.put("mango.query_time", leaf(histogram_json(mango_query_time.summary()), "histogram",
                                      "length of time processing a mango query"));
    std::string out;
    tree.write(out);
    return out;
}

// Names and kinds are those of couch_prometheus_util.
std::string Registry::prometheus_text(const Gauges &gauges) const {
    std::string out;
    auto single = [&](std::string_view name, std::string_view kind, std::string_view help, auto value) {
        out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, kind, value);
    };
    if (!gauges.node_name.empty())
        out +=
            fmt::format("# TYPE divan_node_info gauge\ndivan_node_info{{node=\"{}\"}} 1\n", gauges.node_name);
    single("couchdb_uptime_seconds", "counter", "couchdb uptime", gauges.uptime_seconds);
    single("couchdb_open_databases", "gauge", "number of open databases", gauges.open_databases);
    single("divan_memory_bytes", "gauge", "resident memory", gauges.memory_bytes);
    for (auto [name, description, value] : replicator_gauges(gauges))
        single(underscored(name), "gauge", description, value);
    std::string_view labelled;
    for (std::size_t i = 0; i < std::size(kInfos); ++i) {
        const auto &info = kInfos[i];
        auto metric = static_cast<Metric>(i);
        auto dot = info.name.rfind('.');
        auto parent = info.name.substr(0, dot);
        if (parent == "couchdb.httpd_status_codes" || parent == "couchdb.httpd_request_methods") {
            auto name = underscored(parent);
            if (parent != labelled)
                out += fmt::format("# TYPE {} counter\n", name);
            labelled = parent;
            auto label = parent.ends_with("codes") ? "code" : "method";
            out += fmt::format("{}{{{}=\"{}\"}} {}\n", name, label, info.name.substr(dot + 1), value(metric));
        } else if (metric == Metric::clients_requesting_changes) {
            single(underscored(info.name), "gauge", info.description, value(metric));
        } else if (metric == Metric::auth_cache_hits) {
            single("couchdb_auth_cache_requests_total", "counter", "number of authentication cache requests",
                   value(metric) + value(Metric::auth_cache_misses));
        } else {
            single(underscored(info.name) + "_total", "counter", info.description, value(metric));
        }
    }
    append_summary(out, "couchdb_request_time_seconds", request_time.summary());
    append_summary(out, "couchdb_mango_query_time_seconds", mango_query_time.summary());
    return out;
}

} // namespace divan::telemetry
