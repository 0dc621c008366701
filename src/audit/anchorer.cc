#include "audit/anchorer.h"

#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace divan::audit {

using telemetry::Metric;

void Anchorer::post(std::shared_ptr<const Options> options, Anchor anchor) {
    if (busy_.exchange(true))
        return;
    pool_.post([this, options = std::move(options), anchor = std::move(anchor)] {
        bring(options->anchors, anchor);
        busy_ = false;
    });
}

void Anchorer::finish(std::shared_ptr<const Options> options, Anchor anchor) {
    pool_.post([this, options = std::move(options), anchor = std::move(anchor)] {
        bring(options->anchors, anchor);
    });
    pool_.stop();
}

void Anchorer::bring(const AnchorOptions &options, const Anchor &anchor) {
    auto lacks = [&](const std::string &place) {
        auto known = counts_.find(place);
        return known == counts_.end() || known->second < anchor.head.count;
    };
    bool all = true;
    if (!options.file.empty() && lacks("file " + options.file))
        all &= bring_to("file " + options.file, anchor, append_to_file(options.file, anchor));
    if (options.syslog && lacks("syslog")) {
        send_to_syslog(anchor);
        all &= bring_to("syslog", anchor, {});
    }
    if (!options.peer.empty() && lacks("peer " + options.peer))
        all &= bring_to("peer " + options.peer, anchor, put_at_peer(options, anchor));
    if (all)
        anchored_ = anchor.head.count;
}

bool Anchorer::bring_to(const std::string &place, const Anchor &anchor, const Result<void> &kept) {
    if (!kept.ok()) {
        metrics_.count(Metric::audit_anchor_failures);
        log_.warning("the audit log was not anchored: " + kept.error().reason());
        return false;
    }
    metrics_.count(Metric::audit_anchors);
    counts_[place] = anchor.head.count;
    return true;
}

} // namespace divan::audit
