// Package refusal says why a request was refused.
//
// The reasons are one closed list, the proto enum sluice.refusal.v1.Reason,
// shared by Go, Rego, gRPC and pages. An Error has what the caller may read
// apart from what only the operator may: its message, violations and metadata
// go out, its cause never does. The package knows nothing of gRPC; the doors
// turn an Error into a status in one place.
package refusal
