// Package signingdb keeps signing keys in SQL, their private halves sealed.
package signingdb
