// Package registry is who takes part: the partners and banks an operator has
// registered, and whether they are in good standing. Suspending one is a single
// change that the fence of every release reads, however many grants it has.
//
// The SQL store is in registrydb.
package registry
