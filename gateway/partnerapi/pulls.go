package partnerapi

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sluice/consent"
	"sluice/gateway"
	"sluice/gateway/interceptor"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// pulls makes the methods of one service that answer with a Released.
type pulls struct {
	gate    Releaser
	service string
}

// request is what all requests for data have in common.
type request interface {
	proto.Message
	GetAccess() *partnerv1.Access
}

// method makes a handler that answers with a Released.
func method[R any, P interface {
	*R
	request
}](p pulls, name string, ask func(P) (gateway.Ask, error)) grpc.MethodDesc {
	full := p.service + "/" + name
	info := &grpc.UnaryServerInfo{FullMethod: "/" + full}
	call := func(ctx context.Context, req any) (any, error) {
		in, ok := req.(P)
		if !ok {
			return nil, fmt.Errorf("handle %s: unexpected request %T", full, req)
		}
		question, err := ask(in)
		if err != nil {
			return nil, err
		}
		released, err := p.release(ctx, full, in.GetAccess(), question)
		if err != nil {
			return nil, err
		}
		return released, nil
	}
	return grpc.MethodDesc{
		MethodName: name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			in := P(new(R))
			if err := decode(in); err != nil {
				return nil, err //nolint:wrapcheck // already a status of gRPC's own
			}
			if chain == nil {
				return call(ctx, in)
			}
			return chain(ctx, in, info, call)
		},
	}
}

func (p pulls) release(ctx context.Context, method string, access *partnerv1.Access, ask gateway.Ask) (gateway.Released, error) {
	ask, err := called(ctx, method, access, ask)
	if err != nil {
		return gateway.Released{}, err
	}
	released, err := p.gate.Release(ctx, ask)
	if err != nil {
		return gateway.Released{}, fmt.Errorf("release: %w", err)
	}
	interceptor.AfterAnswer(ctx, released.Sent)
	return released, nil
}

// called puts into an ask who calls, by what right, and what the call states.
func called(ctx context.Context, method string, access *partnerv1.Access, ask gateway.Ask) (gateway.Ask, error) {
	partner, err := authenticated(ctx)
	if err != nil {
		return gateway.Ask{}, err
	}
	ask.Partner = partner
	ask.Consent = consent.ID(access.GetConsentId())
	if ask.Ceiling, err = ceilingUnder(ctx, ask.Consent); err != nil {
		return gateway.Ask{}, err
	}
	ask.Purpose = access.GetPurpose()
	ask.Unattended = access.GetAttendance() != partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT
	ask.Method = method
	ask.RequestID = interceptor.RequestID(ctx)
	return ask, nil
}
