package interceptor

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/tap"

	"sluice/authn"
	"sluice/refusal"
)

// Unproven bounds the calls at once on a connection that named no party: each
// proves itself anew, and nobody knows yet that it can.
const Unproven = 100

// HeadersFirst refuses whoever can't be let in when the headers of a call are
// there, before any of its message is read: nobody who shows no token, nobody's
// calls of methods that take none, and more of them at once than Unproven. What
// a token is worth is verified later, as for all others.
func HeadersFirst(c Config) grpc.ServerOption { return grpc.InTapHandle(c.tapped) }

func (c Config) tapped(ctx context.Context, info *tap.Info) (context.Context, error) {
	if _, known := authn.FromContext(ctx); known {
		return ctx, nil
	}
	if c.Tokens == nil || !c.Methods().TakesTokens(info.FullMethodName) || len(info.Header.Get("authorization")) == 0 {
		return ctx, Status(callerKnown(false)).Err()
	}
	calls, ok := ctx.Value(connKey{}).(*atomic.Int64)
	if !ok {
		return ctx, nil
	}
	if calls.Add(1) > Unproven {
		calls.Add(-1)
		return ctx, Status(refusal.Because(refusal.InvalidRequest, "too many calls at once without a certificate; wait for some to end", errExceeds)).Err()
	}
	context.AfterFunc(ctx, func() { calls.Add(-1) }) // it ends with the call
	return ctx, nil
}
