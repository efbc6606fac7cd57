package interceptor

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"sluice/gateway/codec"
	"sluice/refusal"
)

// errExceeds means that there is too much at once of something.
var errExceeds = errors.New("more than is taken at once")

// read takes in a message by gRPC's means, or refuses it for what it is.
func read(m any, take func(any) error) error {
	in := codec.Checked{Into: m}
	if err := take(&in); err != nil {
		return err //nolint:wrapcheck // io.EOF, or a status of gRPC's own
	}
	switch {
	case in.Err == nil:
		return nil
	case errors.Is(in.Err, codec.ErrTooLarge):
		return refusal.Because(refusal.InvalidRequest, "the message is too large; send less at once", errExceeds)
	default:
		return refusal.Because(refusal.InvalidRequest, "the message is not of the method's type, or damaged", codec.ErrUnreadable)
	}
}

// reading is a stream whose messages, if they can't be read, are refused.
type reading struct{ grpc.ServerStream }

// RecvMsg receives a message, or refuses it.
func (r reading) RecvMsg(m any) error { return read(m, r.ServerStream.RecvMsg) }

// Reading registers services whose calls are refused, in the one form of all
// refusals, when their request can't be read: gRPC decodes it before the chain.
// As with Stream, the server's codec must be gateway/codec.
func Reading(s grpc.ServiceRegistrar) grpc.ServiceRegistrar { return registrar{s} }

type registrar struct{ grpc.ServiceRegistrar }

// RegisterService registers a service.
func (r registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	own := *desc
	own.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		handle := m.Handler
		m.Handler = func(srv any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			return handle(srv, ctx, func(in any) error {
				err := read(in, decode)
				if refused(err) {
					return Status(err).Err()
				}
				return err
			}, chain)
		}
		own.Methods[i] = m
	}
	r.ServiceRegistrar.RegisterService(&own, impl)
}
