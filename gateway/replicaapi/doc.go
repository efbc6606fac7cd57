// Package replicaapi is the door for other replicas of the gateway, and the way
// to theirs.
package replicaapi
