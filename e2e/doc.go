// Package e2e tests the whole house from outside: the built program as a
// process of its own, a scripted bank over mutual TLS, and partners, banks and
// operators as gRPC clients. client/ is a partner's client made of public libraries,
// in JavaScript; deploy/node.sh gets what it needs.
package e2e
