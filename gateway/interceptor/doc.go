// Package interceptor does what is true of every call and knows nothing of
// consent: recover from panics, name the request, bound its time, require the
// right kind of caller, known by its connection or its token, check the request
// against its contract, and turn a refusal into a gRPC status. A log line says which call, by whom, how it ended
// and how long it took; it never carries account data.
package interceptor
