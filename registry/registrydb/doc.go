// Package registrydb keeps the registry of partners and banks in SQL, in rows
// that the fence of every release reads.
package registrydb
