package main

import (
	"context"
	"fmt"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"

	"sluice/consent/grantdb"
	"sluice/feed"
	"sluice/gateway"
	"sluice/gateway/bankapi"
	"sluice/gateway/operatorapi"
	"sluice/gateway/partnerapi"
	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/seal"
)

// wireFeeds makes the feed, and the doors through which it is filled and emptied.
func (h *house) wireFeeds(keys secrets, gate *gateway.Gate, names gateway.Pairwise, tokens *seal.Sealer) (func(grpc.ServiceRegistrar), error) {
	contents, err := seal.NewSealer(keys.derive("feed"))
	if err != nil {
		return nil, fmt.Errorf("contents of feeds: %w", err)
	}
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("contract rules: %w", err)
	}
	h.feed = feed.New(h.bell.store, contents, h.bell)
	h.metrics.watchFeeds(&feedGauges{feed: h.feed, parties: h.registry, log: h.logger, now: now})
	h.mending = grantdb.NewMending(grantdb.New(h.truth.db))
	return func(s grpc.ServiceRegistrar) {
		bankapi.NewFeeds(h.feed, h.book, grantdb.New(h.truth.db), h.registry, validator).Register(s)
		partnerapi.NewEvents(gate, watchedFeed{h.feed, h.metrics, h.logger}, names, tokens, h.logger, now).Register(s)
		operatorapi.NewFeeds(h.feed, h.registry, h.book, now).Register(s)
	}, nil
}

// mend lets feeds know of what replicas of before them change.
func (h *house) mend(ctx context.Context) {
	if n, err := h.mending.Next(ctx); err != nil && ctx.Err() == nil {
		h.logger.ErrorContext(ctx, "mend shares", "error", err)
	} else if n > 0 {
		h.logger.InfoContext(ctx, "mend shares", "mended", n)
	}
}

// sizeLimit is how many bytes of a request are read at most: batches of events
// are larger than all else.
func sizeLimit(message any) int {
	switch message.(type) {
	case *bankv1.PublishRequest, *bankv1.PublishBatchRequest:
		return maxBatch
	default:
		return maxRequest
	}
}
