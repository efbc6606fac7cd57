package interceptor

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"sluice/authn"
	"sluice/refusal"
)

func (c Config) admitted(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := c.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// admit lets in a caller of the method's kind. Whoever the connection does not
// name may call partners' methods, with a token; a partner whom it names may
// show one too. For anybody else nothing is verified at all.
func (c Config) admit(ctx context.Context, method string) (context.Context, error) {
	caller, known := authn.FromContext(ctx)
	if known && !c.Methods().Takes(method, caller) {
		return ctx, refusal.New(refusal.CallerNotPermitted, "this method is not for this kind of caller")
	}
	if c.Tokens == nil || !c.Methods().TakesTokens(method) {
		return ctx, callerKnown(known)
	}
	ctx, err := c.Tokens.Admit(ctx, method)
	if err != nil {
		return ctx, fmt.Errorf("admit: %w", err)
	}
	caller, known = authn.FromContext(ctx)
	if n, ok := ctx.Value(noteKey{}).(*note); ok && known {
		n.caller = authn.KindName(caller.Kind()) + "/" + caller.ID()
	}
	return ctx, callerKnown(known)
}

func callerKnown(known bool) error {
	if !known {
		return refusal.New(refusal.CallerUnknown, "connect with a registered certificate, or call with an access token bound to your key")
	}
	return nil
}
