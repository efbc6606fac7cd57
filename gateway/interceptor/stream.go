package interceptor

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice/refusal"
)

// errEnding means that the server is about to stop.
var errEnding = errors.New("the server is about to stop")

// Stream is the chain for streams, outermost first. A handler learns from its
// stream's context that its time is over, and must heed it. The server's codec
// must be gateway/codec.
func Stream(c Config) grpc.ServerOption {
	return grpc.ChainStreamInterceptor(c.streamLogged, c.streamRecovered, c.streamBounded, c.streamAdmitted, c.streamValidated)
}

// within is a stream with another context.
type within struct {
	grpc.ServerStream
	context func() context.Context
}

// Context is the other one.
func (s within) Context() context.Context { return s.context() }

func under(ctx context.Context, ss grpc.ServerStream) grpc.ServerStream {
	return within{ServerStream: ss, context: func() context.Context { return ctx }}
}

func (c Config) streamLogged(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	start, n := c.Now(), &note{id: "req_" + rand.Text(), caller: callerName(ss.Context()), panicked: c.panicked}
	ctx := context.WithValue(ss.Context(), noteKey{}, n)
	_ = ss.SetHeader(metadata.Pairs(RequestIDHeader, n.id)) // fails only where headers were sent
	err := next(srv, under(ctx, reading{ss}))
	return c.ended(ctx, info.FullMethod, n, c.Now().Sub(start), err)
}

func (c Config) streamRecovered(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = c.panicked(ss.Context(), p)
		}
	}()
	return next(srv, ss)
}

// streamBounded ends the stream's context after its life, or when the server is
// about to stop, and says so to a caller whose handler went for that.
func (c Config) streamBounded(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, cancel := context.WithCancelCause(ss.Context())
	defer cancel(nil)
	ctx, stop := context.WithTimeout(ctx, cmp.Or(c.MaxStream, c.MaxDuration))
	defer stop()
	if c.Ending != nil {
		defer context.AfterFunc(c.Ending(), func() { cancel(errEnding) })()
	}
	err := next(srv, under(ctx, ss))
	switch {
	case err == nil || refused(err) || ss.Context().Err() != nil:
		return err
	case errors.Is(context.Cause(ctx), errEnding):
		return refusal.New(refusal.RecordUnavailable, "this gateway is about to stop; open the stream again")
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return refusal.New(refusal.DeadlineExceeded, "the stream has lived its time; open another, nothing is lost")
	}
	return err
}

func refused(err error) bool {
	var r *refusal.Error
	return errors.As(err, &r)
}

func (c Config) streamAdmitted(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := c.admit(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return next(srv, under(ctx, ss))
}

func (c Config) streamValidated(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if strings.HasPrefix(info.FullMethod, grpcOwn) || c.selfChecked(info.FullMethod) {
		return next(srv, ss)
	}
	return next(srv, validated{ServerStream: ss, check: c.check})
}

// validated checks each message that comes in.
type validated struct {
	grpc.ServerStream
	check func(any) error
}

// RecvMsg receives a message that is as the contract says, or refuses it.
func (s validated) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err //nolint:wrapcheck // a status of gRPC's own, or io.EOF
	}
	return s.check(m)
}

// check holds a message against its contract.
func (c Config) check(m any) error {
	msg, ok := m.(proto.Message)
	if !ok {
		return refusal.New(refusal.Internal, "something failed inside; nothing was released")
	}
	if err := c.Validator.Validate(msg); err != nil {
		return Invalid(err)
	}
	return nil
}

// ended writes the line of a call or stream that has ended, and makes its error
// the caller's.
func (c Config) ended(ctx context.Context, method string, n *note, took time.Duration, err error) error {
	attrs := []slog.Attr{
		slog.String("request", n.id), slog.String("method", method), slog.String("caller", n.caller), slog.Duration("took", took),
	}
	if err == nil {
		c.Log.LogAttrs(ctx, slog.LevelDebug, "call", attrs...)
		return nil
	}
	if gone(ctx, err) {
		c.Log.LogAttrs(ctx, slog.LevelDebug, "the caller went away", append(attrs, slog.String("code", codes.Canceled.String()), slog.String("error", err.Error()))...)
		return Status(context.Canceled).Err()
	}
	s := Status(err)
	if strings.HasPrefix(method, grpcOwn) && !refused(err) {
		s = status.Convert(err) // says nothing but what its service is for
	}
	c.Log.LogAttrs(ctx, levelOf(s.Code()), "call refused", append(attrs,
		slog.String("reason", refusal.Name(refusal.ReasonOf(err))), slog.String("error", err.Error()))...)
	return s.Err()
}

// gone says whether a call ended because its caller did: then the transport's
// errors, whatever they are, are nobody's failure. ctx is the call's own. What
// was refused is told of all the same, if only to the log.
func gone(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.Canceled) && (!refused(err) || errors.Is(err, context.Canceled))
}
