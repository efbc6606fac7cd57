// Package operatorapi is the operators' door: register partners and banks, set
// their standing, and suspend single consents.
package operatorapi
