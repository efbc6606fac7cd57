// Package receipt makes and verifies receipts: signed statements of a consent
// that its customer keeps and anybody can check without the gateway.
//
// A receipt is a compact JWS (RFC 7515), signed with ES256 by the gateway's own
// key, of the type "consent-receipt+jwt", so that it can't pass for an access
// token, nor a token for a receipt (RFC 8725, 3.11). It says what was agreed at
// one revision, and every change up to it.
//
// It has the bank's own names of the customer and of accounts: it is for the
// customer and the bank, and never for a partner. It names no co-holders beside
// those who made a change, and does not say whether the consent is hidden.
//
// Verify takes algorithm and type as they must be, and the key from the set it is
// given: nothing in a receipt says how it is to be checked, but which key.
package receipt
