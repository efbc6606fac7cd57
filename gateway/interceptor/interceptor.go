package interceptor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"sluice/authn"
	"sluice/refusal"
)

// RequestIDHeader is the response header that names a call in the gateway's log.
const RequestIDHeader = "sluice-request-id"

// grpcOwn begins the methods of gRPC's own services, whose errors are theirs.
const grpcOwn = "/grpc."

// Config is what the interceptors need.
type Config struct {
	Log *slog.Logger
	Now func() time.Time
	// MaxDuration bounds every call, whatever deadline the caller set.
	MaxDuration time.Duration
	// Methods is read at each call: it is known only when all services are registered.
	Methods func() authn.Methods
	// Tokens admits partners by what their calls show; nil if none are taken.
	Tokens    Tokens
	Validator protovalidate.Validator
	// SelfChecked are methods whose door holds each part of a request against its
	// contract by itself, so that one bad part does not spoil the others.
	SelfChecked []string
	// MaxStream bounds a stream's life; MaxDuration if it is 0.
	MaxStream time.Duration
	// Ending is done when the server is about to stop, so that streams end; nil if
	// that is never known.
	Ending func() context.Context
}

// Tokens verifies the token that a call of a partner's method shows, and answers
// a context that has it, and its partner as the caller. Both are left as they
// are if the call shows none.
type Tokens interface {
	Admit(ctx context.Context, method string) (context.Context, error)
}

// Unary is the chain, outermost first.
func Unary(c Config) grpc.ServerOption {
	return grpc.ChainUnaryInterceptor(c.logged, c.recovered, c.bounded, c.admitted, c.validated)
}

type noteKey struct{}

// note is what the log says of a call. The caller is filled in on the way.
type note struct {
	id, caller string
	panicked   func(ctx context.Context, p any) error
}

// RequestID names the call; "" outside of one.
func RequestID(ctx context.Context) string {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n.id
	}
	return ""
}

func (c Config) logged(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	start, n := c.Now(), &note{id: "req_" + rand.Text(), caller: callerName(ctx), panicked: c.panicked}
	ctx = context.WithValue(ctx, noteKey{}, n)
	// Fails only where there is no transport, as in a direct call; the id is then in the log alone.
	_ = grpc.SetHeader(ctx, metadata.Pairs(RequestIDHeader, n.id))
	resp, err := next(ctx, req)
	if err = c.ended(ctx, info.FullMethod, n, c.Now().Sub(start), err); err != nil {
		return nil, err
	}
	return resp, nil
}

func levelOf(code codes.Code) slog.Level {
	if code == codes.Internal || code == codes.Unavailable {
		return slog.LevelError
	}
	return slog.LevelInfo
}

func callerName(ctx context.Context) string {
	caller, ok := authn.FromContext(ctx)
	if !ok {
		return ""
	}
	return authn.KindName(caller.Kind()) + "/" + caller.ID()
}

func (c Config) recovered(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, c.panicked(ctx, p)
		}
	}()
	return next(ctx, req)
}

// Safely is f on behalf of a call, in a goroutine of its own: its panic is the
// call's error and not the end of the process.
func Safely(ctx context.Context, f func() error) (err error) {
	defer func() {
		n, inside := ctx.Value(noteKey{}).(*note)
		if !inside {
			return
		}
		if p := recover(); p != nil {
			err = n.panicked(ctx, p)
		}
	}()
	return f()
}

func (c Config) panicked(ctx context.Context, p any) error {
	// The panic's value may hold data; the stack does not.
	c.Log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	return refusal.New(refusal.Internal, "something failed inside; nothing was released")
}

func (c Config) bounded(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, c.MaxDuration)
	defer cancel()
	return next(ctx, req)
}

func (c Config) validated(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if c.selfChecked(info.FullMethod) {
		return next(ctx, req)
	}
	if err := c.check(req); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (c Config) selfChecked(method string) bool { return slices.Contains(c.SelfChecked, method) }

// Invalid refuses a message for what is wrong with its fields.
func Invalid(err error) error {
	var verr *protovalidate.ValidationError
	if !errors.As(err, &verr) {
		return fmt.Errorf("validate request: %w", err)
	}
	r := refusal.New(refusal.InvalidRequest, "the request is malformed; see the field violations")
	for _, v := range verr.Violations {
		r.Violations = append(r.Violations, refusal.Violation{
			Field:       protovalidate.FieldPathString(v.Proto.GetField()),
			Description: v.Proto.GetMessage(),
		})
	}
	return r
}
