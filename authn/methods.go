package authn

import (
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	authnv1 "sluice/gen/sluice/authn/v1"
)

// ErrUndeclared means that a method does not say which kind of caller it takes.
var ErrUndeclared = errors.New("method declares no kind of caller")

// open says whether a service may be called by any authenticated caller. Such
// services are of gRPC itself and answer nothing about customers.
func open(service string) bool {
	switch service {
	case "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection":
		return true
	default:
		return false
	}
}

// Methods says which kind of caller each method takes.
type Methods struct {
	kinds map[string]Kind // by full method, e.g. "/package.Service/Method"
}

// MethodsOf reads the declarations of all services registered on a server. It
// is an error, and the server must not start, if a method has none.
func MethodsOf(services map[string]grpc.ServiceInfo) (Methods, error) {
	m := Methods{kinds: map[string]Kind{}}
	for name, info := range services {
		for _, method := range info.Methods {
			full := "/" + name + "/" + method.Name
			if open(name) {
				m.kinds[full] = authnv1.CallerKind_CALLER_KIND_UNSPECIFIED
				continue
			}
			kind, err := declared(name, method.Name)
			if err != nil {
				return Methods{}, err
			}
			m.kinds[full] = kind
		}
	}
	return m, nil
}

// Takes says whether the method takes a caller of this kind.
func (m Methods) Takes(fullMethod string, caller Caller) bool {
	kind, ok := m.kinds[fullMethod]
	if !ok || !caller.identity.Valid() {
		return false
	}
	return kind == authnv1.CallerKind_CALLER_KIND_UNSPECIFIED || kind == caller.Kind()
}

// TakesTokens says whether the method is one of partners, who may prove
// themselves by a token.
func (m Methods) TakesTokens(fullMethod string) bool { return m.kinds[fullMethod] == Partner }

func declared(service, method string) (Kind, error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		return 0, fmt.Errorf("%w: %s/%s is in no contract", ErrUndeclared, service, method)
	}
	kind, ok := proto.GetExtension(d.Options(), authnv1.E_Caller).(Kind)
	if !ok || kind == authnv1.CallerKind_CALLER_KIND_UNSPECIFIED {
		return 0, fmt.Errorf("%w: %s/%s", ErrUndeclared, service, method)
	}
	return kind, nil
}
