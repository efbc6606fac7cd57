// Package devca makes the certificates of a development or demonstration
// gateway: an ECDSA P-256 authority made on first start, and short-lived leaf
// certificates for each party. Keys are written with mode 0600. It is not for
// production, where an operator's own authority signs.
package devca
