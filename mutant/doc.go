// Package mutant plants faults, one at a time, to see that a test catches each.
//
// Without the build tag "mutants" Is is false for every fault, and the compiler
// drops what hangs on it: the gateway that is shipped has none of them. With the
// tag, the environment's SLUICE_MUTANT names the one that is planted.
package mutant
