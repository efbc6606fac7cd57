// Package operatorapi is the operators' door: register partners and banks, set
// their standing, suspend single consents, and see how feeds stand. Of feeds it
// shows numbers, ids and a partner's own words, never what an event said.
package operatorapi
