// Package e2e tests the whole house from outside: the built program as a
// process of its own, a scripted bank over mutual TLS, and partners, banks and
// operators as gRPC clients.
package e2e
